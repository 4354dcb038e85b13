"""Small modules with each operation that a net of today has, spelled as users spell it."""

from collections.abc import Callable, Mapping
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from tests.reds.support.modules import Calls, conv

Case = tuple[Callable[[], nn.Module], tuple[int, ...]]
CONV = {"a": conv}
PICTURE = (3, 8, 6)


def calls(
    forward: Callable[..., Any], shape: tuple[int, ...] = PICTURE, **layers: Callable[[], nn.Module]
) -> Case:
    """A forward of one function, and the makers of its layers."""
    return lambda: Calls(forward, **{name: make() for name, make in layers.items()}), shape


def acted(function: Callable[[Tensor], Tensor]) -> Case:
    """A function of single values after a convolution."""
    return calls(lambda m, x: function(m.a(x)), a=conv)


def module(make: Callable[[], nn.Module], reads: int = 4) -> Case:
    """A module after a convolution."""
    return calls(lambda m, x: m.b(m.a(x)), a=lambda: conv(3, reads), b=make)


def series(
    forward: Callable[..., Any], shape: tuple[int, ...] = (4, 12), **layers: Callable[[], nn.Module]
) -> Case:
    """A forward over a time series."""
    return calls(forward, shape, **layers)


def chomped(m: Any, x: Tensor) -> Tensor:
    """A causal convolution that pads both ends and cuts the last ones."""
    return m.b(F.relu(m.a(x)[:, :, :-4]))[..., -1]


def squeezed(x: Tensor, m: Any) -> Tensor:
    """The gates of squeeze-excite, of torchvision."""
    return torch.sigmoid(m.up(F.relu(m.down(F.adaptive_avg_pool2d(x, 1)))))


class Linears(nn.Module):
    """Squeeze-excite with linear layers, `view` and `expand_as`."""

    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Sequential(nn.Linear(4, 2), nn.ReLU(), nn.Linear(2, 4), nn.Sigmoid())

    def forward(self, x: Tensor) -> Tensor:
        b, c, _, _ = x.size()
        return x * self.fc(x.mean((2, 3)).view(b, c)).view(b, c, 1, 1).expand_as(x)


SE = {"a": conv, "down": lambda: nn.Conv2d(4, 2, 1), "up": lambda: nn.Conv2d(2, 4, 1)}

ACTIVATIONS: Mapping[str, Case] = {
    "hardswish": module(nn.Hardswish),
    "hardswish spelled": acted(lambda y: y * F.relu6(y + 3) / 6),
    "hardswish with a module": acted(lambda y: y * F.hardsigmoid(y)),
    "silu": module(nn.SiLU),
    "silu spelled": acted(lambda y: y * torch.sigmoid(y)),
    "gelu": module(nn.GELU),
    "gelu by tanh": module(lambda: nn.GELU("tanh")),
    "gelu spelled": acted(lambda y: 0.5 * y * (1 + torch.erf(y / 2**0.5))),
    "sigmoid": acted(lambda y: y.sigmoid()),
    "tanh": acted(torch.tanh),
    "hard sigmoid": acted(lambda y: F.relu6(y + 3) / 6),
    "hard tanh": module(nn.Hardtanh),
    "leaky relu": module(lambda: nn.LeakyReLU(0.2)),
    "elu": module(lambda: nn.ELU(0.7)),
    "selu": module(nn.SELU),
    "softplus": acted(F.softplus),
    "mish": module(nn.Mish),
    "mish spelled": acted(lambda y: y * torch.tanh(F.softplus(y))),
    "prelu": module(nn.PReLU),
    "prelu per channel": module(lambda: nn.PReLU(4)),
    "quick gelu": acted(lambda y: y * torch.sigmoid(1.702 * y)),
    "an activation that is read twice": calls(lambda m, x: (y := m.a(x)) + F.silu(y), a=conv),
    "two activations": acted(lambda y: F.silu(F.relu(y))),
    "after a max pool": acted(lambda y: F.hardswish(F.max_pool2d(y, 2))),
    "relu of the input": calls(lambda m, x: m.a(F.relu(x)) + m.a(F.relu6(x)), a=conv),
}

CONVOLUTIONS: Mapping[str, Case] = {
    "groups": module(lambda: nn.Conv2d(4, 6, 3, groups=2)),
    "depth multiplier": module(lambda: nn.Conv2d(4, 8, 3, padding=1, groups=4)),
    "dilation": module(lambda: nn.Conv2d(4, 5, 3, padding=2, dilation=2)),
    "same": module(lambda: nn.Conv2d(4, 5, (4, 3), padding="same", dilation=(1, 2))),
    "conv1d": series(lambda m, x: m.a(x), a=lambda: nn.Conv1d(4, 5, 3, 2, 1)),
    "conv1d groups": series(lambda m, x: m.a(x), a=lambda: nn.Conv1d(4, 6, 3, dilation=2, groups=2)),
    "pools 1d": series(
        lambda m, x: F.avg_pool1d(F.max_pool1d(m.a(x).relu(), 3, 2, 1), 2), a=lambda: nn.Conv1d(4, 5, 3)
    ),
    "padded pools": module(lambda: nn.Sequential(nn.MaxPool2d(3, 2, 1), nn.AvgPool2d(3, 1, 1))),
    "ceil": module(lambda: nn.MaxPool2d(3, 2, ceil_mode=True)),
    "pad 1d": series(lambda m, x: m.a(F.pad(x, (4, 0))), a=lambda: nn.Conv1d(4, 5, 3, dilation=2)),
    "pad before a max pool": acted(lambda y: F.max_pool2d(F.pad(F.relu(y), (0, 1, 0, 1)), 2, 2)),
    "constant pad": module(lambda: nn.Sequential(nn.ConstantPad2d(1, 0.0), nn.Conv2d(4, 5, 3))),
    "causal": series(
        chomped, a=lambda: nn.Conv1d(4, 5, 3, padding=4, dilation=2), b=lambda: nn.Conv1d(5, 3, 1)
    ),
    "transposed": module(lambda: nn.ConvTranspose2d(4, 5, 3, 2, 1, output_padding=1)),
    "transposed 1d": series(lambda m, x: m.a(x), a=lambda: nn.ConvTranspose1d(4, 5, 4, 2, 1)),
    "upsample": module(lambda: nn.Upsample(scale_factor=2)),
    "repeated rows": acted(lambda y: y.repeat_interleave(2, dim=2)),
    "repeated by expanding, units last": acted(
        lambda y: (
            y.permute(0, 2, 3, 1)[:, :, None, :, None].expand(-1, -1, 2, -1, 3, -1).reshape(-1, 16, 18, 4)
        )
    ),
    "repeated by expanding": acted(
        lambda y: y[:, :, :, None, :, None].expand(-1, -1, -1, 2, -1, 3).reshape(-1, 4, 16, 18)
    ),
    "padded with units last": calls(
        lambda m, x: m.b(F.pad(x.permute(0, 2, 3, 1), (0, 0, 1, 0, 0, 1)).permute(0, 3, 1, 2)),
        b=lambda: nn.Conv2d(3, 4, 3),
    ),
    "padded with the lowest number": acted(
        lambda y: F.max_pool2d(F.pad(y, (0, 1, 0, 1), value=-torch.inf), 2)
    ),
    "interpolate": acted(lambda y: F.interpolate(y, size=(16, 18))),
    "functional": calls(lambda m, x: F.conv2d(x, m.a.weight, m.a.bias, padding=1), a=conv),
    "option A": acted(lambda y: F.pad(y[:, :, ::2, ::2], (0, 0, 0, 0, 2, 2))),
    "a crop": acted(lambda y: F.relu(y)[:, :, 1:-1, 2:]),
    "adaptive over rows": module(lambda: nn.AdaptiveAvgPool2d((1, None))),
    "mean over rows": acted(lambda y: y + y.mean(2, keepdim=True)),
    "max over a series": series(lambda m, x: torch.max(m.a(x), 2)[0], a=lambda: nn.Conv1d(4, 5, 1)),
    "last step of rows": acted(lambda y: y[..., -1]),
    "a maximum's values": series(lambda m, x: m.a(x).max(dim=2).values, a=lambda: nn.Conv1d(4, 5, 1)),
    "gray to three channels": calls(
        lambda m, x: m.a(x.expand(-1, 3, -1, -1)) + m.a(x.repeat(1, 3, 1, 1)), (1, 8, 6), a=conv
    ),
    "one feature repeated": calls(
        lambda m, x: m.b(m.a(x).expand(-1, 4)), (6,), a=lambda: nn.Linear(6, 1), b=lambda: nn.Linear(4, 3)
    ),
    "conv1d after conv2d": calls(
        lambda m, x: m.b(m.a(x).squeeze(2)), a=lambda: nn.Conv2d(3, 4, (8, 1)), b=lambda: nn.Conv1d(4, 5, 3)
    ),
}


def channels_first(x: Tensor) -> Tensor:
    """A layer norm as ConvNeXt spells it."""
    u = x.mean(1, keepdim=True)
    s = (x - u).pow(2).mean(1, keepdim=True)
    return (x - u) / torch.sqrt(s + 1e-6)


NORMS: Mapping[str, Case] = {
    "layer norm spelled": calls(
        lambda m, x: m.g[:, None, None] * channels_first(m.a(x)) + 0.5,
        a=conv, g=lambda: nn.Parameter(torch.randn(4)),
    ),
    "layer norm by a variance": calls(
        lambda m, x: m.a(x) - 0.5 + (y := m.a(x).permute(0, 2, 3, 1), (y - y.mean(-1, keepdim=True))
        * torch.rsqrt(y.var(-1, unbiased=False, keepdim=True) + 1e-3))[1].movedim(-1, 1), a=conv,
    ),
    "a norm first": calls(lambda m, x: m.a(m.b(x)), a=conv, b=lambda: nn.BatchNorm2d(3)),
    "a norm after a relu": module(lambda: nn.Sequential(nn.ReLU(), nn.BatchNorm2d(4))),
    "pre-activation": calls(
        lambda m, x: (y := m.a(x)) + m.c(F.relu(m.b(y))),
        a=conv, b=lambda: nn.BatchNorm2d(4), c=lambda: conv(4, 4)
    ),
    "a norm of a series": series(
        lambda m, x: m.b(m.a(x)).relu(), a=lambda: nn.Conv1d(4, 5, 3), b=lambda: nn.BatchNorm1d(5)
    ),
    "layer norm": calls(
        lambda m, x: m.b(m.a(x).permute(0, 2, 3, 1)).permute(0, 3, 1, 2), a=conv, b=lambda: nn.LayerNorm(4)
    ),
    "layer norm and linear": calls(
        lambda m, x: m.c(m.b(m.a(x).flatten(2).transpose(1, 2))).mean(1),
        a=conv, b=lambda: nn.LayerNorm(4), c=lambda: nn.Linear(4, 5),
    ),
    "layer scale": calls(
        lambda m, x: x + m.gamma * m.a(x),
        a=lambda: conv(3, 3), gamma=lambda: nn.Parameter(torch.randn(3, 1, 1))
    ),
    "scaled input": calls(lambda m, x: m.a((x - 0.4) / 0.2), a=conv),
    "a constant of each channel": calls(
        lambda m, x: F.relu(m.a(x) * m.g) + m.g, a=conv, g=lambda: nn.Parameter(torch.randn(1, 4, 1, 1))
    ),
}  # fmt: skip

JOINS: Mapping[str, Case] = {
    "concat": calls(lambda m, x: m.b(torch.cat([m.a(x), x], 1)), a=conv, b=lambda: nn.Conv2d(7, 4, 1)),
    "concat of five": calls(lambda m, x: torch.cat([m.a(x), x, x, F.relu(x), m.a(x)], 1), a=conv),
    "squeeze-excite": calls(lambda m, x: (y := m.a(x)) * squeezed(y, m), **SE),
    "squeeze-excite, gates first": calls(lambda m, x: squeezed(y := m.a(x), m).mul(y), **SE),
    "squeeze-excite by linear layers": module(Linears),
    "product": calls(lambda m, x: m.a(x) * m.b(x), a=conv, b=conv),
    "difference": calls(lambda m, x: m.a(x) - m.b(x), a=conv, b=conv),
    "broadcast": calls(lambda m, x: m.a(x) + m.b(x).mean((2, 3), keepdim=True), a=conv, b=conv),
    "gated": calls(lambda m, x: F.glu(m.a(x), 1), a=lambda: conv(3, 8)),
    "split convolution": calls(
        lambda m, x: (p := m.a(x).chunk(2, 1))[0] * p[1].tanh(), a=lambda: conv(3, 8)
    ),
    "two heads": calls(
        lambda m, x: {"box": m.b(m.a(x)), "class": m.a(x).mean((2, 3))}, a=conv, b=lambda: conv(4, 2)
    ),
    "an autoencoder": calls(
        lambda m, x: m.c(F.relu(m.b(F.max_pool2d(m.a(x), 2)))),
        a=conv, b=lambda: nn.ConvTranspose2d(4, 4, 2, 2), c=lambda: conv(4, 3),
    ),
}  # fmt: skip


class Attention(nn.Module):
    """Attention as timm has it; `how` chooses the spelling."""

    def __init__(self, how: str, units: int = 12, heads: int = 3) -> None:
        super().__init__()
        self.how, self.heads = how, heads
        self.qkv, self.proj = nn.Linear(units, 3 * units), nn.Linear(units, units)

    def forward(self, x: Tensor) -> Tensor:
        b, n, c = x.shape
        d = c // self.heads
        if self.how == "chunks":
            q, k, v = (y.view(b, n, self.heads, d).transpose(1, 2) for y in self.qkv(x).chunk(3, dim=-1))
        else:
            q, k, v = self.qkv(x).reshape(b, n, 3, self.heads, d).permute(2, 0, 3, 1, 4).unbind(0)
        if self.how == "function":
            y = F.scaled_dot_product_attention(q, k, v)
        elif self.how == "scaled queries":
            y = (q * d**-0.5 @ k.transpose(-2, -1)).softmax(-1) @ v
        elif self.how == "another scale":
            y = (q @ k.mT).mul(0.3).softmax(dim=-1) @ v
        else:
            y = torch.matmul(F.softmax(torch.matmul(q, k.transpose(2, 3)) / d**0.5, dim=-1), v)
        return self.proj(y.transpose(1, 2).reshape(b, n, c))


class Tokens(nn.Module):
    """A small vision transformer: patches, a class token, position embeddings."""

    def __init__(self, token: bool = True) -> None:
        super().__init__()
        self.patch = nn.Conv2d(3, 12, 2, 2)
        self.token = nn.Parameter(torch.randn(1, 1, 12)) if token else None
        self.position = nn.Parameter(torch.randn(1, 12 + token, 12))
        self.norm1, self.attention = nn.LayerNorm(12), Attention("plain")
        self.norm2 = nn.LayerNorm(12, eps=1e-6)
        self.mlp = nn.Sequential(nn.Linear(12, 24), nn.GELU(), nn.Dropout(0.1), nn.Linear(24, 12))
        self.head = nn.Linear(12, 4)

    def forward(self, x: Tensor) -> Tensor:
        x = self.patch(x).flatten(2).transpose(1, 2)
        if self.token is not None:
            x = torch.cat((self.token.expand(x.shape[0], -1, -1), x), dim=1)
        x = x + self.position
        x = x + self.attention(self.norm1(x))
        x = x + self.mlp(self.norm2(x))
        return self.head(x[:, 0] if self.token is not None else x.mean(dim=1))


class Mixer(nn.Module):
    """A block of an MLP-Mixer."""

    def __init__(self) -> None:
        super().__init__()
        self.patch = nn.Conv2d(3, 8, 2, 2)
        self.norm1, self.tokens = (
            nn.LayerNorm(8),
            nn.Sequential(nn.Linear(12, 6), nn.GELU(), nn.Linear(6, 12)),
        )
        self.norm2, self.units = nn.LayerNorm(8), nn.Sequential(nn.Linear(8, 16), nn.GELU(), nn.Linear(16, 8))

    def forward(self, x: Tensor) -> Tensor:
        x = self.patch(x).flatten(2).transpose(1, 2)
        x = x + self.tokens(self.norm1(x).transpose(1, 2)).transpose(1, 2)
        return (x + self.units(self.norm2(x))).mean(1)


def encoder(**options: Any) -> nn.TransformerEncoderLayer:
    return nn.TransformerEncoderLayer(12, 3, 20, batch_first=True, **options)


TOKENS = (12, 7)


def tokens(make: Callable[[], nn.Module]) -> Case:
    """A module over tokens [N, 7, 12]."""
    return calls(lambda m, x: m.b(m.a(x.transpose(1, 2))), TOKENS, a=lambda: nn.Linear(12, 12), b=make)


ATTENTION: Mapping[str, Case] = {
    "plain": tokens(lambda: Attention("plain")),
    "function": tokens(lambda: Attention("function")),
    "chunks": tokens(lambda: Attention("chunks")),
    "scaled queries": tokens(lambda: Attention("scaled queries")),
    "another scale": tokens(lambda: Attention("another scale")),
    "one head": tokens(lambda: Attention("plain", heads=1)),
    "a module": calls(
        lambda m, x: m.a(x, x, x)[0], (7, 12), a=lambda: nn.MultiheadAttention(12, 3, batch_first=True)
    ),
    "a module, batch second": calls(
        lambda m, x: m.a(y := x.transpose(0, 1), y, y, need_weights=False)[0].transpose(0, 1), (7, 12),
        a=lambda: nn.MultiheadAttention(12, 3),
    ),
    "cross attention": calls(
        lambda m, x: m.a((y := x.transpose(1, 2))[:, :3], y, y)[0], TOKENS,
        a=lambda: nn.MultiheadAttention(12, 2, batch_first=True)
    ),
    "an encoder": tokens(encoder),
    "encoders with norms first": tokens(
        lambda: nn.TransformerEncoder(
            encoder(norm_first=True, activation="gelu"), 2, nn.LayerNorm(12), enable_nested_tensor=False
        )
    ),
    "a vision transformer": (Tokens, PICTURE),
    "a vision transformer without a class token": (lambda: Tokens(token=False), PICTURE),
    "a mixer": (Mixer, PICTURE),
}  # fmt: skip
