"""What each node of a traced graph computes, said by one `torch.nn` module whichever way it was written.

`nn.ReLU()`, `F.relu(x)` and `x.relu()` are one thing; torch's functions take the parameters that its modules
take, so that a call becomes the module that does the same.
"""

import operator
from collections.abc import Callable, Mapping, Sequence
from math import inf
from typing import Any, NoReturn

import torch
import torch.nn.functional as F  # noqa: N812, the field's name for it
from torch import Tensor, fx, nn

from reds.errors import NotElasticError


class Add(nn.Module):
    """The sum of two tensors, which torch has no module for."""


class Flatten(nn.Flatten):
    """Any call that gives a tensor other sides; which they are, its value says."""

    def __init__(self, *_: Any, **__: Any) -> None:
        super().__init__()


def _add(other: Any, alpha: float = 1) -> nn.Module | None:
    return Add() if isinstance(other, Tensor) and alpha == 1 else None


def _mean(dim: int | Sequence[int] | None = None, keepdim: bool = False, **_: Any) -> nn.Module | None:
    """A mean over all sites is an average pool; over anything else there is no such layer."""
    over = {side % 4 for side in dim} if isinstance(dim, Sequence) else set()
    return nn.AdaptiveAvgPool2d(1) if over == {2, 3} else None


def _clamp(min: Any = None, max: Any = None) -> nn.Module | None:
    """From 0 up, with a ceiling or without, it is a ReLU; between others, or tensors, it is none."""
    if not isinstance(min, int | float) or min != 0:
        return None
    if max is None:
        return nn.ReLU()
    return nn.Hardtanh(0, max) if isinstance(max, int | float) and max > 0 else None


def _hardtanh(min_val: float = -1, max_val: float = 1, inplace: bool = False) -> nn.Module | None:
    return _clamp(min_val, max_val)


def _dropout(p: float = 0.5, training: bool = True, inplace: bool = False) -> nn.Module:
    return nn.Dropout(p).train(training)


_SPELLINGS: Mapping[Callable[..., nn.Module | None], Sequence[Any]] = {
    nn.ReLU: (F.relu, torch.relu, torch.relu_, "relu", "relu_"),
    nn.ReLU6: (F.relu6,),
    _hardtanh: (F.hardtanh, F.hardtanh_),
    _clamp: (
        torch.clamp, torch.clamp_, torch.clip, torch.clip_, torch.clamp_min, torch.clamp_min_,
        "clamp", "clamp_", "clip", "clip_", "clamp_min", "clamp_min_",
    ),
    nn.MaxPool2d: (F.max_pool2d,),
    nn.AvgPool2d: (F.avg_pool2d,),
    nn.AdaptiveAvgPool2d: (F.adaptive_avg_pool2d,),
    nn.AdaptiveMaxPool2d: (F.adaptive_max_pool2d,),
    nn.Identity: ("contiguous", "clone", "detach"),
    Flatten: (
        torch.flatten, torch.reshape, torch.squeeze, "flatten", "view", "reshape", "squeeze",
    ),
    _add: (operator.add, operator.iadd, torch.add, "add", "add_"),
    _mean: (torch.mean, "mean"),
    _dropout: (F.dropout, F.dropout1d, F.dropout2d),
}  # fmt: skip
CALLS = {spelling: call for call, spellings in _SPELLINGS.items() for spelling in spellings}
"""By function, or by a method's name; takes what follows the tensor that is read."""


def operation(node: fx.Node, root: nn.Module, values: Mapping[fx.Node, Any]) -> nn.Module | None:
    """The module that does what a node does, None if there is none; `values` are those of every node."""
    if node.op == "call_module":
        return root.get_submodule(str(node.target))
    if node.op not in ("call_function", "call_method") or node.target not in CALLS:
        return None
    more = {key: value for key, value in node.kwargs.items() if key != "input"}
    args, kwargs = fx.node.map_arg((node.args[1:], more), lambda read: values[read])
    return CALLS[node.target](*args, **kwargs)


def ceiling(op: nn.Module | None) -> float | None:
    """Where a ReLU stops, infinite for the plain one; None of what is no ReLU."""
    match op:
        case nn.ReLU():
            return inf
        case nn.Hardtanh(min_val=0, max_val=top) if top > 0:  # ReLU6 is one
            return float(top)
        case _:
            return None


def name(node: fx.Node, op: nn.Module | None) -> str:
    """Where a node is, in the user's words: a module's path and kind, else the call and what makes it."""
    if node.op == "call_module":
        return f"{node.target} ({type(op).__name__})"
    inside = [path for path, _ in node.meta.get("nn_module_stack", {}).values()]
    return f"{node.name} in {inside[-1]}" if inside else node.name


def refuse(node: fx.Node, op: nn.Module | None, why: str, what_to_do: str) -> NoReturn:
    """Raise `NotElasticError` at a node."""
    raise NotElasticError(f"{name(node, op)} {why}: {what_to_do}")
