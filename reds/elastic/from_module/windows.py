"""Read the geometry of torch's convolutions and pools, which give one number or a pair."""

from typing import Any

from torch import nn

from reds.graph import Padding
from reds.pack.model import Kind


def pair(value: Any) -> tuple[int, int]:
    """Return rows and columns as two numbers, from torch's one number or pair."""
    down, across = value if isinstance(value, tuple | list) else (value, value)
    return int(down), int(across)


def pool_kind(module: nn.Module) -> Kind:
    """Return the layer kind of a pooling module."""
    return Kind.MAX_POOL if isinstance(module, nn.MaxPool2d | nn.AdaptiveMaxPool2d) else Kind.AVERAGE_POOL


def padding(module: nn.Conv2d) -> Padding:
    """Return a convolution's padding at top, left, bottom and right; `same` has the smaller half first."""
    if module.padding == "same":
        down, across = pair(module.kernel_size)
        return (down - 1) // 2, (across - 1) // 2, down // 2, across // 2
    return pair(0 if module.padding == "valid" else module.padding) * 2
