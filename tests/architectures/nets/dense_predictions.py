"""Networks whose output is as large as their input: U-Net (arXiv 1505.04597) and two autoencoders."""

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from tests.architectures.architecture import Architecture, Published
from tests.architectures.nets.blocks import conv_norm


def twice(reads: int, units: int) -> nn.Sequential:
    return nn.Sequential(conv_norm(reads, units, 3), conv_norm(units, units, 3))


class UNet(nn.Module):
    """Halve the sides some times, double them again, and join the features of each size."""

    def __init__(self, reads: int, units: int, depth: int, classes: int) -> None:
        super().__init__()
        widths = [units << i for i in range(depth + 1)]
        self.stem = twice(reads, units)
        pairs = list(pairwise(widths))
        self.down = nn.ModuleList(nn.Sequential(nn.MaxPool2d(2), twice(a, b)) for a, b in pairs)
        self.up = nn.ModuleList(nn.ConvTranspose2d(b, a, 2, 2) for a, b in reversed(pairs))
        self.join = nn.ModuleList(twice(b, a) for a, b in reversed(pairs))
        self.head = nn.Conv2d(units, classes, 1)

    def forward(self, x: Tensor) -> Tensor:
        kept = [self.stem(x)]
        for down in self.down:
            kept.append(down(kept[-1]))
        y = kept.pop()
        for up, join in zip(self.up, self.join, strict=True):
            y = join(torch.cat([kept.pop(), up(y)], 1))
        return self.head(y)


def dense_autoencoder(sides: Sequence[int]) -> nn.Module:
    layers: list[nn.Module] = []
    for reads, units in pairwise(sides):
        layers += [nn.Linear(reads, units), nn.BatchNorm1d(units), nn.ReLU()]
    return nn.Sequential(*layers[:-2])


def tiny_autoencoder() -> nn.Module:
    """Return the autoencoder of MLPerf Tiny, for five frames of 128 mel bands."""
    return dense_autoencoder((640, *[128] * 4, 8, *[128] * 4, 640))


def conv_autoencoder() -> nn.Module:
    """Return the autoencoder of Keras's blog (Chollet 2016), for digits of 28 x 28."""

    def conv(reads: int, units: int, padding: int = 1) -> list[nn.Module]:
        return [nn.Conv2d(reads, units, 3, padding=padding), nn.ReLU()]

    pool, double = nn.MaxPool2d(2, ceil_mode=True), nn.Upsample(scale_factor=2)
    encoder = *conv(1, 16), pool, *conv(16, 8), pool, *conv(8, 8), pool
    decoder = *conv(8, 8), double, *conv(8, 8), double, *conv(8, 16, 0), double
    return nn.Sequential(*encoder, *decoder, nn.Conv2d(16, 1, 3, padding=1), nn.Sigmoid())


ENTRIES = (
    Architecture(
        "U-Net, 8 to 64 units", "arXiv 1505.04597", lambda: UNet(3, 8, 3, 2), (3, 32, 32),
        Published(lambda: UNet(1, 64, 4, 2), (1, 256, 256), 31.04e6),
    ),
    Architecture(
        "Dense autoencoder", "arXiv 2106.07597", tiny_autoencoder, (640,),
        Published(tiny_autoencoder, (640,), 267_928, 264_192),
    ),
    Architecture(
        "Conv autoencoder", "Chollet 2016", conv_autoencoder, (1, 28, 28),
        Published(conv_autoencoder, (1, 28, 28), 4_385),
    ),
)  # fmt: skip
