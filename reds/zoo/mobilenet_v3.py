"""MobileNetV3-Small: inverted residuals with squeeze and excitation and hard-swish.

Howard et al., arXiv 1905.02244, table 2. At 224 x 224 x 3 with 1,000 classes: 56.5 M MACs and 2.54 M
parameters. The last convolution has no squeeze and excitation, as in the authors' code.
"""

from dataclasses import dataclass

from reds.graph import Activation, Graph
from reds.graph.builder import Builder
from reds.zoo.eights import eights
from reds.zoo.squeeze_excite import squeeze_excite

STEM, LAST, HIDDEN = 16, 576, 1024
"""Units of the first convolution, of the last one, and of the dense layer before the classifier."""
HARD_SWISH = Activation("hard_swish")


@dataclass(frozen=True)
class Block:
    """Describe an inverted residual of the table."""

    kernel: int
    """Rows and columns of the depthwise layer's window."""
    expanded: int
    """Units of the depthwise layer."""
    units: int
    """Units that the block writes."""
    squeeze: bool
    """Whether squeeze and excitation follows the depthwise layer."""
    hard_swish: bool
    """Whether activations are hard-swish; otherwise ReLU."""
    stride: int
    """Stride of the depthwise layer."""


BLOCKS = (
    Block(3, 16, 16, True, False, 2),
    Block(3, 72, 24, False, False, 2),
    Block(3, 88, 24, False, False, 1),
    Block(5, 96, 40, True, True, 2),
    Block(5, 240, 40, True, True, 1),
    Block(5, 240, 40, True, True, 1),
    Block(5, 120, 48, True, True, 1),
    Block(5, 144, 48, True, True, 1),
    Block(5, 288, 96, True, True, 2),
    Block(5, 576, 96, True, True, 1),
    Block(5, 576, 96, True, True, 1),
)


def mobilenet_v3_small(height: int = 96, width: int = 96, channels: int = 3, classes: int = 2) -> Graph:
    """Return MobileNetV3-Small.

    Args:
        height: Rows of the input.
        width: Columns of the input.
        channels: Channels of the input.
        classes: Outputs of the classifier.
    """
    net = Builder(channels, height, width)
    x = net.conv(net.input, STEM, (3, 3), (2, 2), activation=HARD_SWISH)
    for block in BLOCKS:
        x = _add_block(net, x, block)
    x = net.pool(net.conv(x, LAST, (1, 1), activation=HARD_SWISH))
    x = net.dense(net.flatten(x), HIDDEN, norm=False, activation=HARD_SWISH)
    net.dense(x, classes, relu=False, norm=False)
    return net.build()


def _add_block(net: Builder, x: int, block: Block) -> int:
    """Add an inverted residual, and return the tensor that it writes."""
    units, kernel, stride = net.shape(x)[2], (block.kernel,) * 2, (block.stride,) * 2
    last = HARD_SWISH if block.hard_swish else None
    y = x if block.expanded == units else net.conv(x, block.expanded, (1, 1), activation=last)
    y = net.depthwise(y, kernel, stride, activation=last)
    if block.squeeze:
        y = squeeze_excite(net, y, eights(block.expanded / 4))
    y = net.conv(y, block.units, (1, 1), relu=False)
    return net.add(x, y) if block.stride == 1 and block.units == units else y
