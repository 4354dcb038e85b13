"""BC-ResNet for speech: broadcasted residual learning on log-mel features.

Kim et al., arXiv 2106.04140. A block filters along frequency in two dimensions, averages the frequencies,
filters along time, and adds the result to every frequency. On 40 bands x 101 frames the smallest net has
2.48 M MACs (the paper says 3.6 M, without a breakdown).

Two parts of the original are other ones here. Sub-spectral norm has its own statistics for each fifth of the
bands, and a pack has one multiplier for each unit, so batch norm stands in its place. Dropout of whole
channels is left out.
"""

from reds.graph import Activation, Graph
from reds.graph.builder import Builder

BASE = 8
"""Units of the first stage in the smallest net."""
STAGES = ((1.0, 2, 1), (1.5, 2, 2), (2.0, 4, 2), (2.5, 4, 1))
"""For each stage its units as a multiple of the first stage's, its blocks, and the first one's stride."""
SWISH = Activation("silu")


def bc_resnet(multiplier: float = 1, bands: int = 40, frames: int = 101, classes: int = 12) -> Graph:
    """Return BC-ResNet with a multiple of the smallest net's units.

    Args:
        multiplier: The number in the net's name: 1, 1.5, 2, 3, 6 or 8.
        bands: Rows of the input.
        frames: Columns of the input.
        classes: Outputs of the classifier.
    """
    net, base = Builder(1, bands, frames), int(BASE * multiplier)
    x = net.conv(net.input, 2 * base, (5, 5), (2, 1), (2, 2, 2, 2))
    for stage, (factor, blocks, stride) in enumerate(STAGES):
        for block in range(blocks):
            x = _add_block(net, x, int(factor * base), 2**stage, stride if block == 0 else 1)
    height = net.shape(x)[0]
    x = net.depthwise(x, (height, 5), (1, 1), (0, 2, 0, 2), relu=False, norm=False)
    x = net.pool(net.conv(x, 4 * base, (1, 1)))
    net.dense(net.flatten(x), classes, relu=False, norm=False)
    return net.build()


def _add_block(net: Builder, x: int, units: int, dilation: int, stride: int) -> int:
    """Add a broadcasted residual block, and return the tensor that it writes."""
    kept = net.shape(x)[2] == units
    y = x if kept else net.conv(x, units, (1, 1))
    y = net.depthwise(y, (3, 1), (stride, 1), (1, 0, 1, 0), relu=False)
    height = net.shape(y)[0]
    z = net.pool(y, (height, 1), (1, 1))
    padding = (0, dilation, 0, dilation)
    z = net.depthwise(z, (1, 3), (1, 1), padding, activation=SWISH, dilation=(1, dilation))
    z = net.conv(z, units, (1, 1), relu=False, norm=False)
    y = net.add(y, z, relu=not kept)
    return net.add(x, y, relu=True) if kept else y
