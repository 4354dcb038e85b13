"""Parts that many architectures share."""

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor, nn

Activation = Callable[[], nn.Module]
RELU: Activation = partial(nn.ReLU, inplace=True)
RELU6: Activation = partial(nn.ReLU6, inplace=True)


def divisible(units: float, by: int = 8) -> int:
    """Round units to a multiple, and not by more than a tenth down, as MobileNetV2 does."""
    rounded = max(by, int(units + by / 2) // by * by)
    return rounded + by if rounded < 0.9 * units else rounded


def conv_norm(
    reads: int, units: int, kernel: int = 1, stride: int = 1, groups: int = 1, act: Activation | None = RELU
) -> nn.Sequential:
    """Return a convolution that keeps the size at stride 1, a batch norm, and an activation if given."""
    conv = nn.Conv2d(reads, units, kernel, stride, kernel // 2, groups=groups, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(units), *([act()] if act else []))


def conv_norm_1d(
    reads: int, units: int, kernel: int = 1, stride: int = 1, groups: int = 1, dilation: int = 1,
    act: Activation | None = RELU,
) -> nn.Sequential:  # fmt: skip
    """Return the same over time."""
    conv = nn.Conv1d(
        reads, units, kernel, stride, kernel // 2 * dilation, dilation=dilation, groups=groups, bias=False
    )
    return nn.Sequential(conv, nn.BatchNorm1d(units), *([act()] if act else []))


class Residual(nn.Module):
    """A body beside a shortcut, and an activation of their sum."""

    def __init__(
        self, body: nn.Module, shortcut: nn.Module | None = None, act: Activation | None = RELU
    ) -> None:
        super().__init__()
        self.body, self.shortcut = body, shortcut or nn.Identity()
        self.act = act() if act else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        return self.act(self.body(x) + self.shortcut(x))


class Beside(nn.Module):
    """Branches side by side, their outputs concatenated."""

    def __init__(self, *branches: nn.Module) -> None:
        super().__init__()
        self.branches = nn.ModuleList(branches)

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([branch(x) for branch in self.branches], 1)


class SqueezeExcite(nn.Module):
    """Gates of channels from their means (arXiv 1709.01507)."""

    def __init__(
        self, units: int, squeezed: int, act: Activation = RELU, gate: Activation = nn.Sigmoid
    ) -> None:
        super().__init__()
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.squeeze, self.act = nn.Conv2d(units, squeezed, 1), act()
        self.excite, self.gate = nn.Conv2d(squeezed, units, 1), gate()

    def forward(self, x: Tensor) -> Tensor:
        return x * self.gate(self.excite(self.act(self.squeeze(self.pool(x)))))


def pooled_head(units: int, classes: int, dropout: float = 0.0) -> nn.Sequential:
    """Return the mean over positions and a linear layer."""
    drop = [nn.Dropout(dropout)] if dropout else []
    return nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), *drop, nn.Linear(units, classes))
