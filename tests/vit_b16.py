"""Take ViT-B/16 from a checkpoint through the method: `python -m tests.vit_b16`.

The checkpoint has timm's names and random weights. Each step says its seconds and the peak of memory, and the
permuted net has to compute what the net did before. A module with timm's names is traced, too. It takes about
a minute and 3 GB.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import torch

from reds.elastic.from_checkpoint import from_checkpoint
from reds.elastic.from_module import from_module
from reds.elastic.layers import units_last
from reds.elastic.net import nest
from reds.graph.subnets import Budget
from reds.nesting.importance import score
from reds.nesting.permute import most_important_first, permute
from reds.nesting.select import select
from tests.reds.support.timm_vit import TimmVit, randomize

SIDE, CLASSES = 224, 1000
BATCHES, EXAMPLES = 4, 2
"""Random minibatches, and pictures in each, that score units."""
SHARES = (0.25, 0.5, 0.75, 1.0)
TOLERANCE = 1e-4
"""Largest difference of outputs, as a share of the largest output."""


@contextmanager
def step(name: str) -> Iterator[None]:
    """Print the seconds of a step and the most memory that the process had in it."""
    Path("/proc/self/clear_refs").write_text("5")  # Linux then counts the peak anew
    started = time.monotonic()
    yield
    seconds = time.monotonic() - started
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    print(f"{name:<22}{seconds:8.1f} s{int(status['VmHWM'].split()[0]) / 2**20:8.2f} GiB", flush=True)


def main() -> None:
    """Run all steps. Raises `AssertionError` if a net computes something else than the one before."""
    torch.manual_seed(0)
    x = torch.randn(2, 3, SIDE, SIDE)
    with TemporaryDirectory() as folder, torch.no_grad():
        path = Path(folder) / "vit_b16.pth"
        module = TimmVit(SIDE, 16, units=768, heads=12, hidden=3072, blocks=12, classes=CLASSES).eval()
        randomize(module)
        torch.save(module.state_dict(), path)
        expected = module(x)
        with step("traced"):
            traced = from_module(module, (3, SIDE, SIDE))(units_last(x), 0)
        del module
        with step("checkpoint loaded"):
            net = from_checkpoint(path)
    graph = net.graph
    print(f"{graph.weights(graph.full):,} weights, {graph.macs(graph.full):,} MACs")
    differences = {"timm's and the traced net's": (traced - expected).abs().max() / expected.abs().max()}
    with step("run"), torch.no_grad():
        before = net(units_last(x), 0)
    differences["timm's and the loaded net's"] = (before - expected).abs().max() / expected.abs().max()

    def examples() -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        for _ in range(BATCHES):
            yield torch.randn(EXAMPLES, SIDE * SIDE * 3), torch.randint(CLASSES, (EXAMPLES,))

    with step("scored"):
        scores = score(net, examples(), measure="gradient", seed=0)
    with step("selected"):
        subnets = select(graph, scores.units, [Budget(share) for share in SHARES], step=1, least=1)
    for subnet in subnets:
        heads, hidden = ([subnet.widths[g] for g in each] for each in _groups(net.graph.full))
        print(f"{subnet.name:>5}: heads {heads}, hidden units {hidden}")
    with step("permuted"):
        permute(net, most_important_first(graph, scores.units))
    with step("nested"):
        nested = nest(net, subnets)
    with torch.no_grad():
        after = nested(units_last(x), len(subnets) - 1)
    differences["permuted and not"] = (after - before).abs().max() / before.abs().max()
    for name, difference in differences.items():
        print(f"{name}: max |dy| is {float(difference):.1e} of the largest output")
        assert difference < TOLERANCE, f"{name}: {float(difference):.1e}, at most {TOLERANCE} is allowed"


def _groups(full: tuple[int, ...]) -> tuple[list[int], list[int]]:
    """Return the unit groups of heads and those of hidden units."""
    return [g for g, n in enumerate(full) if n == 12], [g for g, n in enumerate(full) if n == 3072]


if __name__ == "__main__":
    main()
