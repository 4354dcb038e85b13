"""Describe an architecture: the module that is run, and the variant whose counts are published."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

Shape = tuple[int, ...]
Make = Callable[[], nn.Module]
BUDGETS = (0.25, 0.5, 1.0)


@dataclass(frozen=True)
class Published:
    """A variant of an architecture with the counts that its authors, or a public library, state."""

    make: Make
    shape: Shape
    parameters: float
    """Weights, biases and affines of norms; no running statistics."""
    macs: float | None = None
    """Multiply-accumulates of one inference; None if they are not published."""
    within: float = 0.02
    """Relative error of the published figures, which are often rounded."""


@dataclass(frozen=True)
class Architecture:
    """A network from a paper, at a size that a small device may hold."""

    name: str
    source: str
    """Paper, as its number on arXiv, or authors and year."""
    make: Make
    shape: Shape
    """Shape of one input in torch's order."""
    published: Published | None = None
    budgets: tuple[float, ...] = BUDGETS
    """MACs of the nested subnets, as shares of the full network's."""
    refused: str = ""
    """Regular expression of the refusal that is intended; empty if the network has to work."""


def parameters(module: nn.Module) -> int:
    """Return the number of parameters of a module."""
    return sum(value.numel() for value in module.parameters())


@torch.no_grad()
def macs(module: nn.Module, shape: Shape) -> int:
    """Return the multiply-accumulates of one inference, as torch counts them."""
    with FlopCounterMode(display=False) as counter:
        module.eval()(torch.zeros(1, *shape, device=next(module.parameters()).device))
    return int(counter.get_total_flops()) // 2
