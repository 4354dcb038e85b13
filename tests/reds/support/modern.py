"""A small net for each kind of modern layer, between layers whose units subnets cut."""

from collections.abc import Callable, Mapping

import torch

from reds.elastic.net import ElasticNet
from reds.graph import Activation, Graph
from reds.graph.builder import Builder
from reds.pack.model import Kind
from tests.reds.support.floats import random_net

ACTIVATIONS = [
    Activation("hard_swish"),
    Activation("silu"),
    Activation("gelu"),
    Activation("gelu_tanh"),
    Activation("sigmoid"),
    Activation("tanh"),
    Activation("hard_sigmoid"),
    Activation("hard_tanh"),
    Activation("leaky_relu", 0.1),
    Activation("elu", 0.7),
    Activation("selu"),
    Activation("softplus"),
    Activation("mish"),
    Activation("relu"),
]


def grouped(net: Builder, x: int) -> int:
    """Blocks of three units, then several units for each, then dilation."""
    x = net.conv(x, 8, (3, 3), groups=4)
    x = net.conv(x, 16, (3, 2), (2, 1), groups=8, relu=False)
    return net.depthwise(net.conv(x, 9, (3, 3), dilation=(2, 1)), (3, 3), dilation=(1, 2))


def transposed(net: Builder, x: int) -> int:
    """Kernels that do and do not divide by their stride, with uneven padding."""
    x = net.transposed(x, 10, (3, 4), (2, 3), (1, 2, 0, 1))
    return net.transposed(net.upsample(x, (1, 2)), 7, (2, 2), (2, 2), relu=False)


def pools(net: Builder, x: int) -> int:
    """Padding of both pools, of values that are below zero too."""
    x = net.depthwise(x, (1, 1), relu=False)
    x = net.pool(x, (3, 3), (1, 1), Kind.MAX_POOL, (2, 1, 0, 2))
    return net.pool(x, (3, 2), (2, 1), padding=(1, 1, 2, 0))


def squeeze_excite(net: Builder, x: int) -> int:
    """A gate for each unit, by one product for all positions; then other shapes of a second input."""
    gate = net.dense(net.flatten(net.pool(x)), 9)
    gate = net.conv(net.reshape(gate, 1, 1), 12, (1, 1), activation=Activation("hard_sigmoid"))
    x = net.multiply(x, gate)
    rows = net.pool(x, (1, net.shape(x)[1]))
    return net.multiply(net.add(x, rows, relu=True), net.depthwise(x, (3, 3), relu=False))


def concatenated(net: Builder, x: int) -> int:
    """A dense block, an inception block of five branches, and an addition of two concatenations."""
    for _ in range(2):
        x = net.concat([x, net.conv(x, 6, (3, 3), relu=False)], activation=Activation("hard_swish"))
    x = net.depthwise(x, (3, 3), norm=True)
    branches = [net.conv(x, units, (1, 1)) for units in (3, 4, 5, 6, 6)]
    y = net.concat(branches)
    y = net.add(y, net.conv(y, net.shape(y)[2], (1, 1), norm=False, relu=False))
    return net.concat([net.prelu(y), net.conv(net.concat([x, y]), 32, (3, 3), groups=16)])


def embedded(net: Builder, x: int) -> int:
    """Constants in place, tokens in front, and the first of these alone."""
    x = net.embed(net.layer_norm(net.embed(x), 1e-3), front=2)
    return net.add(net.first(x), net.pool(x))


def transformer(net: Builder, x: int) -> int:
    """Two blocks of attention and hidden units on an uncut stream of tokens, behind a class token."""
    x = net.uncut(net.embed(net.conv(x, 16, (2, 2), (2, 2), "valid", relu=False, norm=False), front=1))
    for _ in range(2):
        read = net.layer_norm(x)
        q, k, v = (net.conv(read, 12, (1, 1), relu=False, norm=False) for _ in range(3))
        heads = net.attention(q, k, v, 3)
        x = net.add(x, net.conv(heads, 16, (1, 1), relu=False, norm=False))
        hidden = net.conv(net.layer_norm(x), 24, (1, 1), norm=False, activation=Activation("gelu"))
        x = net.add(x, net.conv(hidden, 16, (1, 1), relu=False, norm=False))
    return net.first(net.layer_norm(x))


def cross_attention(net: Builder, x: int) -> int:
    """Queries at other positions than the keys."""
    q = net.conv(net.pool(x, (2, 2)), 8, (1, 1), relu=False)
    k, v = (net.conv(x, 8, (3, 3), relu=False) for _ in range(2))
    return net.attention(q, k, v, 4)


def mixer(net: Builder, x: int) -> int:
    """Layers over positions, between transposes, and shapes that change the units."""
    tokens = net.reshape(x, 30, 1)
    mixed = net.conv(net.transpose(tokens), 14, (1, 1), norm=False, activation=Activation("gelu_tanh"))
    mixed = net.transpose(net.conv(mixed, 30, (1, 1), relu=False, norm=False))
    x = net.add(tokens, net.reshape(mixed, 30, 1))
    return net.conv(net.reshape(x, 6, 10, 6), 9, (3, 3))


def functions(net: Builder, x: int) -> int:
    """Functions of layers that copy, that add and that pool, and one alone before others read it."""
    x = net.pool(x, (2, 2), (1, 1), Kind.MAX_POOL, activation=Activation("tanh"))
    alone = net.activate(net.scale(x), Activation("silu"))
    y = net.add(alone, net.conv(alone, 12, (3, 3), relu=False), activation=Activation("leaky_relu", 0.2))
    y = net.multiply(net.prelu(y), alone, activation=Activation("softplus"))
    return net.activate(net.pool(y, (2, 2), activation=Activation("elu", 1.0)), Activation("relu"))


NETS: Mapping[str, Callable[[Builder, int], int]] = {
    each.__name__: each
    for each in (
        grouped, transposed, pools, squeeze_excite, concatenated, embedded, transformer, cross_attention,
        mixer, functions,
    )
}  # fmt: skip


def modern_graph(name: str) -> Graph:
    """The net of this name, from 6 x 5 positions of 3 features to 5 outputs."""
    net = Builder(3, 6, 5)
    x = NETS[name](net, net.conv(net.input, 12, (3, 3)))
    net.dense(net.flatten(x), 5, relu=False, norm=False)
    return net.build()


def activated_graph(activation: Activation) -> Graph:
    """A convolution that ends in a function, and a classifier."""
    net = Builder(3, 6, 5)
    x = net.conv(net.input, 12, (3, 3), activation=activation)
    net.dense(net.flatten(x), 5, relu=False, norm=False)
    return net.build()


@torch.no_grad()
def modern_net(graph: Graph, seed: int = 0) -> ElasticNet:
    """A full net with random weights, norms, slopes and constants."""
    net = random_net(graph, seed)
    for layer, weight in zip(graph.layers, net.weights, strict=True):
        if layer.kind is Kind.PRELU:
            weight.copy_(torch.rand(weight.shape) - 0.3)
        if layer.kind is Kind.EMBED:
            weight.copy_(torch.randn(weight.shape))
    return net
