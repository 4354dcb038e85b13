"""ShuffleNet (arXiv 1707.01083) and ShuffleNetV2 (arXiv 1807.11164): they shuffle channels."""

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from tests.architectures.architecture import Architecture, Published
from tests.architectures.nets.blocks import conv_norm, pooled_head


def shuffled(x: Tensor, groups: int) -> Tensor:
    n, units, height, width = x.shape
    return x.view(n, groups, units // groups, height, width).transpose(1, 2).reshape(n, units, height, width)


class Unit1(nn.Module):
    def __init__(self, reads: int, units: int, groups: int, first: int, stride: int) -> None:
        super().__init__()
        inside, self.groups, self.stride = units // 4, groups, stride
        written = units - reads if stride == 2 else units
        self.reduce = conv_norm(reads, inside, groups=first)
        self.depthwise = conv_norm(inside, inside, 3, stride, inside, None)
        self.expand = conv_norm(inside, written, groups=groups, act=None)

    def forward(self, x: Tensor) -> Tensor:
        y = self.expand(self.depthwise(shuffled(self.reduce(x), self.groups)))
        if self.stride == 1:
            return F.relu(x + y)
        return F.relu(torch.cat([F.avg_pool2d(x, 3, 2, 1), y], 1))


def shufflenet_v1(classes: int, groups: int = 3, units: int = 240) -> nn.Module:
    layers = [conv_norm(3, 24, 3, 2), nn.MaxPool2d(3, 2, 1)]
    reads = 24
    for stage, repeats in enumerate((4, 8, 4)):
        for i in range(repeats):
            first = 1 if stage == i == 0 else groups
            layers.append(Unit1(reads, units << stage, groups, first, 2 if i == 0 else 1))
            reads = units << stage
    return nn.Sequential(*layers, pooled_head(reads, classes))


class Unit2(nn.Module):
    def __init__(self, reads: int, units: int, stride: int) -> None:
        super().__init__()
        half, self.stride = units // 2, stride
        read = reads if stride == 2 else half
        self.branch = nn.Sequential(
            conv_norm(read, half), conv_norm(half, half, 3, stride, half, None), conv_norm(half, half)
        )
        self.shortcut = nn.Sequential(conv_norm(reads, reads, 3, 2, reads, None), conv_norm(reads, half))
        if stride == 1:
            self.shortcut = nn.Sequential()

    def forward(self, x: Tensor) -> Tensor:
        kept, read = (self.shortcut(x), x) if self.stride == 2 else x.chunk(2, 1)
        return shuffled(torch.cat([kept, self.branch(read)], 1), 2)


def shufflenet_v2(classes: int, widths: tuple[int, ...] = (48, 96, 192)) -> nn.Module:
    layers = [conv_norm(3, 24, 3, 2), nn.MaxPool2d(3, 2, 1)]
    reads = 24
    for units, repeats in zip(widths, (4, 8, 4), strict=True):
        for i in range(repeats):
            layers.append(Unit2(reads, units, 2 if i == 0 else 1))
            reads = units
    return nn.Sequential(*layers, conv_norm(reads, 1024), pooled_head(1024, classes))


ENTRIES = (
    Architecture(
        "ShuffleNet g=3", "arXiv 1707.01083", lambda: shufflenet_v1(10), (3, 32, 32),
        Published(lambda: shufflenet_v1(1000), (3, 224, 224), 1.87e6, 137e6), refused="shuffles units",
    ),
    Architecture(
        "ShuffleNetV2 0.5", "arXiv 1807.11164", lambda: shufflenet_v2(10), (3, 32, 32),
        Published(lambda: shufflenet_v2(1000), (3, 224, 224), 1_366_792, 41e6), refused="shuffles units",
    ),
)  # fmt: skip
