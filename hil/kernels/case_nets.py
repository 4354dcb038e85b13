"""Make nets that once fell off a cliff: kernels, widths or activations that fast kernels lacked."""

from collections.abc import Mapping

from reds.graph import Graph, Widths
from reds.graph.builder import Builder
from reds.zoo.mobilenet_v2 import SIX

_ODD = {"25%": 0.45, "50%": 0.67, "75%": 0.83, "100%": 1.0}
"""Fraction of all units by the name of the subnet."""
_STAGES = ((8, 1, 1), (16, 3, 2), (24, 4, 2))
"""For each stage of inverted residuals its units, blocks, and the stride of the first one."""
_EXPANSION = 6


def ds_cnn_5x5() -> Graph:
    """Return DS-CNN S, with a kernel of 5 x 5 in the second of its depthwise layers."""
    net = Builder(1, 49, 10)
    x = net.conv(net.input, 64, (10, 4), (2, 2))
    for kernel in ((3, 3), (5, 5), (3, 3), (3, 3)):
        x = net.conv(net.depthwise(x, kernel), 64, (1, 1))
    net.dense(net.flatten(net.pool(x)), 12, relu=False, norm=False)
    return net.build()


def odd_net() -> Graph:
    """Return a small net of convolutions."""
    net = Builder(3, 12, 12)
    x = net.conv(net.input, 16, (3, 3), (2, 2))
    x = net.conv(x, 16, (3, 3))
    x = net.conv(x, 16, (1, 1))
    net.dense(net.flatten(net.pool(x)), 10, relu=False, norm=False)
    return net.build()


def inverted_residuals() -> Graph:
    """Return a stack of MobileNetV2's inverted residuals with ReLU6, on 24 x 24 x 8."""
    units = 8
    net = Builder(units, 24, 24)
    x = net.input
    for written, blocks, first_stride in _STAGES:
        for stride in (first_stride, *[1] * (blocks - 1)):
            y = net.conv(x, _EXPANSION * units, (1, 1), ceiling=SIX)
            y = net.depthwise(y, (3, 3), (stride, stride), ceiling=SIX)
            y = net.conv(y, written, (1, 1), relu=False)
            x = net.add(x, y) if stride == 1 and units == written else y
            units = written
    net.dense(net.flatten(net.pool(x)), 10, relu=False, norm=False)
    return net.build()


def odd_widths(graph: Graph) -> Mapping[str, Widths]:
    """Return nested subnets whose widths are odd, but for those of the full net."""
    return {
        name: tuple(
            group.units
            if fraction == 1 or not group.cut
            else (round(fraction * group.units) - 1) // 2 * 2 + 1
            for group in graph.groups
        )
        for name, fraction in _ODD.items()
    }
