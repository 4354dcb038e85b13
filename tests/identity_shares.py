"""Measure how well the shares of identities foretell what a cut costs: `python -m tests.identity_shares`.

A residual net of four blocks is trained on CIFAR-10 at 16 x 16. Each block is left out, and the inner group
of each residual stack is cut to a quarter, a half and three quarters, one at a time. Each such net trains a
little further. The rank correlation of its validation loss with the share that selection counts is printed:
with measured identities, with a half each, and with none. Takes five minutes of one core.
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
from reds.graph import Graph
from reds.graph.builder import Builder
from reds.graph.subnets import Budget, SubnetSpec
from reds.nesting.importance import score
from reds.nesting.permute import most_important_first, permute
from reds.pack.model import Kind

STACKS = ((16, 1), (32, 2), (64, 2))
FULL, TUNED, BATCH = 250, 30, 128
"""Minibatches of the full net's training and of each further training, and examples in each."""
SCORED, VALIDATED = 10, 1000


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


def minibatches(examples: Examples, count: int, size: int, seed: int) -> Iterator[tuple[Tensor, Tensor]]:
    generator = torch.Generator().manual_seed(seed)
    for _ in range(count):
        x, y = examples.plain(size, generator)
        yield halved(x), y


def halved(x: Tensor) -> Tensor:
    """Pictures of 32 x 32 at half the size, standardized."""
    small = x.reshape(-1, 16, 2, 16, 2, 3).mean((2, 4))
    return (small - small.mean()) / small.std()


def trained(net: ElasticNet, examples: Examples, count: int, rate: float, seed: int) -> ElasticNet:
    optimizer = torch.optim.AdamW(net.parameters(), rate, weight_decay=0.02)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, total_steps=count)
    net.train()
    for x, y in minibatches(examples, count, BATCH, seed):
        optimizer.zero_grad()
        F.cross_entropy(net(x, 0), y).backward()
        optimizer.step()
        schedule.step()
    return net.eval()


def main() -> None:
    torch.set_num_threads(1)
    torch.manual_seed(0)
    data = load_data(DataOptions("cifar-10"), 0, Console(stderr=True))
    examples = Examples(data, DataOptions("cifar-10"), AugmentationOptions())
    held_out, labels = (part[:VALIDATED] for part in examples.validation)
    graph = residual_net()
    full = trained(ElasticNet(graph), examples, FULL, 6e-3, 1)
    scores = score(full, minibatches(examples, SCORED, 100, 2), depth=True)
    permute(full, most_important_first(graph, scores.units))
    assert scores.identity is not None
    blocks = [block.groups[0] for block in graph.blocks]
    inner = sorted({layer.writes for layer in graph.layers if layer.kind is Kind.CONV and layer.relu} - {1})
    rows = []
    for group in inner:
        for quarter in range(group not in blocks, 4):
            widths = list(graph.full)
            widths[group] = graph.full[group] * quarter // 4
            net = nest(full, [SubnetSpec("cut", Budget(), tuple(widths))])
            tuned = trained(net, examples, TUNED, 1.5e-3, 3)
            with torch.no_grad():
                loss = float(F.cross_entropy(tuned(halved(held_out), 0), labels))
            best = np.sort(scores.units[group])[::-1]
            kept, identity = best[: widths[group]].sum() / best.sum(), scores.identity[group]
            rows.append((kept, identity, 0.5 * (group in blocks), loss))
            print(
                f"group {group} to {widths[group]}: {kept:.2f} kept, identity {identity:.2f}, loss {loss:.3f}"
            )
    kept, measured, half, loss = np.array(rows).T
    for name, identity in (("measured", measured), ("a half each", half), ("none", 0 * half)):
        share = identity + (1 - identity) * kept
        print(f"identities {name}: rank correlation {spearmanr(share, -loss)[0]:.2f} over {len(rows)} cuts")


if __name__ == "__main__":
    main()
