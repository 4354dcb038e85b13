"""MLP-Mixer (arXiv 2105.01601): dense layers over positions and over channels in turn."""

from torch import Tensor, nn

from tests.architectures.architecture import Architecture, Published


def dense(units: int, hidden: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(units, hidden), nn.GELU(), nn.Linear(hidden, units))


class Block(nn.Module):
    def __init__(self, tokens: int, units: int, over_tokens: int, over_units: int) -> None:
        super().__init__()
        self.norm1, self.tokens = nn.LayerNorm(units), dense(tokens, over_tokens)
        self.norm2, self.units = nn.LayerNorm(units), dense(units, over_units)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.tokens(self.norm1(x).transpose(1, 2)).transpose(1, 2)
        return x + self.units(self.norm2(x))


class Mixer(nn.Module):
    """Mixer over square patches."""

    def __init__(
        self, side: int, patch: int, units: int, depth: int, over_tokens: int, over_units: int, classes: int
    ) -> None:
        super().__init__()
        self.patches = nn.Conv2d(3, units, patch, patch)
        tokens = (side // patch) ** 2
        self.blocks = nn.Sequential(*[Block(tokens, units, over_tokens, over_units) for _ in range(depth)])
        self.norm, self.head = nn.LayerNorm(units), nn.Linear(units, classes)

    def forward(self, x: Tensor) -> Tensor:
        y = self.patches(x).flatten(2).transpose(1, 2)
        return self.head(self.norm(self.blocks(y)).mean(1))


ENTRIES = (
    Architecture(
        "MLP-Mixer, 64 units", "arXiv 2105.01601", lambda: Mixer(32, 4, 64, 4, 32, 256, 10), (3, 32, 32),
        Published(lambda: Mixer(224, 16, 512, 8, 256, 2048, 1000), (3, 224, 224), 18.53e6, 3.78e9),
    ),
)  # fmt: skip
