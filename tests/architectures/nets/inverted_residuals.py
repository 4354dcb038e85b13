"""Networks of inverted residuals: MobileNetV2 and V3, MnasNet, EfficientNet, and one like MCUNet's."""

from collections.abc import Sequence
from dataclasses import dataclass

from torch import nn

from tests.architectures.architecture import Architecture, Published
from tests.architectures.nets.blocks import (
    RELU,
    RELU6,
    Activation,
    Residual,
    SqueezeExcite,
    conv_norm,
    divisible,
    pooled_head,
)


@dataclass(frozen=True)
class Stage:
    """Blocks of one size; the first has the stride."""

    kernel: int
    expanded: float
    """Units inside, as a multiple of those that a block reads."""
    units: int
    repeats: int
    stride: int


def inverted(
    reads: int, inside: int, units: int, kernel: int, stride: int, act: Activation = RELU,
    gate: nn.Module | None = None,
) -> nn.Module:  # fmt: skip
    """Return a block: expand, filter in depth, gate the channels, project."""
    expand = [conv_norm(reads, inside, act=act)] if inside != reads else []
    depthwise = conv_norm(inside, inside, kernel, stride, inside, act)
    parts = *expand, depthwise, *([gate] if gate else []), conv_norm(inside, units, act=None)
    body = nn.Sequential(*parts)
    return Residual(body, act=None) if stride == 1 and reads == units else body


def chain(
    reads: int, stages: Sequence[Stage], width: float, act: Activation, squeeze: float = 0.0
) -> tuple[list[nn.Module], int]:
    """Return the blocks of all stages, and the units that the last one writes."""
    blocks = []
    for stage in stages:
        for i in range(stage.repeats):
            units, inside = divisible(stage.units * width), round(reads * stage.expanded)
            gate = SqueezeExcite(inside, int(reads * squeeze), act) if squeeze else None
            stride = stage.stride if i == 0 else 1
            blocks.append(inverted(reads, inside, units, stage.kernel, stride, act, gate))
            reads = units
    return blocks, reads


V2 = (Stage(3, 1, 16, 1, 1), Stage(3, 6, 24, 2, 2), Stage(3, 6, 32, 3, 2), Stage(3, 6, 64, 4, 2),
      Stage(3, 6, 96, 3, 1), Stage(3, 6, 160, 3, 2), Stage(3, 6, 320, 1, 1))  # fmt: skip
MNAS = (Stage(3, 3, 24, 3, 2), Stage(5, 3, 40, 3, 2), Stage(5, 6, 80, 3, 2), Stage(3, 6, 96, 2, 1),
        Stage(5, 6, 192, 4, 2), Stage(3, 6, 320, 1, 1))  # fmt: skip
B0 = (Stage(3, 1, 16, 1, 1), Stage(3, 6, 24, 2, 2), Stage(5, 6, 40, 2, 2), Stage(3, 6, 80, 3, 2),
      Stage(5, 6, 112, 3, 1), Stage(5, 6, 192, 4, 2), Stage(3, 6, 320, 1, 1))  # fmt: skip
MCU = (Stage(3, 1, 8, 1, 1), Stage(7, 3, 16, 2, 2), Stage(3, 5, 24, 2, 2), Stage(7, 4, 40, 2, 2),
       Stage(5, 5, 48, 2, 1), Stage(5, 4, 96, 2, 2), Stage(3, 4, 160, 1, 1))  # fmt: skip


def mobilenet_v2(width: float, classes: int) -> nn.Module:
    first, last = divisible(32 * width), divisible(1280 * max(1.0, width))
    blocks, units = chain(first, V2, width, RELU6)
    ends = conv_norm(3, first, 3, 2, act=RELU6), conv_norm(units, last, act=RELU6)
    return nn.Sequential(ends[0], *blocks, ends[1], pooled_head(last, classes, 0.2))


def mnasnet(classes: int) -> nn.Module:
    stem = conv_norm(3, 32, 3, 2), conv_norm(32, 32, 3, groups=32), conv_norm(32, 16, act=None)
    blocks, units = chain(16, MNAS, 1.0, RELU)
    return nn.Sequential(*stem, *blocks, conv_norm(units, 1280), pooled_head(1280, classes, 0.2))


def efficientnet(classes: int, act: Activation, squeeze: float) -> nn.Module:
    """Return B0 with swish and a squeeze of 1/4, or Lite0 with ReLU6 and none."""
    blocks, units = chain(32, B0, 1.0, act, squeeze)
    ends = conv_norm(3, 32, 3, 2, act=act), conv_norm(units, 1280, act=act)
    return nn.Sequential(ends[0], *blocks, ends[1], pooled_head(1280, classes, 0.2))


def mcunet_like(classes: int) -> nn.Module:
    """Return blocks with kernels of 3, 5 and 7, as the search for a microcontroller finds them."""
    blocks, units = chain(16, MCU, 1.0, RELU6)
    return nn.Sequential(conv_norm(3, 16, 3, 2, act=RELU6), *blocks, pooled_head(units, classes))


SWISH = nn.Hardswish
V3_SMALL = (
    (3, 16, 16, True, RELU, 2), (3, 72, 24, False, RELU, 2), (3, 88, 24, False, RELU, 1),
    (5, 96, 40, True, SWISH, 2), (5, 240, 40, True, SWISH, 1), (5, 240, 40, True, SWISH, 1),
    (5, 120, 48, True, SWISH, 1), (5, 144, 48, True, SWISH, 1), (5, 288, 96, True, SWISH, 2),
    (5, 576, 96, True, SWISH, 1), (5, 576, 96, True, SWISH, 1),
)  # fmt: skip
"""Kernel, units inside and written, squeeze, activation and stride of each block."""


def mobilenet_v3_small(width: float, classes: int) -> nn.Module:
    reads = divisible(16 * width)
    layers = [conv_norm(3, reads, 3, 2, act=nn.Hardswish)]
    for kernel, full, written, squeeze, act, stride in V3_SMALL:
        inside, units = divisible(full * width), divisible(written * width)
        gate = SqueezeExcite(inside, divisible(inside // 4), gate=nn.Hardsigmoid) if squeeze else None
        layers.append(inverted(reads, inside, units, kernel, stride, act, gate))
        reads = units
    last = conv_norm(reads, 6 * reads, act=nn.Hardswish)
    head = nn.Linear(6 * reads, 1024), nn.Hardswish(), nn.Dropout(0.2), nn.Linear(1024, classes)
    return nn.Sequential(*layers, last, nn.AdaptiveAvgPool2d(1), nn.Flatten(), *head)


IMAGENET = (3, 224, 224)
ENTRIES = (
    Architecture(
        "MobileNetV2 0.35", "arXiv 1801.04381", lambda: mobilenet_v2(0.35, 2), (3, 96, 96),
        Published(lambda: mobilenet_v2(1.0, 1000), IMAGENET, 3_504_872, 300e6),
    ),
    Architecture(
        "MobileNetV3-small 0.35", "arXiv 1905.02244", lambda: mobilenet_v3_small(0.35, 2), (3, 96, 96),
        Published(lambda: mobilenet_v3_small(1.0, 1000), IMAGENET, 2_542_856, 56e6),
    ),
    Architecture(
        "MnasNet-B1", "arXiv 1807.11626", lambda: mnasnet(10), (3, 32, 32),
        Published(lambda: mnasnet(1000), IMAGENET, 4_383_312, 315e6),
    ),
    Architecture(
        "EfficientNet-Lite0", "arXiv 1905.11946", lambda: efficientnet(10, RELU6, 0.0), (3, 32, 32),
        Published(lambda: efficientnet(1000, RELU6, 0.0), IMAGENET, 4_652_008),
    ),
    Architecture(
        "EfficientNet-B0", "arXiv 1905.11946", lambda: efficientnet(10, nn.SiLU, 0.25), (3, 32, 32),
        Published(lambda: efficientnet(1000, nn.SiLU, 0.25), IMAGENET, 5_288_548, 390e6),
    ),
    Architecture("MCUNet-like", "arXiv 2007.10319", lambda: mcunet_like(2), (3, 80, 80)),
)  # fmt: skip
