"""DenseNet-BC (arXiv 1608.06993): every layer reads all before it."""

import torch
from torch import Tensor, nn

from tests.architectures.architecture import Architecture, Published
from tests.architectures.nets.blocks import pooled_head


def normed(reads: int, units: int, kernel: int) -> nn.Sequential:
    conv = nn.Conv2d(reads, units, kernel, padding=kernel // 2, bias=False)
    return nn.Sequential(nn.BatchNorm2d(reads), nn.ReLU(inplace=True), conv)


class Dense(nn.Module):
    """A bottleneck whose outputs join its inputs."""

    def __init__(self, reads: int, growth: int) -> None:
        super().__init__()
        self.body = nn.Sequential(normed(reads, 4 * growth, 1), normed(4 * growth, growth, 3))

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([x, self.body(x)], 1)


def densenet_bc(depth: int, growth: int, classes: int) -> nn.Module:
    units = 2 * growth
    layers: list[nn.Module] = [nn.Conv2d(3, units, 3, padding=1, bias=False)]
    for stage in range(3):
        if stage:
            layers += [normed(units, units // 2, 1), nn.AvgPool2d(2)]
            units //= 2
        for _ in range((depth - 4) // 6):
            layers.append(Dense(units, growth))
            units += growth
    return nn.Sequential(*layers, nn.BatchNorm2d(units), nn.ReLU(), pooled_head(units, classes))


CIFAR = (3, 32, 32)
ENTRIES = (
    Architecture(
        "DenseNet-BC-40, k=12", "arXiv 1608.06993", lambda: densenet_bc(40, 12, 10), CIFAR,
        Published(lambda: densenet_bc(100, 12, 10), CIFAR, 769_162),
    ),
)  # fmt: skip
