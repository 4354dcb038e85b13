"""Define the functions that a layer may end in, by their names in a graph.

Training and quantization share the definitions: the table of a layer holds this function at 255 values.
"""

from collections.abc import Callable, Mapping

import torch
import torch.nn.functional as F  # noqa: N812, the field's name for it
from torch import Tensor

from reds.errors import GraphError
from reds.graph.parts import Activation

FUNCTIONS: Mapping[str, Callable[[Tensor, float], Tensor]] = {
    "relu": lambda x, _: F.relu(x),
    "hard_swish": lambda x, _: F.hardswish(x),
    "silu": lambda x, _: F.silu(x),
    "gelu": lambda x, _: F.gelu(x),
    "gelu_tanh": lambda x, _: F.gelu(x, approximate="tanh"),
    "sigmoid": lambda x, _: torch.sigmoid(x),
    "tanh": lambda x, _: torch.tanh(x),
    "hard_sigmoid": lambda x, _: F.hardsigmoid(x),
    "hard_tanh": lambda x, _: F.hardtanh(x),
    "leaky_relu": lambda x, slope: F.leaky_relu(x, slope),
    "elu": lambda x, slope: F.elu(x, slope),
    "selu": lambda x, _: F.selu(x),
    "softplus": lambda x, _: F.softplus(x),
    "mish": lambda x, _: F.mish(x),
}
"""Each function of the values, and of the slope that leaky ReLU and ELU have."""


def activate(activation: Activation, x: Tensor) -> Tensor:
    """Return the function of each value, of any shape and floating type.

    Raises:
        GraphError: No function has this name.
    """
    if activation.name not in FUNCTIONS:
        raise GraphError(f"activation {activation.name} is not known: give one of {', '.join(FUNCTIONS)}")
    return FUNCTIONS[activation.name](x, activation.slope)
