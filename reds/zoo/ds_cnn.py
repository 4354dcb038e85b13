"""Depthwise separable nets of the paper, for speech and for small pictures.

REDS, arXiv 2311.13349, architectures: on 49 x 10 MFCC 2.66 M (S) and 28.3 M (L) MACs. The vision variant is
read off the published checkpoints: 34,954 parameters on Fashion-MNIST, 30,986 on CIFAR-10, norms counted.
Its LeakyReLU is a ReLU here, which int8 holds better.
"""

from dataclasses import dataclass

from reds.graph import Graph
from reds.graph.builder import Builder


@dataclass(frozen=True)
class Size:
    """Units of every layer, separable blocks, strides of the first convolution and the first depthwise."""

    units: int
    blocks: int
    stride: tuple[int, int]
    first: tuple[int, int]


SIZES = {"s": Size(64, 4, (2, 2), (1, 1)), "l": Size(276, 5, (2, 1), (2, 2))}


def ds_cnn(size: str, frames: int = 49, features: int = 10, classes: int = 12) -> Graph:
    """The speech net of a size, `s` or `l`; one average over all sites."""
    net, of = Builder(1, frames, features), SIZES[size]
    x = blocks(net, net.conv(net.input, of.units, (10, 4), of.stride), of)
    net.dense(net.flatten(net.pool(x)), classes, relu=False, norm=False)
    return net.build()


def ds_cnn_vision(
    height: int, width: int, channels: int, pool: tuple[int, int] | None = None, classes: int = 10
) -> Graph:
    """The small net on pictures; `pool` is its average's window, moved by one site, else all sites."""
    net, of = Builder(channels, height, width), SIZES["s"]
    x = blocks(net, net.conv(net.input, of.units, (3, 3), (2, 2)), of)
    net.dense(net.flatten(net.pool(x, pool, (1, 1))), classes, relu=False, norm=False)
    return net.build()


def blocks(net: Builder, x: int, of: Size) -> int:
    """Depthwise 3 x 3, then pointwise, as often as the size says."""
    for i in range(of.blocks):
        x = net.depthwise(x, (3, 3), of.first if i == 0 else (1, 1))
        x = net.conv(x, of.units, (1, 1))
    return x
