"""ResNet8 for 32 x 32 pictures, MLPerf Tiny's image classification (Banbury et al., arXiv 2106.07597)."""

from reds.graph import Graph
from reds.graph.builder import Builder

STACKS = ((16, 1), (32, 2), (64, 2))
"""For each residual stack its units, and the stride of its first convolution."""


def resnet8(height: int = 32, width: int = 32, channels: int = 3, classes: int = 10) -> Graph:
    """Return ResNet8: a convolution, three residual stacks, global average pooling, a classifier.

    Args:
        height: Rows of the input.
        width: Columns of the input.
        channels: Channels of the input.
        classes: Outputs of the classifier.
    """
    net = Builder(channels, height, width)
    x = net.conv(net.input, STACKS[0][0], (3, 3))
    for units, stride in STACKS:
        y = net.conv(x, units, (3, 3), (stride, stride))
        y = net.conv(y, units, (3, 3), relu=False)
        if stride > 1:
            x = net.conv(x, units, (1, 1), (stride, stride), relu=False, norm=False)
        x = net.add(x, y, relu=True)
    net.dense(net.flatten(net.pool(x)), classes, relu=False, norm=False)
    return net.build()
