"""A small net for spoken words: separable convolutions along time with squeeze and excitation.

The blocks are those of MatchboxNet (Majumdar and Ginsburg, arXiv 2004.08531): a depthwise layer along time,
then a pointwise layer, with nothing between. Squeeze and excitation and hard-swish are added. The first
convolution reads all coefficients of a frame, so that later layers see time alone. On 49 x 10 MFCC: 677,328
MACs.
"""

from reds.graph import Activation, Graph
from reds.graph.builder import Builder
from reds.zoo.squeeze_excite import squeeze_excite

STEM = 5
"""Frames that the first convolution reads."""
KERNEL = (9, 1)
BLOCKS = ((48, 1), (48, 1), (96, 2), (96, 1), (96, 1), (96, 1))
"""For each block the units that it writes, and the stride of its depthwise layer."""
SQUEEZED = 4
"""Units of a block for each unit of its squeeze and excitation."""
HARD_SWISH = Activation("hard_swish")


def matchbox(frames: int = 49, features: int = 10, classes: int = 12) -> Graph:
    """Return the net.

    Args:
        frames: Rows of the input.
        features: Columns of the input: MFCC coefficients of a frame.
        classes: Outputs of the classifier.
    """
    net = Builder(1, frames, features)
    side = STEM // 2
    x = net.conv(net.input, BLOCKS[0][0], (STEM, features), (2, 1), (side, 0, side, 0), activation=HARD_SWISH)
    for units, stride in BLOCKS:
        x = _add_block(net, x, units, stride)
    net.dense(net.flatten(net.pool(x)), classes, relu=False, norm=False)
    return net.build()


def _add_block(net: Builder, x: int, units: int, stride: int) -> int:
    """Add a block, with a residual connection if its result has the shape of its input."""
    kept = net.shape(x)[2] == units and stride == 1
    side = KERNEL[0] // 2
    y = net.depthwise(x, KERNEL, (stride, 1), (side, 0, side, 0), relu=False, norm=False)
    y = squeeze_excite(net, net.conv(y, units, (1, 1), relu=False), units // SQUEEZED)
    return net.add(x, y, activation=HARD_SWISH) if kept else net.activate(y, HARD_SWISH)
