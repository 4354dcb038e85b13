"""Compare the shares that selection counts with what cuts leave: `python -m tests.identity_shares`.

A residual net of four blocks is trained on CIFAR-10 at 16 x 16. Each block is left out, and the inner group
of each residual stack is cut to a quarter, a half and three quarters, one at a time. Each share is set beside
the probability of the right answers that is left, on held-out examples: with measured identities, with a half
each, and with none. Takes two minutes of one core.
"""

from collections.abc import Iterator

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from rich.console import Console
from scipy.stats import spearmanr
from torch import Tensor

from reds.data.examples import Examples
from reds.data.load import load_data
from reds.data.options import AugmentationOptions, DataOptions
from reds.elastic.net import ElasticNet, nest
from reds.graph import Graph, Widths
from reds.graph.builder import Builder
from reds.graph.subnets import Budget, SubnetSpec
from reds.nesting.identity import adapted_loss
from reds.nesting.importance import score
from reds.nesting.permute import most_important_first, permute
from reds.pack.model import Kind

STACKS = ((16, 1), (32, 2), (64, 2))
STEPS, SCORED, BATCH = 400, 15, 128
"""Minibatches of the training and of the scores, and examples in each."""
HELD_OUT = 1500


def residual_net() -> Graph:
    """Two blocks a stack, of which the first of a later stack has a projection beside it."""
    net = Builder(3, 16, 16)
    x = net.conv(net.input, STACKS[0][0], (3, 3))
    for units, first in STACKS:
        for stride in (first, 1):
            y = net.conv(net.conv(x, units, (3, 3), (stride, stride)), units, (3, 3), relu=False)
            x = net.conv(x, units, (1, 1), (stride, stride), relu=False, norm=False) if stride > 1 else x
            x = net.add(x, y, relu=True)
    net.dense(net.flatten(net.pool(x)), 10, relu=False, norm=False)
    return net.build()


def minibatches(examples: Examples, count: int, seed: int) -> Iterator[tuple[Tensor, Tensor]]:
    generator = torch.Generator().manual_seed(seed)
    for _ in range(count):
        x, y = examples.plain(BATCH, generator)
        yield halved(x), y


def halved(x: Tensor) -> Tensor:
    """Pictures of 32 x 32 at half the size, standardized."""
    small = x.reshape(-1, 16, 2, 16, 2, 3).mean((2, 4))
    return (small - small.mean()) / small.std()


def train(net: ElasticNet, examples: Examples, rate: float = 6e-3) -> None:
    optimizer = torch.optim.AdamW(net.parameters(), rate, weight_decay=0.02)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, total_steps=STEPS)
    net.train()
    for x, y in minibatches(examples, STEPS, seed=1):
        optimizer.zero_grad()
        F.cross_entropy(net(x, 0), y).backward()
        optimizer.step()
        schedule.step()
    net.eval()


@torch.no_grad()
def loss(net: ElasticNet, widths: Widths, x: Tensor, y: Tensor) -> float:
    return adapted_loss(nest(net, [SubnetSpec("cut", Budget(), widths)]).eval(), x, y)


def main() -> None:
    torch.set_num_threads(1)
    torch.manual_seed(0)
    data = load_data(DataOptions("cifar-10"), 0, Console(stderr=True))
    examples = Examples(data, DataOptions("cifar-10"), AugmentationOptions())
    graph = residual_net()
    full = ElasticNet(graph)
    train(full, examples)
    scores = score(full, minibatches(examples, SCORED, seed=2), depth=True)
    permute(full, most_important_first(graph, scores.units))
    assert scores.identity is not None
    x, y = (part[:HELD_OUT] for part in examples.validation)
    x, whole = halved(x), loss(full, graph.full, halved(x), y)
    blocks = {block.groups[0] for block in graph.blocks}
    inner = sorted(
        {layer.writes[0].group for layer in graph.layers if layer.kind is Kind.CONV and layer.relu} - {1}
    )
    rows = []
    for group in inner:
        best = np.sort(scores.units[group])[::-1]
        for quarter in range(group not in blocks, 4):
            n = graph.full[group] * quarter // 4
            left = np.exp(whole - loss(full, (*graph.full[:group], n, *graph.full[group + 1 :]), x, y))
            rows.append((best[:n].sum() / best.sum(), scores.identity[group], 0.5 * (group in blocks), left))
            kept, identity, _, _ = rows[-1]
            print(f"group {group} to {n}: {kept:.2f} kept, identity {identity:.2f}, probability {left:.2f}")
    kept, measured, half, left = np.array(rows).T
    for name, identity in (("measured", measured), ("a half each", half), ("none", 0 * half)):
        share = identity + (1 - identity) * kept
        off, alike = np.abs(share - left).mean(), spearmanr(share, left)[0]
        print(f"identities {name}: {off:.3f} off on average, rank correlation {alike:.2f}, {len(rows)} cuts")


if __name__ == "__main__":
    main()
