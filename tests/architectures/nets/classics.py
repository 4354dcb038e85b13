"""LeNet5 (LeCun 1998) and VGG11 (arXiv 1409.1556): plain chains."""

from torch import nn

from tests.architectures.architecture import Architecture, Published


def lenet5() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2), nn.Tanh(), nn.AvgPool2d(2), nn.Conv2d(6, 16, 5), nn.Tanh(),
        nn.AvgPool2d(2), nn.Flatten(), nn.Linear(400, 120), nn.Tanh(), nn.Linear(120, 84), nn.Tanh(),
        nn.Linear(84, 10),
    )  # fmt: skip


VGG11 = (64, 0, 128, 0, 256, 256, 0, 512, 512, 0, 512, 512, 0)
"""Units of each convolution; 0 is a pool."""


def vgg11(width: float, side: int, hidden: int, classes: int) -> nn.Module:
    """Return VGG11 for pictures whose last pool leaves `side` x `side` positions."""
    layers: list[nn.Module] = []
    reads = 3
    for full in VGG11:
        if full:
            units = int(full * width)
            layers += [nn.Conv2d(reads, units, 3, padding=1), nn.ReLU(inplace=True)]
            reads = units
        else:
            layers.append(nn.MaxPool2d(2))
    layers += [nn.Flatten(), nn.Linear(reads * side**2, hidden), nn.ReLU(), nn.Dropout()]
    layers += [nn.Linear(hidden, hidden), nn.ReLU(), nn.Dropout(), nn.Linear(hidden, classes)]
    return nn.Sequential(*layers)


ENTRIES = (
    Architecture(
        "LeNet5", "LeCun 1998", lenet5, (1, 28, 28), Published(lenet5, (1, 28, 28), 61_706, 416_520)
    ),
    Architecture(
        "VGG11 0.25", "arXiv 1409.1556", lambda: vgg11(0.25, 1, 128, 10), (3, 32, 32),
        Published(lambda: vgg11(1.0, 7, 4096, 1000), (3, 224, 224), 132_863_336, 7.61e9),
    ),
)  # fmt: skip
