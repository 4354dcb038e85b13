"""ConvNeXt (arXiv 2201.03545) and ConvMixer (arXiv 2201.09792): wide depthwise filters and GELU."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from tests.architectures.architecture import Architecture, Published
from tests.architectures.nets.blocks import Residual, pooled_head


class ChannelNorm(nn.LayerNorm):
    """A layer norm over channels of [N, channels, rows, columns]."""

    def forward(self, x: Tensor) -> Tensor:
        return F.layer_norm(
            x.permute(0, 2, 3, 1), self.normalized_shape, self.weight, self.bias, self.eps
        ).permute(0, 3, 1, 2)


class Block(nn.Module):
    def __init__(self, units: int) -> None:
        super().__init__()
        self.depthwise = nn.Conv2d(units, units, 7, padding=3, groups=units)
        self.norm = nn.LayerNorm(units, 1e-6)
        self.expand, self.act, self.project = (
            nn.Linear(units, 4 * units),
            nn.GELU(),
            nn.Linear(4 * units, units),
        )
        self.scale = nn.Parameter(0.1 * torch.ones(units))  # 1e-6 before a training

    def forward(self, x: Tensor) -> Tensor:
        y = self.norm(self.depthwise(x).permute(0, 2, 3, 1))
        y = self.scale * self.project(self.act(self.expand(y)))
        return x + y.permute(0, 3, 1, 2)


def convnext(widths: Sequence[int], depths: Sequence[int], patch: int, classes: int) -> nn.Module:
    layers: list[nn.Module] = [nn.Conv2d(3, widths[0], patch, patch), ChannelNorm(widths[0], 1e-6)]
    reads = widths[0]
    for units, depth in zip(widths, depths, strict=True):
        if units != reads:
            layers += [ChannelNorm(reads, 1e-6), nn.Conv2d(reads, units, 2, 2)]
        layers += [Block(units) for _ in range(depth)]
        reads = units
    head = nn.AdaptiveAvgPool2d(1), ChannelNorm(reads, 1e-6), nn.Flatten(), nn.Linear(reads, classes)
    return nn.Sequential(*layers, *head)


def conv_mixer(units: int, depth: int, kernel: int, patch: int, classes: int) -> nn.Module:
    """Return ConvMixer, whose norms follow its activations."""

    def ended(conv: nn.Module) -> nn.Sequential:
        return nn.Sequential(conv, nn.GELU(), nn.BatchNorm2d(units))

    layers: list[nn.Module] = [ended(nn.Conv2d(3, units, patch, patch))]
    for _ in range(depth):
        depthwise = nn.Conv2d(units, units, kernel, padding="same", groups=units)
        layers += [Residual(ended(depthwise), act=None), ended(nn.Conv2d(units, units, 1))]
    return nn.Sequential(*layers, pooled_head(units, classes))


IMAGENET = (3, 224, 224)
ENTRIES = (
    Architecture(
        "ConvNeXt-atto", "arXiv 2201.03545",
        lambda: convnext((40, 80, 160, 320), (2, 2, 6, 2), 4, 10), (3, 64, 64),
        Published(lambda: convnext((96, 192, 384, 768), (3, 3, 9, 3), 4, 1000), IMAGENET, 28_589_128, 4.46e9),
    ),
    Architecture(
        "ConvMixer-64/8", "arXiv 2201.09792", lambda: conv_mixer(64, 8, 5, 2, 10), (3, 32, 32),
        Published(lambda: conv_mixer(768, 32, 7, 7, 1000), IMAGENET, 21.1e6),
    ),
)  # fmt: skip
