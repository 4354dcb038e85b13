"""Residual networks: ResNet8, ResNet18, SE-ResNet18, ResNeXt-29 and RegNet."""

from collections.abc import Sequence

from torch import nn

from tests.architectures.architecture import Architecture, Published
from tests.architectures.nets.blocks import Residual, SqueezeExcite, conv_norm, pooled_head


def basic(reads: int, units: int, stride: int, squeeze: int = 0) -> nn.Module:
    """Return two convolutions of 3 x 3 beside a shortcut, gated if `squeeze` is the reduction."""
    body = [conv_norm(reads, units, 3, stride), conv_norm(units, units, 3, act=None)]
    gate = [SqueezeExcite(units, units // squeeze)] if squeeze else []
    shortcut = conv_norm(reads, units, 1, stride, act=None) if stride > 1 or reads != units else None
    return Residual(nn.Sequential(*body, *gate), shortcut)


def resnet18(classes: int, squeeze: int = 0) -> nn.Module:
    layers = [conv_norm(3, 64, 7, 2), nn.MaxPool2d(3, 2, 1)]
    reads = 64
    for stage in range(4):
        for i in range(2):
            layers.append(basic(reads, 64 << stage, 2 if i == 0 < stage else 1, squeeze))
            reads = 64 << stage
    return nn.Sequential(*layers, pooled_head(reads, classes))


def resnet8() -> nn.Module:
    """Return the net of MLPerf Tiny, whose convolutions have biases and whose shortcuts no norm."""

    def conv(reads: int, units: int, stride: int = 1) -> list[nn.Module]:
        return [nn.Conv2d(reads, units, 3, stride, 1), nn.BatchNorm2d(units)]

    layers, reads = [nn.Sequential(*conv(3, 16), nn.ReLU())], 16
    for units, stride in ((16, 1), (32, 2), (64, 2)):
        body = nn.Sequential(*conv(reads, units, stride), nn.ReLU(), *conv(units, units))
        layers.append(Residual(body, nn.Conv2d(reads, units, 1, stride) if stride > 1 else None))
        reads = units
    return nn.Sequential(*layers, pooled_head(64, 10))


def bottleneck(reads: int, inside: int, units: int, stride: int, groups: int, gate: int = 0) -> nn.Module:
    """Return 1 x 1, grouped 3 x 3 and 1 x 1 beside a shortcut; `gate` is the number of squeezed units."""
    body = [conv_norm(reads, inside), conv_norm(inside, inside, 3, stride, groups)]
    gates = [SqueezeExcite(inside, gate)] if gate else []
    shortcut = conv_norm(reads, units, 1, stride, act=None) if stride > 1 or reads != units else None
    return Residual(nn.Sequential(*body, *gates, conv_norm(inside, units, act=None)), shortcut)


def resnext29(groups: int, width: int, units: int, classes: int) -> nn.Module:
    """Return ResNeXt-29 for 32 x 32 pixels: blocks of `groups` x `width` channels inside, `units` outside."""
    layers, reads = [conv_norm(3, units // 4, 3)], units // 4
    for stage in range(3):
        for i in range(3):
            stride = 2 if i == 0 < stage else 1
            layers.append(bottleneck(reads, groups * width << stage, units << stage, stride, groups))
            reads = units << stage
    return nn.Sequential(*layers, pooled_head(reads, classes))


def regnet(
    widths: Sequence[int], depths: Sequence[int], width: int, squeeze: bool, classes: int
) -> nn.Module:
    """Return RegNetX, or RegNetY with a squeeze; groups have `width` channels."""
    layers, reads = [conv_norm(3, 32, 3, 2)], 32
    for units, depth in zip(widths, depths, strict=True):
        for i in range(depth):
            gate = round(reads / 4) if squeeze else 0
            layers.append(bottleneck(reads, units, units, 2 if i == 0 else 1, units // width, gate))
            reads = units
    return nn.Sequential(*layers, pooled_head(reads, classes))


def regnet_x_200mf(classes: int) -> nn.Module:
    return regnet((24, 56, 152, 368), (1, 1, 4, 7), 8, False, classes)


def regnet_y_400mf(classes: int) -> nn.Module:
    return regnet((48, 104, 208, 440), (1, 3, 6, 6), 8, True, classes)


IMAGENET = (3, 224, 224)
ENTRIES = (
    Architecture(
        "ResNet8", "arXiv 2106.07597", resnet8, (3, 32, 32), Published(resnet8, (3, 32, 32), 78_186, 12.5e6)
    ),
    Architecture(
        "ResNet18", "arXiv 1512.03385", lambda: resnet18(10), (3, 32, 32),
        Published(lambda: resnet18(1000), IMAGENET, 11_689_512, 1.81e9),
    ),
    Architecture(
        "SE-ResNet18", "arXiv 1709.01507", lambda: resnet18(10, 16), (3, 32, 32),
        Published(lambda: resnet18(1000, 16), IMAGENET, 11_778_592, 1.82e9),
    ),
    Architecture(
        "ResNeXt-29, 8x4d", "arXiv 1611.05431", lambda: resnext29(8, 4, 64, 10), (3, 32, 32),
        Published(lambda: resnext29(8, 64, 256, 10), (3, 32, 32), 34.4e6),
    ),
    Architecture(
        "RegNetX-200MF", "arXiv 2003.13678", lambda: regnet_x_200mf(10), (3, 32, 32),
        Published(lambda: regnet_x_200mf(1000), IMAGENET, 2.7e6, 200e6),
    ),
    Architecture(
        "RegNetY-400MF", "arXiv 2003.13678", lambda: regnet_y_400mf(10), (3, 32, 32),
        Published(lambda: regnet_y_400mf(1000), IMAGENET, 4_344_144, 403e6),
    ),
)  # fmt: skip
