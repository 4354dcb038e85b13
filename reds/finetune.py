"""Train all subnets of an elastic net together; a net with one subnet is simply trained.

Every minibatch goes through every subnet and the losses are summed with the paper's weights
`pi_i = sqrt(p_i) / sum sqrt(p_j)`, p_i the share of the parameters that subnet i has (REDS, arXiv
2311.13349). Added to it: the smaller subnets also learn from the full net's answers on the same minibatch
(in-place distillation), and the epoch kept is the best one on validation data.
"""

from collections.abc import Callable, Sequence
from typing import Protocol

import torch
import torch.nn.functional as F  # noqa: N812, the field's name for it
from torch import Tensor

from reds.elastic import ElasticNet
from reds.recipe import DivergedError, Training

PART = 2048
"""Examples that are classified at once."""
Report = Callable[[int, Sequence[float]], None]
"""Called after every epoch with its number, from 1, and the validation accuracy of every subnet."""


class Drawn(Protocol):
    """What training needs of a data set."""

    def batches(self, size: int, generator: torch.Generator) -> Sequence[Tensor]:
        """Indices of one epoch's minibatches."""

    def augmented(self, batch: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Features float32 [N, features] and target probabilities float32 [N, classes]."""

    @property
    def validation(self) -> tuple[Tensor, Tensor]:
        """Features float32 [M, features] and labels int64 [M]."""


def fit(
    net: ElasticNet, examples: Drawn, how: Training, seed: int, report: Report, distil: float = 0.0
) -> tuple[float, ...]:
    """Train in place, leave the weights of the best epoch, and return its validation accuracy per subnet.

    `distil` is the share of the full net's answers in the targets of the smaller subnets. Best means the
    largest mean over subnets, the later epoch of equal ones. The same seed on the same machine gives the
    same bits. Raises `DivergedError` after the first epoch that leaves a weight or a statistic not finite.
    """
    torch.manual_seed(seed)  # dropout
    generator = torch.Generator().manual_seed(seed)
    net.dropout = how.dropout
    optimiser = torch.optim.AdamW(net.parameters(), lr=how.rate, weight_decay=how.weight_decay)
    steps = len(examples.batches(how.batch, torch.Generator().manual_seed(seed)))
    cycle = torch.optim.lr_scheduler.OneCycleLR(optimiser, how.rate, total_steps=how.epochs * steps)
    shares = loss_shares(net)
    best: tuple[float, ...] = ()
    state: dict[str, Tensor] = {}
    for epoch in range(1, how.epochs + 1):
        net.train()
        for batch in examples.batches(how.batch, generator):
            x, target = examples.augmented(batch, generator)
            optimiser.zero_grad(set_to_none=True)
            torch.autograd.backward(joint_loss(net, x, smooth(target, how.smoothing), shares, distil))
            optimiser.step()
            cycle.step()
        if not all(value.isfinite().all() for value in net.state_dict().values()):
            raise DivergedError(f"training diverged in epoch {epoch}: lower {how.table} rate ({how.rate:g})")
        now = tuple(accuracy(net, i, *examples.validation) for i in range(len(net.widths)))
        if sum(now) >= sum(best):
            best, state = now, {name: value.clone() for name, value in net.state_dict().items()}
        report(epoch, now)
    net.load_state_dict(state)
    return best


def loss_shares(net: ElasticNet) -> list[float]:
    """The paper's loss weights pi, one a subnet; they sum to 1."""
    roots = [net.chain.weights(widths) ** 0.5 for widths in net.widths]
    return [root / sum(roots) for root in roots]


def joint_loss(net: ElasticNet, x: Tensor, target: Tensor, shares: Sequence[float], distil: float) -> Tensor:
    """Loss of one minibatch over all subnets; the last subnet, the full net, teaches the others."""
    logits = net(x, len(shares) - 1)
    loss = shares[-1] * F.cross_entropy(logits, target)
    taught = torch.lerp(target, logits.detach().softmax(1), distil)
    for subnet, share in enumerate(shares[:-1]):
        loss = loss + share * F.cross_entropy(net(x, subnet), taught)
    return loss


def smooth(target: Tensor, smoothing: float) -> Tensor:
    """Target probabilities [N, classes] with a share `smoothing` spread over all classes."""
    return (1 - smoothing) * target + smoothing / target.shape[1]


@torch.no_grad()
def accuracy(net: ElasticNet, subnet: int, x: Tensor, y: Tensor) -> float:
    """Fraction of x [N, features] that a subnet classifies as y [N]."""
    net.eval()
    chosen = torch.cat([net(part, subnet).argmax(1) for part in torch.split(x, PART)])
    return float((chosen == y).double().mean())
