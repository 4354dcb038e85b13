"""Residual networks whose norms come first: PreAct-ResNet18 and WideResNet-16-1."""

from collections.abc import Sequence

import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from tests.architectures.architecture import Architecture, Published
from tests.architectures.nets.blocks import pooled_head


class PreAct(nn.Module):
    """Norm, ReLU, convolution, twice; a shortcut of other size reads what the first ReLU writes."""

    def __init__(self, reads: int, units: int, stride: int) -> None:
        super().__init__()
        self.norm1, self.conv1 = nn.BatchNorm2d(reads), nn.Conv2d(reads, units, 3, stride, 1, bias=False)
        self.norm2, self.conv2 = nn.BatchNorm2d(units), nn.Conv2d(units, units, 3, 1, 1, bias=False)
        other = stride > 1 or reads != units
        self.shortcut = nn.Conv2d(reads, units, 1, stride, bias=False) if other else None

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu(self.norm1(x))
        x = self.shortcut(y) if self.shortcut else x
        return x + self.conv2(F.relu(self.norm2(self.conv1(y))))


def preact_resnet(stem: int, widths: Sequence[int], repeats: int, classes: int) -> nn.Module:
    layers: list[nn.Module] = [nn.Conv2d(3, stem, 3, padding=1, bias=False)]
    reads = stem
    for stage, units in enumerate(widths):
        for i in range(repeats):
            layers.append(PreAct(reads, units, 2 if i == 0 < stage else 1))
            reads = units
    return nn.Sequential(*layers, nn.BatchNorm2d(reads), nn.ReLU(), pooled_head(reads, classes))


def wide_resnet(depth: int, factor: int, classes: int) -> nn.Module:
    return preact_resnet(16, [16 * factor, 32 * factor, 64 * factor], (depth - 4) // 6, classes)


CIFAR = (3, 32, 32)
ENTRIES = (
    Architecture(
        "PreAct-ResNet18", "arXiv 1603.05027", lambda: preact_resnet(64, (64, 128, 256, 512), 2, 10), CIFAR,
        Published(lambda: preact_resnet(64, (64, 128, 256, 512), 2, 10), CIFAR, 11.17e6, 556e6),
    ),
    Architecture(
        "WideResNet-16-1", "arXiv 1605.07146", lambda: wide_resnet(16, 1, 10), CIFAR,
        Published(lambda: wide_resnet(28, 10, 10), CIFAR, 36.5e6, 5.2e9),
    ),
)  # fmt: skip
