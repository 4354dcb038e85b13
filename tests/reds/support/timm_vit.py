"""A vision transformer with the names and the arithmetic of timm's, from its published description."""

import torch
import torch.nn.functional as F  # noqa: N812, the field's name for it
from torch import Tensor, nn


class Attention(nn.Module):
    def __init__(self, units: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv, self.proj = nn.Linear(units, 3 * units), nn.Linear(units, units)

    def forward(self, x: Tensor) -> Tensor:
        n, tokens, units = x.shape
        q, k, v = self.qkv(x).reshape(n, tokens, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        weights = (q @ k.transpose(2, 3) * (units // self.heads) ** -0.5).softmax(3)
        attended: Tensor = self.proj((weights @ v).transpose(1, 2).reshape(n, tokens, units))
        return attended


class Mlp(nn.Module):
    def __init__(self, units: int, hidden: int) -> None:
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(units, hidden), nn.Linear(hidden, units)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.fc2(F.gelu(self.fc1(x)))
        return y


class Block(nn.Module):
    def __init__(self, units: int, heads: int, hidden: int) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(units, 1e-6), nn.LayerNorm(units, 1e-6)
        self.attn, self.mlp = Attention(units, heads), Mlp(units, hidden)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attn(self.norm1(x))
        y: Tensor = x + self.mlp(self.norm2(x))
        return y


class PatchEmbed(nn.Module):
    def __init__(self, channels: int, units: int, patch: int) -> None:
        super().__init__()
        self.proj = nn.Conv2d(channels, units, patch, patch)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.proj(x).flatten(2).transpose(1, 2)
        return y


class TimmVit(nn.Module):
    """Reads [N, channels, side, side]; all parameters are random, also those that timm starts at 0."""

    def __init__(
        self, side: int, patch: int, units: int, heads: int, hidden: int, blocks: int, classes: int
    ) -> None:
        super().__init__()
        self.cls_token = nn.Parameter(torch.zeros(1, 1, units))
        self.pos_embed = nn.Parameter(torch.zeros(1, 1 + (side // patch) ** 2, units))
        self.patch_embed = PatchEmbed(3, units, patch)
        self.blocks = nn.Sequential(*(Block(units, heads, hidden) for _ in range(blocks)))
        self.norm, self.head = nn.LayerNorm(units, 1e-6), nn.Linear(units, classes)

    def forward(self, x: Tensor) -> Tensor:
        x = self.patch_embed(x)
        x = torch.cat([self.cls_token.expand(len(x), -1, -1), x], 1) + self.pos_embed
        y: Tensor = self.head(self.norm(self.blocks(x))[:, 0])
        return y


@torch.no_grad()
def randomize(module: nn.Module, seed: int = 0) -> None:
    """Give every parameter random values that keep activations at a sane scale."""
    generator = torch.Generator().manual_seed(seed)
    for value in module.parameters():
        value.normal_(0, value.shape[1] ** -0.5 if value.ndim == 2 else 0.3, generator=generator)
    for part in module.modules():
        if isinstance(part, nn.LayerNorm):
            part.weight.add_(1)
