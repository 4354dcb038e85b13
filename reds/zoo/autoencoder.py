"""MLPerf Tiny's autoencoder for anomalies in the sound of machines (Banbury et al., arXiv 2106.07597).

The input is five frames of 128 log-mel bands. The mean squared error of the output against the input is the
score of an anomaly. 264,192 MACs.
"""

from reds.graph import Graph
from reds.graph.builder import Builder

HIDDEN, DEPTH, BOTTLENECK = 128, 4, 8
"""Units and number of the hidden layers on each side of the bottleneck, and the bottleneck's units."""


def autoencoder(features: int = 640) -> Graph:
    """Return the autoencoder, whose output has as many values as its input.

    Args:
        features: Values of the input.
    """
    net = Builder(features)
    x = net.input
    for units in (*[HIDDEN] * DEPTH, BOTTLENECK, *[HIDDEN] * DEPTH):
        x = net.dense(x, units)
    net.dense(x, features, relu=False, norm=False)
    return net.build()
