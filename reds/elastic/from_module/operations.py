"""Map each node of a traced graph to the torch module that computes the same.

`nn.ReLU()`, `F.relu(x)` and `x.relu()` are one operation. Torch's functions take the parameters of its
modules, so a call becomes the module that does the same, and the converter has one case for each layer kind.
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
    """Mark the sum of two tensors, for which torch has no module."""


class Flatten(nn.Flatten):
    """Mark any call that reshapes a tensor; the shape of the node's value says how."""

    def __init__(self, *_: Any, **__: Any) -> None:
        super().__init__()


def _add(other: Any, alpha: float = 1) -> nn.Module | None:
    return Add() if isinstance(other, Tensor) and alpha == 1 else None


def _mean(dim: int | Sequence[int] | None = None, keepdim: bool = False, **_: Any) -> nn.Module | None:
    """Return an average pool for a mean over all spatial positions, else None."""
    over = {side % 4 for side in dim} if isinstance(dim, Sequence) else set()
    return nn.AdaptiveAvgPool2d(1) if over == {2, 3} else None


def _clamp(min: Any = None, max: Any = None) -> nn.Module | None:
    """Return a ReLU for a clamp from 0 up, with a ceiling if it has one, else None."""
    if not isinstance(min, int | float) or min != 0:
        return None
    if max is None:
        return nn.ReLU()
    return nn.Hardtanh(0, max) if isinstance(max, int | float) and max > 0 else None


def _hardtanh(min_val: float = -1, max_val: float = 1, inplace: bool = False) -> nn.Module | None:
    return _clamp(min_val, max_val)


def _dropout(p: float = 0.5, training: bool = True, inplace: bool = False) -> nn.Module:
    return nn.Dropout(p).train(training)


def _pad(pad: Sequence[Any], mode: str = "constant", value: float | None = None) -> nn.Module | None:
    """Return a padding of rows and columns with zeros, else None."""
    zeros = len(pad) == 4 and mode == "constant" and not value
    return nn.ZeroPad2d(tuple(pad)) if zeros else None


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
    _pad: (F.pad,),
    nn.Identity: ("contiguous", "clone", "detach"),
    Flatten: (
        torch.flatten, torch.reshape, torch.squeeze, "flatten", "view", "reshape", "squeeze",
    ),
    _add: (operator.add, operator.iadd, torch.add, "add", "add_"),
    _mean: (torch.mean, "mean"),
    _dropout: (F.dropout, F.dropout1d, F.dropout2d),
}  # fmt: skip
MODULES = {spelling: make for make, spellings in _SPELLINGS.items() for spelling in spellings}
"""Makes the module of a call, by function or method name, from the arguments after the input tensor."""


def as_module(node: fx.Node, root: nn.Module, values: Mapping[fx.Node, Any]) -> nn.Module | None:
    """Return the torch module that computes the same as a node, or None if `MODULES` has none.

    Args:
        node: A node of the traced graph.
        root: The module that was traced.
        values: The value of every node for one batch.
    """
    if node.op == "call_module":
        return root.get_submodule(str(node.target))
    if node.op not in ("call_function", "call_method") or node.target not in MODULES:
        return None
    keywords = {key: value for key, value in node.kwargs.items() if key != "input"}
    args, kwargs = fx.node.map_arg((node.args[1:], keywords), lambda argument: values[argument])
    return MODULES[node.target](*args, **kwargs)


def relu_ceiling(module: nn.Module | None) -> float | None:
    """Return the largest output of a ReLU, infinite for a plain one, or None if the module is no ReLU."""
    match module:
        case nn.ReLU():
            return inf
        case nn.Hardtanh(min_val=0, max_val=top) if top > 0:  # ReLU6 is one
            return float(top)
        case _:
            return None


def user_name(node: fx.Node, module: nn.Module | None) -> str:
    """Name a node in the user's words: a submodule's path and class, or a call and its submodule."""
    if node.op == "call_module":
        return f"{node.target} ({type(module).__name__})"
    inside = [path for path, _ in node.meta.get("nn_module_stack", {}).values()]
    return f"{node.name} in {inside[-1]}" if inside else node.name


def reject(node: fx.Node, module: nn.Module | None, reason: str, remedy: str) -> NoReturn:
    """Raise `NotElasticError` for a node.

    Args:
        node: The node, whose place the error names.
        module: Its operation, from `as_module`.
        reason: What is wrong with it, as a verb and its object.
        remedy: What to do instead.
    """
    raise NotElasticError(f"{user_name(node, module)} {reason}: {remedy}")
