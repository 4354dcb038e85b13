"""SqueezeNet 1.1 (arXiv 1602.07360): fire modules."""

from torch import nn

from tests.architectures.architecture import Architecture, Published
from tests.architectures.nets.blocks import Beside


def conv(reads: int, units: int, kernel: int = 1, stride: int = 1, padding: int = 0) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(reads, units, kernel, stride, padding), nn.ReLU(inplace=True))


def fire(reads: int, squeezed: int, expanded: int) -> nn.Sequential:
    beside = Beside(conv(squeezed, expanded), conv(squeezed, expanded, 3, padding=1))
    return nn.Sequential(conv(reads, squeezed), beside)


def squeezenet(classes: int) -> nn.Module:
    def pool() -> nn.Module:
        return nn.MaxPool2d(3, 2, ceil_mode=True)

    return nn.Sequential(
        conv(3, 64, 3, 2), pool(), fire(64, 16, 64), fire(128, 16, 64), pool(), fire(128, 32, 128),
        fire(256, 32, 128), pool(), fire(256, 48, 192), fire(384, 48, 192), fire(384, 64, 256),
        fire(512, 64, 256), nn.Dropout(0.5), conv(512, classes), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
    )  # fmt: skip


ENTRIES = (
    Architecture(
        "SqueezeNet 1.1", "arXiv 1602.07360", lambda: squeezenet(10), (3, 60, 60),
        Published(lambda: squeezenet(1000), (3, 224, 224), 1_235_496, 349e6),
    ),
)  # fmt: skip
