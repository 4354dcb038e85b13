"""Networks of several heads: YOLOv3-tiny (arXiv 1804.02767), regression beside classes; and CSPDarknet."""

from itertools import pairwise

import torch
from torch import Tensor, nn

from tests.architectures.architecture import Architecture, Published
from tests.architectures.nets.blocks import conv_norm, pooled_head


def leaky() -> nn.Module:
    return nn.LeakyReLU(0.1)


class YoloTiny(nn.Module):
    """YOLOv3-tiny: boxes from two sizes of features, as raw outputs of both heads."""

    def __init__(self, first: int, outputs: int) -> None:
        super().__init__()

        def conv(reads: int, units: int, kernel: int = 3) -> nn.Module:
            return conv_norm(reads, units, kernel, act=leaky)

        widths = [first << i for i in range(5)]
        layers: list[nn.Module] = [conv(3, first)]
        for reads, units in pairwise(widths):
            layers += [nn.MaxPool2d(2), conv(reads, units)]
        self.trunk, last, wide = nn.Sequential(*layers), 32 * first, 64 * first
        middle = widths[-1]
        stay = nn.MaxPool2d(3, 1, 1)  # Darknet pads the end only
        self.deep = nn.Sequential(
            nn.MaxPool2d(2), conv(middle, last), stay, conv(last, wide), conv(wide, middle, 1)
        )
        self.coarse = nn.Sequential(conv(middle, last), nn.Conv2d(last, outputs, 1))
        self.up = nn.Sequential(conv(middle, middle // 2, 1), nn.Upsample(scale_factor=2))
        self.fine = nn.Sequential(conv(middle // 2 + middle, middle), nn.Conv2d(middle, outputs, 1))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        fine = self.trunk(x)
        deep = self.deep(fine)
        return self.coarse(deep), self.fine(torch.cat([self.up(deep), fine], 1))


class Heads(nn.Module):
    """A small trunk with a class, a position, and a size that is never negative."""

    def __init__(self) -> None:
        super().__init__()
        self.trunk = nn.Sequential(
            conv_norm(1, 16, 3, 2), conv_norm(16, 32, 3, 2), conv_norm(32, 64, 3, 2),
            nn.AdaptiveAvgPool2d(1), nn.Flatten(),
        )  # fmt: skip
        self.kind, self.position = nn.Linear(64, 4), nn.Linear(64, 2)
        self.size = nn.Sequential(nn.Linear(64, 16), nn.ReLU(), nn.Linear(16, 1), nn.Softplus())

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        y = self.trunk(x)
        return {"kind": self.kind(y), "position": self.position(y), "size": self.size(y)}


class CrossStage(nn.Module):
    """A stage of YOLOv4-tiny: half of the channels pass by the inner convolutions."""

    def __init__(self, units: int) -> None:
        super().__init__()
        half = units // 2
        self.first = conv_norm(units, units, 3, act=leaky)
        self.second, self.third = conv_norm(half, half, 3, act=leaky), conv_norm(half, half, 3, act=leaky)
        self.join = conv_norm(units, units, act=leaky)

    def forward(self, x: Tensor) -> Tensor:
        x = self.first(x)
        y = self.second(x.chunk(2, 1)[1])
        return torch.cat([x, self.join(torch.cat([self.third(y), y], 1))], 1)


def csp_darknet_tiny(classes: int) -> nn.Module:
    layers: list[nn.Module] = [conv_norm(3, 32, 3, 2, act=leaky), conv_norm(32, 64, 3, 2, act=leaky)]
    for units in (64, 128, 256):
        layers += [CrossStage(units), nn.MaxPool2d(2)]
    return nn.Sequential(*layers, conv_norm(512, 512, 3, act=leaky), pooled_head(512, classes))


ENTRIES = (
    Architecture(
        "YOLOv3-tiny 0.25", "arXiv 1804.02767", lambda: YoloTiny(4, 18), (3, 96, 96),
        Published(lambda: YoloTiny(16, 255), (3, 416, 416), 8.85e6, 2.78e9),
    ),
    Architecture("Class, position, size", "multi-task regression", Heads, (1, 32, 32)),
    Architecture("CSPDarknet-tiny", "arXiv 2011.08036", lambda: csp_darknet_tiny(10), (3, 64, 64)),
)  # fmt: skip
