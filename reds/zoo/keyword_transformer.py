"""A transformer for keywords, small enough for a microcontroller.

After Berg et al., arXiv 2104.00769, whose tokens are frames of MFCC. Here a token is three frames, every
other one, and the classifier reads the mean of all tokens. On 49 x 10 MFCC with 12 classes: 24 tokens,
3.5 M MACs and 137 K parameters.
"""

from reds.graph import Graph
from reds.graph.builder import Builder
from reds.zoo.transformer import EPSILON, Encoder, add_blocks, add_classifier

SIZE = Encoder(units=64, blocks=4, heads=4, hidden=128)
FRAMES, EVERY = 3, 2
"""Frames of a token, and frames from one token to the next."""


def keyword_transformer(height: int = 49, width: int = 10, channels: int = 1, classes: int = 12) -> Graph:
    """Return the keyword transformer.

    Args:
        height: Rows of the input, its frames.
        width: Columns of the input: features of a frame.
        channels: Channels of the input.
        classes: Outputs of the classifier.
    """
    net = Builder(channels, height, width)
    x = net.conv(net.input, SIZE.units, (min(FRAMES, height), width), (EVERY, 1), "valid", relu=False)
    x = add_blocks(net, net.embed(x), SIZE)
    add_classifier(net, net.pool(net.layer_norm(x, EPSILON)), classes)
    return net.build()
