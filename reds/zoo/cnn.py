"""Convolutional networks of the paper: two convolutions, a linear bottleneck, a hidden layer, a classifier.

REDS, arXiv 2311.13349, architectures: on 49 x 10 MFCC 2.50 M (S) and 12.64 M (L) MACs.
"""

from reds.graph import Graph
from reds.graph.builder import Builder

SIZES = {"s": (28, 30, 16), "l": (60, 76, 58)}
"""Units of the two convolutions and of the bottleneck."""
KERNEL = (10, 4)
HIDDEN = 128


def cnn(size: str, frames: int = 49, features: int = 10, classes: int = 12) -> Graph:
    """Return the convolutional network for speech.

    Args:
        size: `s` or `l`.
        frames: Rows of the input.
        features: Columns of the input: MFCC coefficients of a frame.
        classes: Outputs of the classifier.
    """
    first, second, bottleneck = SIZES[size]
    net = Builder(1, frames, features)
    x = net.conv(net.input, first, KERNEL, padding="valid")
    x = net.conv(x, second, KERNEL, (2, 1), padding="valid")
    x = net.dense(net.flatten(x), bottleneck, relu=False, norm=False)
    x = net.dense(x, HIDDEN)
    net.dense(x, classes, relu=False, norm=False)
    return net.build()
