"""Names of a vision transformer's parameters in the checkpoints of timm and of torchvision.

Both libraries keep the same values: query, key and value in one matrix, and weights as [units out, units in].
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Naming:
    """Names of one library's parameters."""

    library: str
    patch: str
    """Convolution that makes patches tokens, without `.weight` and `.bias`."""
    token: str
    """Class token [1, 1, units]."""
    positions: str
    """Position embedding [1, 1 + patches, units]."""
    block: str
    """Start of the names in block `{}`."""
    qkv: tuple[str, str]
    """Weight and bias of query, key and value, in a block."""
    parts: tuple[str, ...]
    """Parts of a block with weight and bias: norm, projection, norm, two layers of the MLP."""
    norm: str
    head: str


TIMM = Naming(
    "timm", "patch_embed.proj", "cls_token", "pos_embed", "blocks.{}.", ("attn.qkv.weight", "attn.qkv.bias"),
    ("norm1", "attn.proj", "norm2", "mlp.fc1", "mlp.fc2"), "norm", "head",
)  # fmt: skip
TORCHVISION = Naming(
    "torchvision", "conv_proj", "class_token", "encoder.pos_embedding", "encoder.layers.encoder_layer_{}.",
    ("self_attention.in_proj_weight", "self_attention.in_proj_bias"),
    ("ln_1", "self_attention.out_proj", "ln_2", "mlp.0", "mlp.3"), "encoder.ln", "heads.head",
)  # fmt: skip
NAMINGS = TIMM, TORCHVISION
OLD_PARTS = {"mlp.linear_1.": "mlp.0.", "mlp.linear_2.": "mlp.3."}
"""Names in torchvision's published files, and those that it loads them by."""


@dataclass(frozen=True)
class Sizes:
    """Sizes of a vision transformer, as its checkpoint shows them."""

    units: int
    channels: int
    patch: int
    patches: int
    blocks: int
    hidden: int
    classes: int


def shapes(naming: Naming, sizes: Sizes) -> Mapping[str, tuple[int, ...]]:
    """Return the shape of every parameter of a checkpoint, by its name."""
    return dict(_shapes(naming, sizes))


def _shapes(naming: Naming, sizes: Sizes) -> Iterator[tuple[str, tuple[int, ...]]]:
    units = sizes.units
    yield naming.token, (1, 1, units)
    yield naming.positions, (1, 1 + sizes.patches, units)
    yield f"{naming.patch}.weight", (units, sizes.channels, sizes.patch, sizes.patch)
    yield f"{naming.patch}.bias", (units,)
    weights = (units,), (units, units), (units,), (sizes.hidden, units), (units, sizes.hidden)
    for number in range(sizes.blocks):
        start = naming.block.format(number)
        yield start + naming.qkv[0], (3 * units, units)
        yield start + naming.qkv[1], (3 * units,)
        for part, shape in zip(naming.parts, weights, strict=True):
            yield f"{start}{part}.weight", shape
            yield f"{start}{part}.bias", shape[:1]
    yield f"{naming.norm}.weight", (units,)
    yield f"{naming.norm}.bias", (units,)
    yield f"{naming.head}.weight", (sizes.classes, units)
    yield f"{naming.head}.bias", (sizes.classes,)
