"""Dense networks of the paper: features, three hidden layers of n units with ReLU, a linear classifier.

REDS, arXiv 2311.13349, architectures: n = 144 (S, 79,200 MACs) and 436 (L, 494,424 MACs) on 25 x 10 MFCC.
"""

from reds.graph import Graph
from reds.graph.builder import Builder

SIZES = {"s": 144, "l": 436}
"""Units of a hidden layer."""
HIDDEN_LAYERS = 3


def dnn(size: str, height: int = 25, width: int = 10, channels: int = 1, classes: int = 12) -> Graph:
    """Return the dense network, which reads every value of its input as a feature.

    Args:
        size: `s` or `l`.
        height: Rows of the input.
        width: Columns of the input.
        channels: Channels of the input.
        classes: Outputs of the classifier.
    """
    net = Builder(height * width * channels)
    x = net.input
    for _ in range(HIDDEN_LAYERS):
        x = net.dense(x, SIZES[size])
    net.dense(x, classes, relu=False, norm=False)
    return net.build()
