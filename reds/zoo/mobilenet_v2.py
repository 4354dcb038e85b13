"""MobileNetV2, whose inverted residuals a subnet may leave out.

Sandler et al., arXiv 1801.04381, table 2. At 224 x 224 x 3 with 1,000 classes: 300.8 M MACs at 1.0. At
96 x 96 x 3 with 2 classes: 10.7 M at 0.35, 55.0 M at 1.0.
"""

from reds.graph import Graph
from reds.graph.builder import Builder
from reds.zoo.eights import eights

STEM, LAST = 32, 1280
"""Units of the first convolution and of the last one, which no multiplier below 1 makes narrower."""
STAGES = (
    (1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1),
)  # fmt: skip
"""For each stage the factor by which a block expands its input, units, blocks, and the first one's stride."""
SIX = 6.0
"""The ceiling of ReLU6."""


def mobilenet_v2(
    multiplier: float, height: int = 96, width: int = 96, channels: int = 3, classes: int = 2
) -> Graph:
    """Return MobileNetV2 with a fraction of its units, in multiples of eight.

    Args:
        multiplier: Fraction of the published units in every layer.
        height: Rows of the input.
        width: Columns of the input.
        channels: Channels of the input.
        classes: Outputs of the classifier.
    """
    net, units = Builder(channels, height, width), eights(STEM * multiplier)
    x = net.conv(net.input, units, (3, 3), (2, 2), ceiling=SIX)
    for expansion, published, blocks, first_stride in STAGES:
        written = eights(published * multiplier)
        for stride in (first_stride, *[1] * (blocks - 1)):
            y = x if expansion == 1 else net.conv(x, expansion * units, (1, 1), ceiling=SIX)
            y = net.depthwise(y, (3, 3), (stride, stride), ceiling=SIX)
            y = net.conv(y, written, (1, 1), relu=False)
            x = net.add(x, y) if stride == 1 and units == written else y
            units = written
    x = net.conv(x, eights(LAST * max(multiplier, 1.0)), (1, 1), ceiling=SIX)
    net.dense(net.flatten(net.pool(x)), classes, relu=False, norm=False)
    return net.build()
