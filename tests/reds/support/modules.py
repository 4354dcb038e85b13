"""Torch modules as users write them, and the proof that an elastic net computes the same."""

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from reds.elastic.from_module import from_module
from reds.elastic.layers import units_last
from reds.elastic.net import ElasticNet


class Block(nn.Module):
    """Two convolutions beside a shortcut, as torchvision writes them: stride 2 pads all four sides."""

    def __init__(self, reads: int, units: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(reads, units, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(units)
        self.conv2 = nn.Conv2d(units, units, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(units)
        self.relu = nn.ReLU(inplace=True)
        self.shortcut = nn.Sequential()
        if stride > 1 or reads != units:
            self.shortcut = nn.Sequential(nn.Conv2d(reads, units, 1, stride), nn.BatchNorm2d(units))

    def forward(self, x: Tensor) -> Tensor:
        y = self.relu(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        y += self.shortcut(x)
        return self.relu(y)


class Residual(nn.Module):
    """A residual net that has a depthwise layer, a pool of each kind, dropout, and two dense layers."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 16, 3, padding=1), nn.BatchNorm2d(16, eps=1e-2), nn.ReLU())
        self.blocks = nn.Sequential(Block(16, 16, 1), Block(16, 24, 2), Block(24, 24, 1))
        self.depthwise = nn.Conv2d(24, 24, (3, 5), padding="same", groups=24)
        self.pointwise = nn.Conv2d(24, 32, 1)
        self.dropout = nn.Dropout(0.2)
        self.hidden, self.norm = nn.Linear(32, 20), nn.BatchNorm1d(20)
        self.classes = nn.Linear(20, 4)

    def forward(self, x: Tensor) -> Tensor:
        x = self.blocks(F.max_pool2d(self.stem(x), 2))
        x = F.relu(self.depthwise(x)) + x
        x = self.pointwise(x).relu().mean((2, 3))
        x = F.relu(self.norm(self.hidden(self.dropout(x.view(x.size(0), -1)))))
        return self.classes(F.dropout(x, 0.1, self.training))


class Calls(nn.Module):
    """A forward of one function, and the layers that it calls."""

    def __init__(self, forward: Callable[..., Any], **layers: nn.Module) -> None:
        super().__init__()
        self.by = forward
        for name, layer in layers.items():
            setattr(self, name, layer)

    def forward(self, x: Tensor) -> Any:
        return self.by(self, x)


def conv(reads: int = 3, units: int = 4, **more: Any) -> nn.Conv2d:
    return nn.Conv2d(reads, units, 3, padding=1, **more)


def head(x: Tensor) -> Tensor:
    return x.flatten(1)


@torch.no_grad()
def stirred(module: nn.Module, seed: int = 0) -> nn.Module:
    """Norms with statistics and affines of their own; in training mode, as a user may have it."""
    torch.manual_seed(seed)
    for norm in module.modules():
        if isinstance(norm, nn.BatchNorm1d | nn.BatchNorm2d):
            for value in (norm.running_mean, norm.weight, norm.bias):
                if value is not None:
                    value.copy_(torch.randn(len(value)))
            assert norm.running_var is not None
            norm.running_var.copy_(torch.rand(norm.num_features) + 0.1)
    return module.train()


def flat(result: Any) -> Tensor:
    """All outputs of a module side by side, [N, outputs] in torch's order."""
    if isinstance(result, Tensor):
        return result.flatten(1)
    inside = result.values() if isinstance(result, dict) else result
    return torch.cat([flat(each) for each in inside], 1)


@torch.no_grad()
def same_function(module: nn.Module, *shape: int) -> ElasticNet:
    """The module as an elastic net, which computes what it does."""
    torch.manual_seed(0)
    net = from_module(stirred(module), shape)
    x = torch.randn(5, *shape)
    expected, ours = flat(module.eval()(x)), net(units_last(x), 0)
    assert ours.shape == expected.shape
    assert float((ours - expected).abs().max()) <= 1e-5 * float(expected.abs().max())
    return net


def blobs(n: int, seed: int) -> tuple[Tensor, Tensor]:
    """Images of four classes that differ in where they are bright."""
    torch.manual_seed(seed)
    y = torch.arange(n) % 4
    x = 0.5 * torch.randn(n, 3, 12, 12)
    for k in range(4):
        x[y == k, :, 6 * (k // 2) : 6 * (k // 2) + 6, 6 * (k % 2) : 6 * (k % 2) + 6] += 1
    return x, y
