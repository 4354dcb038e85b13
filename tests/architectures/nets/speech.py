"""Speech over time: TC-ResNet8 (arXiv 1904.03814), MatchboxNet, QuartzNet, and CRNN (arXiv 1711.07128)."""

from torch import Tensor, nn

from tests.architectures.architecture import Architecture, Published
from tests.architectures.nets.blocks import RELU, Activation, Residual, conv_norm_1d

MFCC = (40, 98)
"""Coefficients, which are channels, and frames."""


def mean_head(units: int, classes: int) -> nn.Sequential:
    return nn.Sequential(nn.AdaptiveAvgPool1d(1), nn.Flatten(), nn.Linear(units, classes))


def tc_resnet8(classes: int) -> nn.Module:
    layers: list[nn.Module] = [nn.Conv1d(40, 16, 3, padding=1, bias=False)]
    for reads, units in ((16, 24), (24, 32), (32, 48)):
        body = nn.Sequential(conv_norm_1d(reads, units, 9, 2), conv_norm_1d(units, units, 9, act=None))
        layers.append(Residual(body, conv_norm_1d(reads, units, 1, 2)))
    return nn.Sequential(*layers, mean_head(48, classes))


def separable(
    reads: int, units: int, kernel: int, stride: int = 1, dilation: int = 1, act: Activation | None = RELU
) -> list[nn.Module]:
    """Return a depthwise and a pointwise convolution over time, a norm, and an activation if given."""
    padding = kernel // 2 * dilation
    depthwise = nn.Conv1d(reads, reads, kernel, stride, padding, dilation, groups=reads, bias=False)
    return [depthwise, *conv_norm_1d(reads, units, act=act)]


def residual(reads: int, units: int, kernel: int, repeats: int) -> nn.Module:
    """Return a block of MatchboxNet and QuartzNet: separable convolutions beside a pointwise one."""
    body = separable(reads, units, kernel, act=RELU if repeats > 1 else None)
    for i in range(1, repeats):
        body += separable(units, units, kernel, act=RELU if i < repeats - 1 else None)
    return Residual(nn.Sequential(*body), conv_norm_1d(reads, units, act=None))


def matchboxnet(classes: int) -> nn.Module:
    """Return MatchboxNet-3x1x64 (arXiv 2004.08531)."""
    blocks = residual(128, 64, 13, 1), residual(64, 64, 15, 1), residual(64, 64, 17, 1)
    ends = *separable(64, 128, 29, dilation=2), conv_norm_1d(128, 128), nn.Conv1d(128, classes, 1)
    pooled = nn.AdaptiveAvgPool1d(1), nn.Flatten()
    return nn.Sequential(*separable(64, 128, 11, 2), *blocks, *ends, *pooled)


def quartznet(width: float, letters: int) -> nn.Module:
    """Return QuartzNet-5x5 (arXiv 1910.10261): a letter for every second frame."""
    narrow, wide = int(256 * width), int(512 * width)
    layers, reads = [*separable(64, narrow, 33, 2)], narrow
    for units, kernel in ((narrow, 33), (narrow, 39), (wide, 51), (wide, 63), (wide, 75)):
        layers.append(residual(reads, units, kernel, 5))
        reads = units
    layers += [*separable(wide, wide, 87, dilation=2), conv_norm_1d(wide, 2 * wide)]
    return nn.Sequential(*layers, nn.Conv1d(2 * wide, letters, 1))


class Crnn(nn.Module):
    """Convolution, two recurrent layers of gated units, and a hidden layer."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.conv = nn.Sequential(nn.Conv2d(1, 48, (10, 4), 2), nn.BatchNorm2d(48), nn.ReLU())
        self.recurrent = nn.GRU(192, 60, 2, batch_first=True, bidirectional=True)
        self.head = nn.Sequential(nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, classes))

    def forward(self, x: Tensor) -> Tensor:
        y = self.conv(x).permute(0, 2, 1, 3).flatten(2)
        return self.head(self.recurrent(y)[0][:, -1])


ENTRIES = (
    Architecture(
        "TC-ResNet8", "arXiv 1904.03814", lambda: tc_resnet8(12), MFCC,
        Published(lambda: tc_resnet8(12), MFCC, 66e3, 1.5e6),  # 3 M operations
    ),
    Architecture(
        "MatchboxNet-3x1x64", "arXiv 2004.08531", lambda: matchboxnet(12), (64, 128),
        Published(lambda: matchboxnet(30), (64, 128), 77e3),
    ),
    Architecture(
        "QuartzNet-5x5 0.25", "arXiv 1910.10261", lambda: quartznet(0.25, 29), (64, 64),
        Published(lambda: quartznet(1.0, 29), (64, 64), 6.7e6),
    ),
    Architecture("CRNN", "arXiv 1711.07128", lambda: Crnn(12), (1, 49, 10), refused="GRU"),
)  # fmt: skip
