"""Build the graphs of `reds bench-selection` that are in no zoo: concatenations, skips over levels, heads."""

from reds.graph import Graph
from reds.graph.builder import Builder
from reds.pack.model import Kind


def dense_net(layers: int = 16, growth: int = 12) -> Graph:
    """Return a DenseNet-BC of three blocks (Huang et al., CVPR 2017), with 4 * growth units in bottlenecks.

    Args:
        layers: Dense layers of each block; 16 and a growth of 12 make the paper's DenseNet-BC of 100 layers.
        growth: Units that each dense layer adds.
    """
    net = Builder(3, 32, 32)
    x = net.conv(net.input, 2 * growth, (3, 3), relu=False, norm=False)
    for block in range(3):
        for _ in range(layers):
            y = net.conv(net.scale(x, relu=True), 4 * growth, (1, 1))
            x = net.concat([x, net.conv(y, growth, (3, 3), relu=False, norm=False)])
        x = net.scale(x, relu=True)
        if block < 2:
            x = net.conv(x, net.shape(x)[2] // 2, (1, 1), relu=False, norm=False)
            x = net.pool(x, (2, 2))
    net.dense(net.flatten(net.pool(x)), 10, relu=False, norm=False)
    return net.build()


def inception(modules: int = 4, units: int = 32) -> Graph:
    """Return modules of four branches side by side, as in GoogLeNet (Szegedy et al., CVPR 2015)."""
    net = Builder(3, 32, 32)
    x = net.conv(net.input, 2 * units, (3, 3))
    for _ in range(modules):
        small = net.conv(net.conv(x, units, (1, 1)), 2 * units, (3, 3))
        large = net.conv(net.conv(x, units // 2, (1, 1)), units, (5, 5))
        pooled = net.conv(net.pool(x, (3, 3), (1, 1), Kind.MAX_POOL, padding=(1, 1, 1, 1)), units, (1, 1))
        x = net.concat([net.conv(x, 2 * units, (1, 1)), small, large, pooled])
    net.dense(net.flatten(net.pool(x)), 10, relu=False, norm=False)
    return net.build()


def u_net(levels: int = 4, units: int = 16) -> Graph:
    """Return a U-Net (Ronneberger et al., MICCAI 2015): each level up reads the level down beside it."""
    net = Builder(1, 64, 64)
    x, skips = net.input, list[int]()

    def twice(x: int, units: int) -> int:
        return net.conv(net.conv(x, units, (3, 3)), units, (3, 3))

    for level in range(levels):
        x = twice(x, units << level)
        skips.append(x)
        x = net.pool(x, (2, 2), kind=Kind.MAX_POOL)
    x = twice(x, units << levels)
    for level, skip in reversed(list(enumerate(skips))):
        x = net.concat([skip, net.transposed(x, units << level, (2, 2), (2, 2))])
        x = twice(x, units << level)
    net.conv(x, 2, (1, 1), relu=False, norm=False)
    return net.build()


def transformer(blocks: int = 12, units: int = 192, heads: int = 3, cut: bool = False) -> Graph:
    """Return a vision transformer of 8 x 8 patches (Dosovitskiy et al., ICLR 2021), Ti by default.

    Args:
        blocks: Number of blocks.
        units: Units of the residual stream.
        heads: Heads of each attention.
        cut: Whether the residual stream is cut, too.
    """
    net = Builder(3, 32, 32)
    x = net.embed(net.conv(net.input, units, (4, 4), (4, 4), relu=False, norm=False))
    if not cut:
        x = net.uncut(x)
    for _ in range(blocks):
        y = net.layer_norm(x, 1e-6)
        q, k, v = (net.conv(y, units, (1, 1), relu=False, norm=False) for _ in range(3))
        y = net.attention(q, k, v, heads)
        x = net.add(x, net.conv(y, units, (1, 1), relu=False, norm=False))
        y = net.conv(net.layer_norm(x, 1e-6), 4 * units, (1, 1), relu=False, norm=False)
        x = net.add(x, net.conv(y, units, (1, 1), relu=False, norm=False))
    x = net.pool(net.layer_norm(x, 1e-6))
    net.dense(net.flatten(x), 10, relu=False, norm=False)
    return net.build()
