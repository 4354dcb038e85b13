"""Networks over time: M5 (arXiv 1610.00087), TCN (arXiv 1803.01271), a ResNet, and InceptionTime."""

import torch
from torch import Tensor, nn

from tests.architectures.architecture import Architecture, Published
from tests.architectures.nets.blocks import Residual, conv_norm_1d
from tests.architectures.nets.speech import mean_head


def m5(units: int, stride: int, classes: int) -> nn.Module:
    """Return M5: a window of 80 samples, then windows of 3, each with a pool of 4."""
    layers: list[nn.Module] = []
    reads = 1
    for written, kernel, step in ((units, 80, stride), (units, 3, 1), (2 * units, 3, 1), (4 * units, 3, 1)):
        conv = nn.Conv1d(reads, written, kernel, step)
        layers += [conv, nn.BatchNorm1d(written), nn.ReLU(), nn.MaxPool1d(4)]
        reads = written
    return nn.Sequential(*layers, mean_head(reads, classes))


class Chomp(nn.Module):
    """Cut the end, so that no output sees what comes later."""

    def __init__(self, cut: int) -> None:
        super().__init__()
        self.cut = cut

    def forward(self, x: Tensor) -> Tensor:
        return x[:, :, : -self.cut].contiguous()


def causal(reads: int, units: int, kernel: int, dilation: int) -> nn.Module:
    def conv(read: int) -> list[nn.Module]:
        padding = (kernel - 1) * dilation
        layer = nn.Conv1d(read, units, kernel, padding=padding, dilation=dilation)
        return [layer, Chomp(padding), nn.ReLU(), nn.Dropout(0.2)]

    shortcut = nn.Conv1d(reads, units, 1) if reads != units else None
    return Residual(nn.Sequential(*conv(reads), *conv(units)), shortcut)


class Tcn(nn.Module):
    """A temporal convolutional network whose last step gives the class; weight norms are folded."""

    def __init__(self, reads: int, units: int, kernel: int, levels: int, classes: int) -> None:
        super().__init__()
        self.tcn = nn.Sequential(*[causal(units if i else reads, units, kernel, 2**i) for i in range(levels)])
        self.head = nn.Linear(units, classes)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.tcn(x)[:, :, -1])


def same(reads: int, units: int, kernel: int) -> list[nn.Module]:
    return [nn.Conv1d(reads, units, kernel, padding="same"), nn.BatchNorm1d(units)]


def resnet_1d(reads: int, classes: int) -> nn.Module:
    """Return the ResNet of Wang: three blocks with windows of 8, 5 and 3."""
    layers = []
    for units in (64, 128, 128):
        body = *same(reads, units, 8), nn.ReLU(), *same(units, units, 5), nn.ReLU(), *same(units, units, 3)
        norm = nn.BatchNorm1d(units)
        shortcut = nn.Sequential(*same(reads, units, 1)) if reads != units else norm
        layers.append(Residual(nn.Sequential(*body), shortcut))
        reads = units
    return nn.Sequential(*layers, mean_head(reads, classes))


class InceptionModule(nn.Module):
    """Windows of 40, 20 and 10 steps, and a pool, side by side."""

    def __init__(self, reads: int, units: int) -> None:
        super().__init__()
        self.bottleneck = nn.Conv1d(reads, units, 1, bias=False)
        self.convs = nn.ModuleList(
            nn.Conv1d(units, units, kernel, padding="same", bias=False) for kernel in (40, 20, 10)
        )
        self.pool = nn.Sequential(nn.MaxPool1d(3, 1, 1), nn.Conv1d(reads, units, 1, bias=False))
        self.norm = nn.BatchNorm1d(4 * units)

    def forward(self, x: Tensor) -> Tensor:
        y = self.bottleneck(x)
        return torch.relu(self.norm(torch.cat([*[conv(y) for conv in self.convs], self.pool(x)], 1)))


def inception_time(reads: int, units: int, classes: int) -> nn.Module:
    layers = []
    for _ in range(2):
        body = [InceptionModule(reads if i == 0 else 4 * units, units) for i in range(3)]
        layers.append(Residual(nn.Sequential(*body), conv_norm_1d(reads, 4 * units, act=None)))
        reads = 4 * units
    return nn.Sequential(*layers, mean_head(reads, classes))


ENTRIES = (
    Architecture(
        "M5, 32 units", "arXiv 1610.00087", lambda: m5(32, 16, 12), (1, 8000),
        Published(lambda: m5(128, 4, 10), (1, 32000), 559e3),
    ),
    Architecture(
        "TCN", "arXiv 1803.01271", lambda: Tcn(3, 25, 7, 5, 6), (3, 128),
        Published(lambda: Tcn(1, 25, 7, 8, 10), (1, 784), 66e3, within=0.03),
    ),
    Architecture(
        "ResNet over time", "arXiv 1611.06455", lambda: resnet_1d(3, 6), (3, 128),
    ),
    Architecture("InceptionTime", "arXiv 1909.04939", lambda: inception_time(3, 32, 6), (3, 128)),
)  # fmt: skip
