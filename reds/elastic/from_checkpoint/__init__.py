"""Make an elastic net of a vision transformer's checkpoint, in timm's or in torchvision's naming.

The file tells the sizes of the net: units, blocks, hidden units, classes, patches. It does not tell the
heads, which share one matrix.
"""

from collections.abc import Iterator, Mapping
from math import isqrt
from pathlib import Path

import torch
from torch import Tensor

from reds.elastic.affine import UnitAffine, UnitBias
from reds.elastic.from_checkpoint.files import read_parameters
from reds.elastic.from_checkpoint.names import NAMINGS, OLD_PARTS, Naming, Sizes, shapes
from reds.elastic.net import ElasticNet
from reds.elastic.torch_defaults import torch_defaults
from reds.errors import NotElasticError
from reds.text import shown
from reds.zoo.transformer import Encoder
from reds.zoo.vit import vit

HEAD = 64
"""Units of a head in all published sizes."""


@torch_defaults()
@torch.no_grad()
def from_checkpoint(
    path: str | Path, *, heads: int | None = None, sides: tuple[int, int] | None = None
) -> ElasticNet:
    """Return the full elastic net of a vision transformer's checkpoint.

    The net reads pictures as the checkpoint's model did, normalized in the same way.

    Args:
        path: A file with the parameters of a `VisionTransformer` of timm or torchvision: .pt or .pth, which
            `torch.save` wrote, or .safetensors.
        heads: Heads of each attention; by default one for every 64 units.
        sides: Rows and columns of the pictures that it was trained on; by default as many as each other.

    Raises:
        NotElasticError: The file cannot be read, is of another architecture, or lacks a parameter, has one
            too many or one of another shape, which is named.
    """
    path = Path(path)
    parameters = read_parameters(path)
    naming = _naming(path, parameters)
    parameters = {_renamed(name): value for name, value in parameters.items()}
    sizes = _sizes(path, naming, parameters)
    _check(path, naming, sizes, parameters)
    heads = heads if heads is not None else max(1, sizes.units // HEAD)
    if not isinstance(heads, int) or heads < 1 or sizes.units % heads:
        raise NotElasticError(f"{path}: heads are {shown(heads)}: a divisor of {sizes.units} units is needed")
    rows, columns = sides or [isqrt(sizes.patches) * sizes.patch] * 2
    if rows % sizes.patch or columns % sizes.patch or rows * columns != sizes.patches * sizes.patch**2:
        raise NotElasticError(
            f"{path}: pictures of {rows} x {columns} are not {sizes.patches} patches of {sizes.patch} x"
            f" {sizes.patch}: give the `sides` that it was trained on"
        )
    encoder = Encoder(sizes.units, sizes.blocks, heads, sizes.hidden)
    net = ElasticNet(vit(encoder, rows, columns, sizes.channels, sizes.classes, sizes.patch)).eval()
    values = _in_order(naming, sizes, parameters)
    for weight, affine in zip(net.weights, net.subnet_affines(0), strict=True):
        if weight.numel():
            weight.copy_(next(values))
        if isinstance(affine, UnitAffine):
            affine.gain.copy_(next(values))
            affine.offset.copy_(next(values))
        elif isinstance(affine, UnitBias):
            affine.bias.copy_(next(values))
    return net


def _naming(path: Path, parameters: Mapping[str, Tensor]) -> Naming:
    """Return the naming of a checkpoint."""
    for naming in NAMINGS:
        if f"{naming.patch}.weight" in parameters:
            return naming
    known = " or ".join(f"{each.patch}.weight ({each.library})" for each in NAMINGS)
    raise NotElasticError(
        f"{path}: holds {', '.join(list(parameters)[:3])}...: no vision transformer, which has {known}:"
        " trace any other module by reds.from_module"
    )


def _renamed(name: str) -> str:
    """Return the present name of a parameter that may have an old one."""
    for old, new in OLD_PARTS.items():
        name = name.replace(old, new)
    return name


def _sizes(path: Path, naming: Naming, parameters: Mapping[str, Tensor]) -> Sizes:
    """Return the sizes that the shapes of a checkpoint tell; `_check` compares all other shapes."""

    def sides(name: str, axes: int) -> tuple[int, ...]:
        found = parameters.get(name)
        if found is None:
            raise NotElasticError(f"{path}: {name} is missing: {naming.library}'s names are needed")
        if found.ndim != axes or not found.numel():
            raise NotElasticError(f"{path}: {name} has shape {list(found.shape)}: {axes} axes are needed")
        return tuple(found.shape)

    units, channels, patch, _ = sides(f"{naming.patch}.weight", 4)
    _, tokens, _ = sides(naming.positions, 3)
    hidden, _ = sides(f"{naming.block.format(0)}{naming.parts[3]}.weight", 2)
    classes, _ = sides(f"{naming.head}.weight", 2)
    blocks = sum(f"{naming.block.format(n)}{naming.qkv[0]}" in parameters for n in range(len(parameters)))
    return Sizes(units, channels, patch, tokens - 1, blocks, hidden, classes)


def _check(path: Path, naming: Naming, sizes: Sizes, parameters: Mapping[str, Tensor]) -> None:
    """Raise `NotElasticError` unless a checkpoint has all parameters, and no others."""
    expected = shapes(naming, sizes)
    if missing := sorted(expected.keys() - parameters.keys()):
        raise NotElasticError(
            f"{path}: {missing[0]} is missing, one of {len(missing)}: a plain vision transformer of"
            f" {naming.library} with a class token is needed"
        )
    if extra := sorted(parameters.keys() - expected.keys()):
        raise NotElasticError(
            f"{path}: {extra[0]} is unknown, one of {len(extra)}: a plain vision transformer of"
            f" {naming.library} has no such parameter"
        )
    for name, shape in expected.items():
        if (found := tuple(parameters[name].shape)) != shape:
            raise NotElasticError(f"{path}: {name} has shape {list(found)}: {list(shape)} is needed")
        if not parameters[name].isfinite().all():
            raise NotElasticError(f"{path}: {name} holds values that are not finite: save it again")


def _in_order(naming: Naming, sizes: Sizes, parameters: Mapping[str, Tensor]) -> Iterator[Tensor]:
    """Give the parameters in the order of the net's layers, each weight before its bias."""

    def both(name: str) -> tuple[Tensor, Tensor]:
        return parameters[f"{name}.weight"], parameters[f"{name}.bias"]

    yield from both(naming.patch)
    positions = parameters[naming.positions][0].T.clone()
    positions[:, 0] += parameters[naming.token][0, 0]  # the input has no token in front
    yield positions
    for number in range(sizes.blocks):
        start = naming.block.format(number)
        norm1, projection, norm2, first, second = (both(start + part) for part in naming.parts)
        yield from norm1
        weights, biases = (parameters[start + name].chunk(3) for name in naming.qkv)
        for weight, bias in zip(weights, biases, strict=True):
            yield weight[:, :, None, None]
            yield bias
        yield projection[0][:, :, None, None]
        yield projection[1]
        yield from norm2
        for weight, bias in (first, second):
            yield weight[:, :, None, None]
            yield bias
    yield from both(naming.norm)
    yield from both(naming.head)
