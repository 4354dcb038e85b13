"""PointNet without its transforms (arXiv 1612.00593): a dense net for each point, then the maximum."""

from itertools import pairwise

from torch import Tensor, nn

from tests.architectures.architecture import Architecture, Published
from tests.architectures.nets.blocks import conv_norm_1d


class PointNet(nn.Module):
    """Class of a cloud of points, [N, 3, points]."""

    def __init__(self, width: float, classes: int) -> None:
        super().__init__()
        sides = [3, *(int(units * width) for units in (64, 64, 64, 128, 1024))]
        self.points = nn.Sequential(*[conv_norm_1d(a, b) for a, b in pairwise(sides)])
        hidden = [sides[-1], int(512 * width), int(256 * width)]
        layers: list[nn.Module] = []
        for reads, units in pairwise(hidden):
            layers += [nn.Linear(reads, units), nn.BatchNorm1d(units), nn.ReLU()]
        self.head = nn.Sequential(*layers, nn.Dropout(0.3), nn.Linear(hidden[-1], classes))

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.points(x).amax(2))


ENTRIES = (
    Architecture(
        "PointNet 0.25", "arXiv 1612.00593", lambda: PointNet(0.25, 10), (3, 128),
        Published(lambda: PointNet(1.0, 40), (3, 1024), 0.8e6, 148e6, within=0.03),
    ),
)  # fmt: skip
