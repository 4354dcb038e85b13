"""MobileNetV1 for small pictures, as in MLPerf Tiny's visual wake words: person or no person.

Howard et al., arXiv 1704.04861, table 1. At 96 x 96 x 3 with 2 classes: 7.49 M MACs at 0.25, 104 M at 1.0.
"""

from reds.graph import Graph
from reds.graph.builder import Builder

STEM = 32
"""Units of the first convolution."""
BLOCKS = ((64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), *[(512, 1)] * 5, (1024, 2), (1024, 1))
"""For each separable block the units that it writes, and the stride of its depthwise layer."""


def mobilenet(
    multiplier: float, height: int = 96, width: int = 96, channels: int = 3, classes: int = 2
) -> Graph:
    """Return MobileNetV1 with a fraction of its units.

    Args:
        multiplier: Fraction of the published units in every layer.
        height: Rows of the input.
        width: Columns of the input.
        channels: Channels of the input.
        classes: Outputs of the classifier.
    """
    net = Builder(channels, height, width)
    x = net.conv(net.input, int(STEM * multiplier), (3, 3), (2, 2))
    for units, stride in BLOCKS:
        x = net.depthwise(x, (3, 3), (stride, stride))
        x = net.conv(x, int(units * multiplier), (1, 1))
    net.dense(net.flatten(net.pool(x)), classes, relu=False, norm=False)
    return net.build()
