"""Transformers: ViT (arXiv 2010.11929) and the keyword transformer (arXiv 2104.00769)."""

import torch
from torch import Tensor, nn

from tests.architectures.architecture import Architecture, Published


class Attention(nn.Module):
    """Attention of several heads, spelled out."""

    def __init__(self, units: int, heads: int) -> None:
        super().__init__()
        self.heads, self.scale = heads, (units // heads) ** -0.5
        self.qkv, self.proj = nn.Linear(units, 3 * units), nn.Linear(units, units)

    def forward(self, x: Tensor) -> Tensor:
        n, tokens, units = x.shape
        qkv = self.qkv(x).reshape(n, tokens, 3, self.heads, units // self.heads).permute(2, 0, 3, 1, 4)
        q, k, v = qkv[0], qkv[1], qkv[2]
        weights = ((q @ k.transpose(-2, -1)) * self.scale).softmax(-1)
        return self.proj((weights @ v).transpose(1, 2).reshape(n, tokens, units))


class Block(nn.Module):
    """Attention and a dense net; their norms come first, as in ViT, or after each sum."""

    def __init__(self, units: int, heads: int, hidden: int, first: bool) -> None:
        super().__init__()
        self.norm1, self.attention = nn.LayerNorm(units, 1e-6), Attention(units, heads)
        self.norm2, self.first = nn.LayerNorm(units, 1e-6), first
        self.mlp = nn.Sequential(nn.Linear(units, hidden), nn.GELU(), nn.Linear(hidden, units))

    def forward(self, x: Tensor) -> Tensor:
        if self.first:
            x = x + self.attention(self.norm1(x))
            return x + self.mlp(self.norm2(x))
        x = self.norm1(x + self.attention(x))
        return self.norm2(x + self.mlp(x))


class Trunk(nn.Module):
    """Class token, position embedding and blocks over tokens [N, tokens, units]."""

    def __init__(
        self, tokens: int, units: int, heads: int, hidden: int, depth: int, first: bool, classes: int
    ) -> None:
        super().__init__()
        self.token = nn.Parameter(torch.randn(1, 1, units) * 0.02)
        self.position = nn.Parameter(torch.randn(1, tokens + 1, units) * 0.02)
        self.blocks = nn.Sequential(*[Block(units, heads, hidden, first) for _ in range(depth)])
        self.norm = nn.LayerNorm(units, 1e-6) if first else nn.Identity()
        self.head = nn.Linear(units, classes)

    def forward(self, x: Tensor) -> Tensor:
        y = torch.cat([self.token.expand(x.shape[0], -1, -1), x], 1) + self.position
        return self.head(self.norm(self.blocks(y))[:, 0])


class ViT(nn.Module):
    """A vision transformer over square patches."""

    def __init__(self, side: int, patch: int, units: int, heads: int, depth: int, classes: int) -> None:
        super().__init__()
        self.patches = nn.Conv2d(3, units, patch, patch)
        self.trunk = Trunk((side // patch) ** 2, units, heads, 4 * units, depth, True, classes)

    def forward(self, x: Tensor) -> Tensor:
        return self.trunk(self.patches(x).flatten(2).transpose(1, 2))


def vit_ti(side: int, patch: int, classes: int) -> nn.Module:
    return ViT(side, patch, 192, 3, 12, classes)


class KeywordTransformer(nn.Module):
    """A transformer over frames of MFCC, [N, coefficients, frames]."""

    def __init__(self, units: int, heads: int, hidden: int, depth: int, classes: int) -> None:
        super().__init__()
        self.embed = nn.Linear(40, units)
        self.trunk = Trunk(98, units, heads, hidden, depth, False, classes)

    def forward(self, x: Tensor) -> Tensor:
        return self.trunk(self.embed(x.transpose(1, 2)))


IMAGENET = (3, 224, 224)
TI = Published(lambda: vit_ti(224, 16, 1000), IMAGENET, 5_717_416, 1.26e9)
ENTRIES = (
    Architecture("ViT-Ti/4, 32 x 32", "arXiv 2010.11929", lambda: vit_ti(32, 4, 10), (3, 32, 32), TI),
    Architecture("ViT-Ti/16, 96 x 96", "arXiv 2010.11929", lambda: vit_ti(96, 16, 10), (3, 96, 96), TI),
    Architecture(
        "Keyword transformer KWT-1", "arXiv 2104.00769",
        lambda: KeywordTransformer(64, 1, 256, 12, 12), (40, 98),
        Published(lambda: KeywordTransformer(64, 1, 256, 12, 35), (40, 98), 607e3),
    ),
)  # fmt: skip
