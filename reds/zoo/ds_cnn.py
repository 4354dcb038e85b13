"""Depthwise separable networks of the paper, for speech and for small pictures.

REDS, arXiv 2311.13349, architectures: on 49 x 10 MFCC 2.66 M (S) and 28.3 M (L) MACs. The variant for
pictures follows the published checkpoints: 34,954 parameters on Fashion-MNIST and 30,986 on CIFAR-10, batch
norms counted. Its LeakyReLU is a ReLU here, which loses less in int8.
"""

from dataclasses import dataclass

from reds.graph import Graph
from reds.graph.builder import Builder


@dataclass(frozen=True)
class Size:
    """The size of a depthwise separable network."""

    units: int
    """Units of every layer."""
    blocks: int
    """Number of separable blocks."""
    stride: tuple[int, int]
    """Stride of the first convolution."""
    first: tuple[int, int]
    """Stride of the first depthwise layer."""


SIZES = {"s": Size(64, 4, (2, 2), (1, 1)), "l": Size(276, 5, (2, 1), (2, 2))}


def ds_cnn(size: str, frames: int = 49, features: int = 10, classes: int = 12) -> Graph:
    """Return the network for speech, with global average pooling.

    Args:
        size: `s` or `l`.
        frames: Rows of the input.
        features: Columns of the input: MFCC coefficients of a frame.
        classes: Outputs of the classifier.
    """
    net, chosen = Builder(1, frames, features), SIZES[size]
    x = _add_blocks(net, net.conv(net.input, chosen.units, (10, 4), chosen.stride), chosen)
    net.dense(net.flatten(net.pool(x)), classes, relu=False, norm=False)
    return net.build()


def ds_cnn_vision(
    height: int, width: int, channels: int, pool: tuple[int, int] | None = None, classes: int = 10
) -> Graph:
    """Return the small network for pictures.

    Args:
        height: Rows of the input.
        width: Columns of the input.
        channels: Channels of the input.
        pool: Window of the average pooling, whose stride is 1; by default the pooling is global.
        classes: Outputs of the classifier.
    """
    net, small = Builder(channels, height, width), SIZES["s"]
    x = _add_blocks(net, net.conv(net.input, small.units, (3, 3), (2, 2)), small)
    net.dense(net.flatten(net.pool(x, pool, (1, 1))), classes, relu=False, norm=False)
    return net.build()


def _add_blocks(net: Builder, x: int, size: Size) -> int:
    """Add the separable blocks, each a depthwise 3 x 3 and a pointwise layer, and return the last tensor."""
    for i in range(size.blocks):
        x = net.depthwise(x, (3, 3), size.first if i == 0 else (1, 1))
        x = net.conv(x, size.units, (1, 1))
    return x
