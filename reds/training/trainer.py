"""Train all subnets of an elastic net together; a net with one subnet is simply trained.

The losses of all subnets are summed with the paper's weights `pi_i = sqrt(p_i) / sum sqrt(p_j)`, p_i the
share of the parameters that subnet i has (REDS, arXiv 2311.13349). Added to it, from slimmable networks
(Yu and Huang, arXiv 1903.05134): a minibatch goes through the largest subnet, the smallest and one of those
between, each in its turn (the sandwich rule), and the smaller ones also learn from the full net's answers
(in-place distillation). The epoch kept is the best one on validation data.
"""

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import torch
import torch.nn.functional as F  # noqa: N812, the field's name for it
from torch import Tensor

from reds.elastic.net import ElasticNet
from reds.errors import DataError, DivergedError
from reds.training.checkpoint import Checkpoint
from reds.training.options import TrainingOptions
from reds.training.torch_setup import fastest, random_state, set_random_state

PART = 256
"""Examples that are classified at once."""
Report = Callable[[int, Sequence[float]], None]
"""Called after every epoch with its number, from 1, and the validation accuracy of every subnet."""


def silent(epoch: int, accuracies: Sequence[float]) -> None:
    """Report nothing."""


class Stateful(Protocol):
    """What can be stopped and go on."""

    def state_dict(self) -> dict[str, Any]:
        """All that it needs to go on."""

    def load_state_dict(self, state: dict[str, Any], /) -> object:
        """Go on from there."""


class Drawn(Protocol):
    """What training needs of a data set."""

    def batches(self, size: int, generator: torch.Generator) -> Sequence[Tensor]:
        """Indices of one epoch's minibatches."""

    def augmented(self, batch: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Features float32 [N, features] and target probabilities float32 [N, classes]."""

    @property
    def validation(self) -> tuple[Tensor, Tensor]:
        """Features float32 [M, features] and labels int64 [M]."""


def train(
    net: ElasticNet, examples: Drawn, options: TrainingOptions, *, seed: int = 0, report: Report = silent,
    distil: float = 0.0, checkpoint: Checkpoint | None = None,
) -> tuple[float, ...]:  # fmt: skip
    """Train in place, leave the weights of the best epoch, and return its validation accuracy per subnet.

    Best means the largest mean over subnets, the later epoch of equal ones. The same seed on the same machine
    gives the same bits, also where a training that was killed goes on.

    Args:
        net: All its subnets are trained together.
        examples: To train on, and to choose the epoch by.
        options: How to train.
        seed: Of minibatches, augmentation and dropout.
        report: Called after each epoch.
        distil: Share of the full net's answers in the targets of the smaller subnets.
        checkpoint: Keeps every epoch; a training that it has is resumed.

    Raises:
        DataError: The examples have another number of classes than the net has outputs.
        DivergedError: A weight or a statistic is not finite after an epoch.
    """
    _check_classes(net, examples)
    torch.manual_seed(seed)  # dropout
    generator = torch.Generator().manual_seed(seed)
    net.dropout, kept, place = options.dropout, checkpoint or Checkpoint(), fastest()
    net.to(place)
    optimizer = torch.optim.AdamW(
        net.parameters(), lr=options.rate, weight_decay=options.weight_decay, fused=True
    )
    steps = len(examples.batches(options.batch, torch.Generator().manual_seed(seed)))
    cycle = torch.optim.lr_scheduler.OneCycleLR(optimizer, options.rate, total_steps=options.epochs * steps)
    shares = loss_shares(net)
    best = Best()
    short = steps < len(shares) - 2  # too short an epoch for all turns: the next one goes on
    stateful: dict[str, Stateful] = {"net": net, "optimizer": optimizer, "cycle": cycle, "best": best}
    start = 0
    if state := kept.phases.get(options.table):
        start = state["epoch"]
        for name, each in stateful.items():
            each.load_state_dict(state[name])
        generator.set_state(state["generator"])
        set_random_state(place, state["dropout"])
        report(start, best.accuracies)
    for epoch in range(start + 1, options.epochs + 1):
        net.train()
        first = (epoch - 1) * steps if short else 0
        for step, batch in enumerate(examples.batches(options.batch, generator), first):
            x, target = examples.augmented(batch, generator)
            optimizer.zero_grad(set_to_none=True)
            backward(net, x.to(place), smooth(target.to(place), options.smoothing), shares, distil, step)
            optimizer.step()
            cycle.step()
        if not all(value.isfinite().all() for value in net.state_dict().values()):
            raise DivergedError(
                f"training diverged in epoch {epoch}: lower {options.table} rate ({options.rate:g})"
            )
        now = tuple(accuracy(net, i, *examples.validation) for i in range(len(net.subnets)))
        best.see(now, net)
        state = {name: each.state_dict() for name, each in stateful.items()}
        state |= {"epoch": epoch, "generator": generator.get_state(), "dropout": random_state(place)}
        kept.save(options.table, state)
        report(epoch, now)
    net.to("cpu").load_state_dict(best.weights)
    return best.accuracies


def _check_classes(net: ElasticNet, examples: Drawn) -> None:
    _, target = examples.augmented(torch.zeros(1, dtype=torch.int64), torch.Generator())
    outputs = net.graph.full[net.graph.layers[-1].writes]
    if target.shape[1] != outputs:
        raise DataError(f"the examples are of {target.shape[1]} classes, the net tells {outputs}")


class Best:
    """The best epoch so far: its accuracy per subnet and its weights."""

    def __init__(self) -> None:
        self.accuracies: tuple[float, ...] = ()
        self.weights: dict[str, Tensor] = {}

    def see(self, accuracies: tuple[float, ...], net: ElasticNet) -> None:
        """Take an epoch that is at least as good on the mean."""
        if sum(accuracies) >= sum(self.accuracies):
            self.accuracies = accuracies
            self.weights = {name: value.to("cpu", copy=True) for name, value in net.state_dict().items()}

    def state_dict(self) -> dict[str, Any]:
        """As torch's own have it."""
        return {"accuracies": self.accuracies, "weights": self.weights}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """As torch's own have it."""
        self.accuracies, self.weights = state["accuracies"], state["weights"]


def loss_shares(net: ElasticNet) -> list[float]:
    """The paper's loss weights pi, one a subnet; they sum to 1."""
    roots = [net.graph.weights(subnet.widths) ** 0.5 for subnet in net.subnets]
    return [root / sum(roots) for root in roots]


def sandwich(subnets: int, step: int) -> list[tuple[int, int]]:
    """The subnets that minibatch `step` goes through, the largest first, and for how many each stands.

    All of up to three. Of more, one of those between stands for all of those.
    """
    between = subnets - 2
    middle = [(1 + step % between, between)] if between > 0 else []
    smallest = [(0, 1)] if subnets > 1 else []
    return [(subnets - 1, 1), *middle, *smallest]


def backward(
    net: ElasticNet, x: Tensor, target: Tensor, shares: Sequence[float], distil: float, step: int
) -> None:
    """Add the gradient of one minibatch's loss to the net's, subnet after subnet: one's activations live at
    a time. The last subnet, the full net, teaches the others.
    """
    taught = target
    for subnet, count in sandwich(len(shares), step):
        logits = net(x, subnet)
        torch.autograd.backward(count * shares[subnet] * F.cross_entropy(logits, taught))
        if subnet == len(shares) - 1:
            taught = torch.lerp(target, logits.detach().softmax(1), distil)


def smooth(target: Tensor, smoothing: float) -> Tensor:
    """Target probabilities [N, classes] with a share `smoothing` spread over all classes."""
    return (1 - smoothing) * target + smoothing / target.shape[1]


@torch.no_grad()
def accuracy(net: ElasticNet, subnet: int, x: Tensor, y: Tensor) -> float:
    """Fraction of x [N, features] that a subnet classifies as y [N]."""
    net.eval()
    place = net.weights[0].device
    chosen = torch.cat([net(part.to(place), subnet).argmax(1).cpu() for part in torch.split(x, PART)])
    return float((chosen == y).double().mean())
