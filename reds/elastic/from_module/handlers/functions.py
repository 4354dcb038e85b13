"""Convert functions of single values, whose chains become activations."""

import operator
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812, the field's name for it
from torch import Tensor, nn

from reds.elastic.from_module.conversion import Conversion, handles
from reds.elastic.from_module.steps import Value


def pointwise(c: Conversion, function: Callable[..., Tensor], *inputs: Value) -> Value:
    """Return the value of a function of single numbers, of inputs whose axes lie alike."""
    step = c.steps.add(
        "pointwise", [each.step for each in inputs], inputs[0].step.dims, options={"function": function}
    )
    return inputs[0].over(step)


_FUNCTIONS = (
    "relu", "relu6", "leaky_relu", "elu", "selu", "celu", "gelu", "silu", "mish", "softplus", "softsign",
    "hardtanh", "hardswish", "hardsigmoid", "sigmoid", "logsigmoid", "tanh", "tanhshrink", "clamp", "clip",
    "clamp_min", "clamp_max", "erf", "exp", "neg", "square", "sqrt", "rsqrt", "reciprocal", "log",
    "log1p", "expm1",
    "abs", "absolute", "negative", "sin", "cos", "sign", "pow", "rsub", "true_divide", "divide", "subtract",
)  # fmt: skip
_MODULES = (
    nn.ReLU, nn.Hardtanh, nn.LeakyReLU, nn.ELU, nn.SELU, nn.CELU, nn.GELU, nn.SiLU, nn.Mish, nn.Softplus,
    nn.Softsign, nn.Hardswish, nn.Hardsigmoid, nn.Sigmoid, nn.LogSigmoid, nn.Tanh, nn.Tanhshrink,
    nn.Threshold,
    nn.Hardshrink, nn.Softshrink, nn.RReLU,
)  # fmt: skip


@handles(*_MODULES)
def activation_module(c: Conversion, x: Value) -> Value:
    """Convert an activation that is a module."""
    return pointwise(c, c.module, x)


@handles(
    *(name for each in _FUNCTIONS for name in (each, f"{each}_")),
    *(
        getattr(place, name)
        for place in (torch, F, torch.Tensor, torch.special)
        for each in _FUNCTIONS
        for name in (each, f"{each}_")
        if hasattr(place, name)
    ),
    operator.neg, operator.pow, operator.abs,
)  # fmt: skip
def function(c: Conversion, *args: Any, **kwargs: Any) -> Value:
    """Convert a function of single values, whose other arguments are numbers."""
    keywords = {name: each for name, each in kwargs.items() if name != "inplace"}
    at = [i for i, each in enumerate(args) if isinstance(each, Value)]
    named = [name for name, each in keywords.items() if isinstance(each, Value)]
    if len(at) + len(named) != 1 or any(
        isinstance(each, Tensor) and each.numel() > 1 for each in (*args, *kwargs.values())
    ):
        c.reject("computes a function of several tensors", "use sums and products of tensors only")
    x = args[at[0]] if at else keywords[named[0]]
    target = c.node.target

    def run(t: Tensor) -> Tensor:
        given = [t if isinstance(each, Value) else each for each in args]
        options = {name: t if isinstance(each, Value) else each for name, each in keywords.items()}
        if isinstance(target, str):
            return Tensor.clone(getattr(given[0].clone(), target)(*given[1:], **options))
        return Tensor.clone(target(*(each.clone() if each is t else each for each in given), **options))

    return pointwise(c, run, x)
