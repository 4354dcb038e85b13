"""BC-ResNet-1 (arXiv 2106.04140): features over frequency and over time, added by broadcast."""

from torch import Tensor, nn

from tests.architectures.architecture import Architecture, Published
from tests.architectures.nets.blocks import conv_norm

BANDS = 5
STAGES = ((8, 2, False), (12, 2, True), (16, 4, True), (20, 4, False))
"""Units, blocks, and whether the first block halves the frequencies."""


class SubSpectralNorm(nn.Module):
    """A batch norm for each band of frequencies (arXiv 2103.13620)."""

    def __init__(self, units: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(units * BANDS)

    def forward(self, x: Tensor) -> Tensor:
        n, units, rows, columns = x.shape
        return self.norm(x.view(n, units * BANDS, rows // BANDS, columns)).view(n, units, rows, columns)


class Block(nn.Module):
    """A depthwise filter over frequency; its mean over frequency is filtered over time and added to it."""

    def __init__(self, reads: int, units: int, stride: int, dilation: int, banded: bool) -> None:
        super().__init__()
        self.widen = conv_norm(reads, units) if reads != units else None
        self.frequency = nn.Conv2d(units, units, (3, 1), (stride, 1), (1, 0), groups=units, bias=False)
        self.norm = SubSpectralNorm(units) if banded else nn.BatchNorm2d(units)
        self.mean = nn.AdaptiveAvgPool2d((1, None))
        time = nn.Conv2d(units, units, (1, 3), 1, (0, dilation), (1, dilation), units, bias=False)
        mixed = nn.Conv2d(units, units, 1, bias=False)
        self.time = nn.Sequential(time, nn.BatchNorm2d(units), nn.SiLU(), mixed, nn.Dropout2d(0.1))
        self.act = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        y = self.norm(self.frequency(self.widen(x) if self.widen else x))
        y = y + self.time(self.mean(y))
        return self.act(y if self.widen else y + x)


def bc_resnet1(classes: int, banded: bool) -> nn.Module:
    layers: list[nn.Module] = [
        nn.Conv2d(1, 16, 5, (2, 1), 2, bias=False), nn.BatchNorm2d(16), nn.ReLU(inplace=True)
    ]  # fmt: skip
    reads = 16
    for stage, (units, blocks, halved) in enumerate(STAGES):
        for i in range(blocks):
            layers.append(Block(reads, units, 2 if halved and i == 0 else 1, 2**stage, banded))
            reads = units
    last = nn.Conv2d(20, 20, 5, padding=(0, 2), groups=20, bias=False), conv_norm(20, 32)
    return nn.Sequential(*layers, *last, nn.AdaptiveAvgPool2d(1), nn.Conv2d(32, classes, 1), nn.Flatten())


ENTRIES = (
    Architecture("BC-ResNet-1, plain norms", "arXiv 2106.04140", lambda: bc_resnet1(12, False), (1, 40, 101)),
    Architecture(
        "BC-ResNet-1", "arXiv 2106.04140", lambda: bc_resnet1(12, True), (1, 40, 101),
        Published(lambda: bc_resnet1(12, True), (1, 40, 101), 9.2e3), refused="parts of rows",
    ),
)  # fmt: skip
