"""List the cases of the bench: whole nets, and single layers with published figures."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from hil.kernels.baseline import Count
from reds.graph import Graph
from reds.graph.builder import Builder


@dataclass(frozen=True)
class Cmsis:
    """Cost in CMSIS-NN (2026, arm-none-eabi-gcc 12.2 -O3) on a Cortex-M4, cycles without wait states."""

    instructions: float
    cycles: float


@dataclass(frozen=True)
class Net:
    """Figures that a net of the bench is compared with, and its limits."""

    cmsis: Cmsis | None = None
    """Cost of one inference of the full net in CMSIS-NN, if it is known."""
    most: Count | None = None
    """Limit of one inference of ours, everything included."""
    more_flash: float | None = None
    """Limit of the flash that all subnets take beyond the largest alone, in percent."""


NETS: Mapping[str, Net] = {
    "dnn-s": Net(Cmsis(172_317, 212_538), Count(86_000, 122_000), 12),
    "dnn-l": Net(more_flash=12),
    "cnn-s": Net(),
    "ds-cnn-s": Net(Cmsis(7.84e6, 9.22e6), Count(3_600_000, 5_400_000), 25),
    "mobilenet-0.25": Net(Cmsis(24.7e6, 29.4e6), Count(11_000_000, 16_500_000)),
    "resnet8": Net(),
}
"""Nets by their names in `reds.zoo`."""


def dense(reads: int, writes: int) -> Graph:
    """Return a net of one dense layer."""
    net = Builder(reads)
    net.dense(net.input, writes)
    return net.build()


def conv(
    reads: int, height: int, width: int, writes: int, kernel: tuple[int, int], stride: tuple[int, int]
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


def depthwise(units: int, height: int, width: int) -> Graph:
    """Return a net of one 3 x 3 depthwise convolution."""
    net = Builder(units, height, width)
    net.depthwise(net.input, (3, 3))
    return net.build()


def pointwise(reads: int, writes: int, height: int, width: int) -> Graph:
    """Return a net of one 1 x 1 convolution."""
    return conv(reads, height, width, writes, (1, 1), (1, 1))


LAYERS: Mapping[str, tuple[Callable[[], Graph], Cmsis]] = {
    "dense 250 -> 144": (partial(dense, 250, 144), Cmsis(2.11, 2.60)),
    "dense 144 -> 144": (partial(dense, 144, 144), Cmsis(2.23, 2.75)),
    "pointwise 64 -> 64, 25x5": (partial(pointwise, 64, 64, 25, 5), Cmsis(2.09, 2.45)),
    "pointwise 128 -> 128, 6x6": (partial(pointwise, 128, 128, 6, 6), Cmsis(1.83, 2.18)),
    "pointwise 8 -> 16, 48x48": (partial(pointwise, 8, 16, 48, 48), Cmsis(6.63, 7.94)),
    "depthwise 3x3, 64, 25x5": (partial(depthwise, 64, 25, 5), Cmsis(8.33, 9.51)),
    "conv 10x4 s2, 1 -> 64": (partial(conv, 1, 49, 10, 64, (10, 4), (2, 2)), Cmsis(3.47, 4.33)),
}
"""Nets of one layer, each with its cost of one multiply-accumulate."""
