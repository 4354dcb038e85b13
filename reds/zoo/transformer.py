"""Transformer encoders, as in Vaswani et al., arXiv 1706.03762, with a layer norm before each part.

Heads are cut whole, and hidden units of the MLP one by one. The residual stream is never cut: every block
reads and writes it, so that a narrower stream would change all blocks at once.
"""

from dataclasses import dataclass

from reds.graph.builder import Builder
from reds.graph.parts import Activation

GELU = Activation("gelu")
EPSILON = 1e-6
"""Epsilon of all layer norms, that of the published checkpoints."""


@dataclass(frozen=True)
class Encoder:
    """The size of an encoder."""

    units: int
    """Units of a token."""
    blocks: int
    heads: int
    """Heads of each attention; they divide the units."""
    hidden: int
    """Hidden units of each MLP."""


def add_blocks(net: Builder, x: int, size: Encoder) -> int:
    """Add the blocks of an encoder, each attention and an MLP, and return the stream that they write.

    Args:
        net: The network.
        x: The residual stream: a token at each position.
        size: The size of the encoder, whose units x has.
    """
    net.uncut(x)
    for _ in range(size.blocks):
        y = net.layer_norm(x, EPSILON)
        query, key, value = (add_linear(net, y, size.units) for _ in range(3))
        y = net.attention(query, key, value, size.heads)
        x = net.add(x, add_linear(net, y, size.units))
        y = add_linear(net, net.layer_norm(x, EPSILON), size.hidden, GELU)
        x = net.add(x, add_linear(net, y, size.units))
    return x


def add_linear(net: Builder, x: int, units: int, activation: Activation | None = None) -> int:
    """Add a linear layer that reads each token by itself, with a bias and without a norm."""
    return net.conv(x, units, (1, 1), relu=False, norm=False, activation=activation)


def add_classifier(net: Builder, x: int, classes: int) -> int:
    """Add a linear classifier, which reads one token."""
    return net.dense(x, classes, relu=False, norm=False)
