"""Small Inception for 28 x 28 crops of CIFAR-10 (arXiv 1611.03530, figure 3)."""

from torch import nn

from tests.architectures.architecture import Architecture, Published
from tests.architectures.nets.blocks import Beside, pooled_head


def conv(reads: int, units: int, kernel: int, stride: int = 1, padding: int = 0) -> nn.Sequential:
    layer = nn.Conv2d(reads, units, kernel, stride, padding)
    return nn.Sequential(layer, nn.BatchNorm2d(units), nn.ReLU(inplace=True))


WIDTHS = (((32, 32), (32, 48)), ((112, 48), (96, 64), (80, 80), (48, 96)), ((176, 160), (176, 160)))
"""Units of 1 x 1 and of 3 x 3 in each module; a stage after the first one begins by halving the sides."""
DOWN = (80, 96)


def small_inception(classes: int, share: int = 1) -> nn.Module:
    """Return the network with 1 / share of the paper's units."""
    reads = 96 // share
    layers: list[nn.Module] = [conv(3, reads, 3, padding=1)]
    for stage, modules in enumerate(WIDTHS):
        if stage:
            units = DOWN[stage - 1] // share
            layers.append(Beside(conv(reads, units, 3, 2, 1), nn.MaxPool2d(3, 2, 1)))
            reads += units
        for one, three in modules:
            one, three = one // share, three // share
            layers.append(Beside(conv(reads, one, 1), conv(reads, three, 3, padding=1)))
            reads = one + three
    return nn.Sequential(*layers, pooled_head(reads, classes))


SHAPE = (3, 28, 28)
ENTRIES = (
    Architecture(
        "Small Inception", "arXiv 1611.03530", lambda: small_inception(10), SHAPE,
        Published(lambda: small_inception(10), SHAPE, 1_649_402),
    ),
)  # fmt: skip
