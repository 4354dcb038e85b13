"""Vision transformers: patches of a picture are the tokens, and a class token reads them.

ViT-B: Dosovitskiy et al., arXiv 2010.11929. ViT-Ti and ViT-S: Touvron et al., arXiv 2012.12877. At
224 x 224 x 3 with patches of 16 and 1,000 classes: 5.7 M, 22.1 M and 86.6 M parameters.

ViT-XS is this project's, for pictures of 32 x 32. Three convolutions of stride 2 make its 16 tokens, as in
Xiao et al., arXiv 2106.14881: few epochs on few pictures go further with them than with patches. Its
classifier reads the mean of all tokens.
"""

from reds.graph import Graph
from reds.graph.builder import Builder
from reds.zoo.transformer import EPSILON, Encoder, add_blocks, add_classifier

SIZES = {"ti": Encoder(192, 12, 3, 768), "s": Encoder(384, 12, 6, 1536), "b": Encoder(768, 12, 12, 3072)}
XS = Encoder(64, 4, 4, 128)


def vit(
    size: str | Encoder, height: int = 224, width: int = 224, channels: int = 3, classes: int = 1000,
    patch: int = 16,
) -> Graph:  # fmt: skip
    """Return a vision transformer with a class token.

    Args:
        size: `ti`, `s` or `b`, or another size.
        height: Rows of the input.
        width: Columns of the input.
        channels: Channels of the input.
        classes: Outputs of the classifier.
        patch: Rows and columns of a patch. Zeros pad an input that patches do not fill.
    """
    net, chosen = Builder(channels, height, width), SIZES[size] if isinstance(size, str) else size
    sides = patch, patch
    x = net.conv(net.input, chosen.units, sides, sides, relu=False, norm=False)
    x = add_blocks(net, net.embed(x, front=1), chosen)
    add_classifier(net, net.layer_norm(net.first(x), EPSILON), classes)
    return net.build()


def vit_xs(height: int = 32, width: int = 32, channels: int = 3, classes: int = 10) -> Graph:
    """Return the vision transformer for small pictures.

    Args:
        height: Rows of the input.
        width: Columns of the input.
        channels: Channels of the input.
        classes: Outputs of the classifier.
    """
    net, padding = Builder(channels, height, width), (1, 1, 1, 1)
    x = net.conv(net.input, XS.units // 4, (3, 3), (2, 2), padding)
    x = net.conv(x, XS.units // 2, (3, 3), (2, 2), padding)
    x = net.conv(x, XS.units, (3, 3), (2, 2), padding, relu=False)
    x = add_blocks(net, net.embed(x), XS)
    add_classifier(net, net.pool(net.layer_norm(x, EPSILON)), classes)
    return net.build()
