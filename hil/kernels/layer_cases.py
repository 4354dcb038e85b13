"""List the single layers of the bench: those with published figures, and those that once fell off a cliff."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from hil.kernels.cases import Cmsis
from reds.graph import Graph
from reds.graph.builder import Builder
from reds.pack.model import Kind

MOST_A_MAC = 6.0
"""Limit of any layer, in instructions for a multiply-accumulate."""
MOST_AN_OUTPUT = 12.0
"""Limit of any layer without multiply-accumulates, in instructions for an output."""


@dataclass(frozen=True)
class LayerCase:
    """A net of one layer, with its cost of one multiply-accumulate in CMSIS-NN if it is known."""

    graph: Callable[[], Graph]
    cmsis: Cmsis | None = None


def dense(reads: int, writes: int) -> Graph:
    """Return a net of one dense layer."""
    net = Builder(reads)
    net.dense(net.input, writes)
    return net.build()


def conv(
    reads: int,
    height: int,
    width: int,
    writes: int,
    kernel: tuple[int, int],
    stride: tuple[int, int] = (1, 1),
) -> Graph:
    """Return a net of one convolution, padded to ceil(side / stride).

    Args:
        reads: Input channels.
        height: Rows of the input.
        width: Columns of the input.
        writes: Output channels.
        kernel: Rows and columns of the kernel.
        stride: Rows and columns of the stride.
    """
    net = Builder(reads, height, width)
    net.conv(net.input, writes, kernel, stride)
    return net.build()


def depthwise(
    units: int, height: int, width: int, kernel: tuple[int, int], stride: tuple[int, int] = (1, 1)
) -> Graph:
    """Return a net of one depthwise convolution, padded to ceil(side / stride)."""
    net = Builder(units, height, width)
    net.depthwise(net.input, kernel, stride)
    return net.build()


def pointwise(reads: int, writes: int, height: int, width: int) -> Graph:
    """Return a net of one 1 x 1 convolution."""
    return conv(reads, height, width, writes, (1, 1))


def pool(kind: Kind, units: int, side: int) -> Graph:
    """Return a net of one 2 x 2 pool of a square input."""
    net = Builder(units, side, side)
    net.pool(net.input, (2, 2), kind=kind)
    return net.build()


def add(units: int, side: int) -> Graph:
    """Return a net that adds its square input to itself."""
    net = Builder(units, side, side)
    net.add(net.input, net.input)
    return net.build()


def flatten(units: int, side: int) -> Graph:
    """Return a net that flattens its square input."""
    net = Builder(units, side, side)
    net.flatten(net.input)
    return net.build()


LAYERS: Mapping[str, LayerCase] = {
    "dense 250 -> 144": LayerCase(partial(dense, 250, 144), Cmsis(2.11, 2.60)),
    "dense 144 -> 144": LayerCase(partial(dense, 144, 144), Cmsis(2.23, 2.75)),
    "pointwise 64 -> 64, 25x5": LayerCase(partial(pointwise, 64, 64, 25, 5), Cmsis(2.09, 2.45)),
    "pointwise 128 -> 128, 6x6": LayerCase(partial(pointwise, 128, 128, 6, 6), Cmsis(1.83, 2.18)),
    "pointwise 8 -> 16, 48x48": LayerCase(partial(pointwise, 8, 16, 48, 48), Cmsis(6.63, 7.94)),
    "pointwise 5 -> 3, 16x16": LayerCase(partial(pointwise, 5, 3, 16, 16)),
    "pointwise 7 -> 16, 16x16": LayerCase(partial(pointwise, 7, 16, 16, 16)),
    "pointwise 8 -> 16, 16x16": LayerCase(partial(pointwise, 8, 16, 16, 16)),
    "pointwise 12 -> 72, 12x12": LayerCase(partial(pointwise, 12, 72, 12, 12)),
    "conv 10x4 s2, 1 -> 64": LayerCase(partial(conv, 1, 49, 10, 64, (10, 4), (2, 2)), Cmsis(3.47, 4.33)),
    "conv 3x3 s2, 3 -> 8, 96x96": LayerCase(partial(conv, 3, 96, 96, 8, (3, 3), (2, 2))),
    "conv 3x3, 3 -> 7, 16x16": LayerCase(partial(conv, 3, 16, 16, 7, (3, 3))),
    "conv 5x5, 1 -> 8, 16x16": LayerCase(partial(conv, 1, 16, 16, 8, (5, 5))),
    "depthwise 3x3, 64, 25x5": LayerCase(partial(depthwise, 64, 25, 5, (3, 3)), Cmsis(8.33, 9.51)),
    "depthwise 3x3 s2, 32, 24x24": LayerCase(partial(depthwise, 32, 24, 24, (3, 3), (2, 2))),
    "depthwise 3x1, 64, 50x1": LayerCase(partial(depthwise, 64, 50, 1, (3, 1))),
    "depthwise 9x1, 64, 50x1": LayerCase(partial(depthwise, 64, 50, 1, (9, 1))),
    "depthwise 5x5, 64, 25x5": LayerCase(partial(depthwise, 64, 25, 5, (5, 5))),
    "max pool 2x2, 32, 16x16": LayerCase(partial(pool, Kind.MAX_POOL, 32, 16)),
    "average pool 2x2, 32, 16x16": LayerCase(partial(pool, Kind.AVERAGE_POOL, 32, 16)),
    "add, 32, 16x16": LayerCase(partial(add, 32, 16)),
    "flatten, 32, 8x8": LayerCase(partial(flatten, 32, 8)),
}
"""Nets of one layer."""
