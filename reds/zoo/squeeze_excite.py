"""Squeeze and excitation: scale each unit of a tensor by what all of them are on average."""

from reds.graph import Activation
from reds.graph.builder import Builder

GATE = Activation("hard_sigmoid")


def squeeze_excite(net: Builder, x: int, squeezed: int) -> int:
    """Add squeeze and excitation (Hu et al., arXiv 1709.01507) and return the tensor of its result.

    Args:
        net: The builder.
        x: The tensor to scale.
        squeezed: Units of the layer between.
    """
    y = net.conv(net.pool(x), squeezed, (1, 1), norm=False)
    y = net.conv(y, net.shape(x)[2], (1, 1), norm=False, activation=GATE)
    return net.multiply(x, y)
