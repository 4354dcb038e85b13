"""Transformers: ViT (arXiv 2010.11929) and keyword transformers (arXiv 2104.00769)."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from tests.architectures.architecture import Architecture, Published


@dataclass(frozen=True)
class Size:
    """Sizes of a transformer."""

    units: int
    heads: int
    head: int
    """Units of a head."""
    hidden: int
    depth: int
    first: bool = True
    """Whether norms come first, as in ViT, or after each sum."""
    bias: bool = True
    """Whether queries, keys and values have biases."""


class Attention(nn.Module):
    """Attention of several heads, spelled out."""

    def __init__(self, size: Size) -> None:
        super().__init__()
        inside = size.heads * size.head
        self.heads, self.head, self.scale = size.heads, size.head, size.head**-0.5
        self.qkv, self.proj = nn.Linear(size.units, 3 * inside, size.bias), nn.Linear(inside, size.units)

    def forward(self, x: Tensor) -> Tensor:
        n, tokens, _ = x.shape
        qkv = self.qkv(x).reshape(n, tokens, 3, self.heads, self.head).permute(2, 0, 3, 1, 4)
        q, k, v = qkv[0], qkv[1], qkv[2]
        weights = ((q @ k.transpose(-2, -1)) * self.scale).softmax(-1)
        return self.proj((weights @ v).transpose(1, 2).reshape(n, tokens, self.heads * self.head))


class Block(nn.Module):
    """Attention and a dense net, each beside a shortcut."""

    def __init__(self, size: Size) -> None:
        super().__init__()
        self.norm1, self.attention = nn.LayerNorm(size.units, 1e-6), Attention(size)
        self.norm2, self.first = nn.LayerNorm(size.units, 1e-6), size.first
        hidden = nn.Linear(size.units, size.hidden), nn.GELU(), nn.Linear(size.hidden, size.units)
        self.mlp = nn.Sequential(*hidden)

    def forward(self, x: Tensor) -> Tensor:
        if self.first:
            x = x + self.attention(self.norm1(x))
            return x + self.mlp(self.norm2(x))
        x = self.norm1(x + self.attention(x))
        return self.norm2(x + self.mlp(x))


class Trunk(nn.Module):
    """Class token, position embedding and blocks over tokens [N, tokens, units]."""

    def __init__(self, tokens: int, size: Size, classes: int) -> None:
        super().__init__()
        self.token = nn.Parameter(torch.randn(1, 1, size.units) * 0.02)
        self.position = nn.Parameter(torch.randn(1, tokens + 1, size.units) * 0.02)
        self.blocks = nn.Sequential(*[Block(size) for _ in range(size.depth)])
        self.norm, self.head = nn.LayerNorm(size.units, 1e-6), nn.Linear(size.units, classes)

    def forward(self, x: Tensor) -> Tensor:
        y = torch.cat([self.token.expand(x.shape[0], -1, -1), x], 1) + self.position
        return self.head(self.norm(self.blocks(y))[:, 0])


class ViT(nn.Module):
    """A vision transformer over square patches."""

    def __init__(self, side: int, patch: int, size: Size, classes: int) -> None:
        super().__init__()
        self.patches = nn.Conv2d(3, size.units, patch, patch)
        self.trunk = Trunk((side // patch) ** 2, size, classes)

    def forward(self, x: Tensor) -> Tensor:
        return self.trunk(self.patches(x).flatten(2).transpose(1, 2))


def vit_ti(side: int, patch: int, classes: int) -> nn.Module:
    return ViT(side, patch, Size(192, 3, 64, 768, 12), classes)


class KeywordTransformer(nn.Module):
    """A transformer over frames of MFCC, [N, coefficients, frames]."""

    def __init__(self, coefficients: int, frames: int, size: Size, classes: int) -> None:
        super().__init__()
        self.embed, self.trunk = nn.Linear(coefficients, size.units), Trunk(frames, size, classes)

    def forward(self, x: Tensor) -> Tensor:
        return self.trunk(self.embed(x.transpose(1, 2)))


def kwt_1(classes: int) -> nn.Module:
    return KeywordTransformer(40, 98, Size(64, 1, 64, 256, 12, False, False), classes)


def kwt_tiny() -> nn.Module:
    return KeywordTransformer(16, 26, Size(12, 1, 8, 24, 1, False, False), 2)


IMAGENET = (3, 224, 224)
TI = Published(lambda: vit_ti(224, 16, 1000), IMAGENET, 5_717_416, 1.26e9)
ENTRIES = (
    Architecture("ViT-Ti/4, 32 x 32", "arXiv 2010.11929", lambda: vit_ti(32, 4, 10), (3, 32, 32), TI),
    Architecture("ViT-Ti/16, 96 x 96", "arXiv 2010.11929", lambda: vit_ti(96, 16, 10), (3, 96, 96), TI),
    Architecture(
        "Keyword transformer KWT-1", "arXiv 2104.00769", lambda: kwt_1(12), (40, 98),
        Published(lambda: kwt_1(35), (40, 98), 607e3),
    ),
    Architecture(
        "KWT-Tiny", "arXiv 2407.16026", kwt_tiny, (16, 26), Published(kwt_tiny, (16, 26), 1_646),
        budgets=(0.4, 0.7, 1.0),
    ),
)  # fmt: skip
