"""GhostNet (arXiv 1911.11907): half of the features from cheap depthwise convolutions."""

import torch
from torch import Tensor, nn

from tests.architectures.architecture import Architecture, Published
from tests.architectures.nets.blocks import RELU, Activation, Residual, SqueezeExcite, conv_norm, divisible

BLOCKS = (
    (3, 16, 16, False, 1), (3, 48, 24, False, 2), (3, 72, 24, False, 1), (5, 72, 40, True, 2),
    (5, 120, 40, True, 1), (3, 240, 80, False, 2), (3, 200, 80, False, 1), (3, 184, 80, False, 1),
    (3, 184, 80, False, 1), (3, 480, 112, True, 1), (3, 672, 112, True, 1), (5, 672, 160, True, 2),
    (5, 960, 160, False, 1), (5, 960, 160, True, 1), (5, 960, 160, False, 1), (5, 960, 160, True, 1),
)  # fmt: skip
"""Kernel, units inside and written, squeeze, and stride of each block."""


class Ghost(nn.Module):
    """A pointwise convolution, and beside its outputs a depthwise convolution of them."""

    def __init__(self, reads: int, units: int, act: Activation | None = RELU) -> None:
        super().__init__()
        half = units // 2
        self.primary = conv_norm(reads, half, act=act)
        self.cheap = conv_norm(half, half, 3, groups=half, act=act)

    def forward(self, x: Tensor) -> Tensor:
        primary = self.primary(x)
        return torch.cat([primary, self.cheap(primary)], 1)


def block(reads: int, inside: int, units: int, kernel: int, squeeze: bool, stride: int) -> nn.Module:
    parts: list[nn.Module] = [Ghost(reads, inside)]
    if stride > 1:
        parts.append(conv_norm(inside, inside, kernel, stride, inside, None))
    if squeeze:
        parts.append(SqueezeExcite(inside, divisible(inside / 4, 4), gate=nn.Hardsigmoid))
    parts.append(Ghost(inside, units, None))
    shortcut = None
    if stride > 1 or reads != units:
        shortcut = nn.Sequential(
            conv_norm(reads, reads, kernel, stride, reads, None), conv_norm(reads, units, act=None)
        )
    return Residual(nn.Sequential(*parts), shortcut, None)


def ghostnet(width: float, classes: int) -> nn.Module:
    reads = divisible(16 * width, 4)
    layers: list[nn.Module] = [conv_norm(3, reads, 3, 2)]
    for kernel, full, written, squeeze, stride in BLOCKS:
        inside, units = divisible(full * width, 4), divisible(written * width, 4)
        layers.append(block(reads, inside, units, kernel, squeeze, stride))
        reads = units
    last = divisible(960 * width, 4)
    pool = conv_norm(reads, last), nn.AdaptiveAvgPool2d(1), nn.Conv2d(last, 1280, 1), nn.ReLU()
    return nn.Sequential(*layers, *pool, nn.Flatten(), nn.Dropout(0.2), nn.Linear(1280, classes))


ENTRIES = (
    Architecture(
        "GhostNet 0.5", "arXiv 1911.11907", lambda: ghostnet(0.5, 10), (3, 32, 32),
        Published(lambda: ghostnet(1.0, 1000), (3, 224, 224), 5.2e6, 141e6),
    ),
)  # fmt: skip
