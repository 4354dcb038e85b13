"""Convert a user's own torch module to an elastic net, by tracing it.

- `tracing` gives the graph of the module's operations, by torch.fx, with their values for one batch.
- `conversion` makes steps of them by `handlers`, where `layout` follows how axes lie in memory.
- `simplification` makes norms and activations the end of a step, and `emission` makes layers of steps.

Tracing does not see everything: it misses hooks, and in-place operations on a tensor that is read again. Therefore
the net is compared with the module on random inputs before it is returned.
"""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from math import prod
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from reds.elastic.from_module import handlers
from reds.elastic.from_module.conversion import Conversion
from reds.elastic.from_module.emission import emitted
from reds.elastic.from_module.heads import Head, SoftmaxLeftOutWarning, heads_of, joined
from reds.elastic.from_module.inference_copy import inference_copy
from reds.elastic.from_module.naming import reject, user_name
from reds.elastic.from_module.parameters import copy_parameters
from reds.elastic.from_module.simplification import WEIGHTED, absorbed, in_order, resolved
from reds.elastic.from_module.steps import Step
from reds.elastic.from_module.tracing import Traced, traceable, traced
from reds.elastic.layers import units_last
from reds.elastic.net import ElasticNet
from reds.elastic.torch_defaults import torch_defaults
from reds.errors import ModelError, NotElasticError
from reds.graph.lowering import check_packable
from reds.pack.model import LARGEST_TENSOR

__all__ = ["TOLERANCE", "SoftmaxLeftOutWarning", "convert", "from_module", "handlers"]

EXAMPLES = 3
"""Random inputs in each comparison of the net with the module."""
SCALES = (1, 100)
"""Standard deviations of these inputs; the larger one makes activations reach the ceiling of a ReLU."""
TOLERANCE = 1e-4
"""Largest difference, as a share of the largest output: float32 sums differ with their order."""


@torch_defaults()
@torch.no_grad()
def from_module(module: nn.Module, input_shape: Sequence[int]) -> ElasticNet:
    """Return the full elastic net that computes the same as a torch module at inference.

    The page docs/network.md lists the operations that a module may have. Layers are named after the nodes of the
    traced graph. A submodule that is called twice becomes two layers. All weights train, frozen ones too.

    The net reads units innermost; `reds.Dataset` stores examples in that order. Its outputs lie in torch's order,
    flattened. Several outputs lie side by side, in the order that the module returns them, and `heads` of the net
    names them.

    Args:
        module: Any torch module whose forward takes one tensor; it is copied.
            Other parameters of forward keep their defaults.
            Wrappers of torch, as `DataParallel` and `torch.compile`, are taken off the copy.
        input_shape: Shape of one example in torch's order: [units, height, width], [units, length] or [features].

    Raises:
        NotElasticError: The module has an operation that no layer computes, its forward cannot be traced, a
            weight is not finite, or a layer exceeds a limit of the pack.

    Warns:
        SoftmaxLeftOutWarning: The module ends in a softmax.
    """
    module = inference_copy(module)
    kind = type(module).__name__
    x = _random_inputs(kind, input_shape)
    module = traceable(module)
    try:
        module(x.clone())
    except Exception as error:  # whatever the user's forward raises
        raise NotElasticError(
            f"{kind}: it does not run on {list(x.shape)}: {error}; check input_shape, or mend forward"
        ) from error
    return convert(module, kind, x, traced(module, kind, x.clone()))


@torch.no_grad()
def convert(module: nn.Module, kind: str, x: Tensor, traced: Traced, last: bool = False) -> ElasticNet:
    """Return the net that computes what a module at inference does.

    Args:
        module: The module, which is not copied.
        kind: How errors call it.
        x: Random inputs.
        traced: The operations of the module.
        last: Whether x has units last, where torch has them second.

    Raises:
        NotElasticError: As `from_module`.
    """
    conversion = Conversion(traced, last)
    heads = heads_of(conversion, conversion.result())
    end = absorbed(resolved(joined(conversion, heads), lambda step: _reject_function(step, traced)))
    order = in_order(end)
    for step in order:
        _check_supported(step, traced)
    if end.op == "pad":
        reject(end.node, traced.root, "pads the output", "pad outside the net")
    if not any(step.op in WEIGHTED for step in order):
        raise NotElasticError(f"{kind}: it has no convolution and no linear layer, so no unit can be cut")
    try:
        graph, steps = emitted(order, traced.root)
        check_packable(graph)
    except ModelError as error:
        raise NotElasticError(f"{kind}: {error}") from error
    net = ElasticNet(graph).eval()
    for step, layer, weight, affine in zip(
        steps, graph.layers, net.weights, net.subnet_affines(0), strict=True
    ):
        if step is not None:
            copy_parameters(layer, weight, affine, step)
    net.heads = tuple((head.name, head.size) for head in heads)
    for scale in SCALES:
        _check_same_outputs(net, module, traced, scale * x, kind, heads, last)
    return net


def _reject_function(step: Step, traced: Traced) -> Any:
    reject(
        step.node,
        traced.root,
        "computes a function that no activation does",
        "use ReLU (with or without a ceiling), leaky ReLU, PReLU, ELU, SELU, GELU, SiLU, hard swish, sigmoid,"
        " hard sigmoid, tanh, softplus or Mish",
    )


def _check_supported(step: Step, traced: Traced) -> None:
    """Reject a step that nothing has taken over."""
    for before in step.inputs:
        if before.op == "pad":
            name = user_name(before.node, traced.root)
            reject(
                step.node, traced.root, f"reads {name}, which pads", "pad before a convolution or a pool only"
            )
    match step.op:
        case "softmax":
            remedy = "end the net before it, and use it in attention only"
            reject(step.node, traced.root, "is a softmax inside of the net", remedy)
        case "matmul":
            remedy = "use nn.Linear, or F.scaled_dot_product_attention(q, k, v)"
            reject(step.node, traced.root, "multiplies two tensors that depend on the input", remedy)


def _random_inputs(kind: str, input_shape: Sequence[int]) -> Tensor:
    """Return random inputs of a shape. Raises `NotElasticError` if no pack can read one of it."""
    sides = list(input_shape) if isinstance(input_shape, Sequence) else []
    if not 1 <= len(sides) <= 3 or not all(
        isinstance(side, int | np.integer) and side >= 1 for side in sides
    ):
        expected = (
            "give [units, height, width], [units, length] or [features], each a whole number of at least 1"
        )
        raise NotElasticError(f"{kind}: input_shape is {sides or input_shape!r}: {expected}")
    if (values := prod(map(int, sides))) > LARGEST_TENSOR:
        raise NotElasticError(
            f"{kind}: input_shape is {sides}, {values:,} values: at most {LARGEST_TENSOR:,} are possible"
        )
    return torch.randn(EXAMPLES, *map(int, sides), generator=torch.Generator().manual_seed(0))


def _check_same_outputs(
    net: ElasticNet, module: nn.Module, traced: Traced, x: Tensor, kind: str, heads: Sequence[Head],
    last: bool,
) -> None:  # fmt: skip
    """Raise `NotElasticError` unless net and module agree on the inputs x.

    They are compared in float64. In float32 the gates of a deep net may differ by more than the tolerance if sums
    change their order.
    """
    if not all(wanted.isfinite().all() for wanted in _tensors(module(x.clone()))):
        raise NotElasticError(
            f"{kind}: {traced.first_not_finite(x)} gives values that are not finite for random inputs"
            f" of deviation {x.std():.2g}: look for huge weights before it, and norms of variance 0 and eps 0"
        )
    exact = x.double()
    try:
        expected = [*_tensors(deepcopy(module).double()(exact.clone()))]
        net = deepcopy(net).double()
    except RuntimeError:  # a module that makes float32 tensors of its own
        exact, expected = x, [*_tensors(module(x.clone()))]
    found, start = net(exact if last else units_last(exact), 0), 0
    for head, wanted in zip(heads, expected, strict=True):
        own = found[:, start : start + head.size].reshape(wanted.shape)
        start += head.size
        difference = ((own if head.ending is None else head.ending(own)) - wanted).abs().max()
        if not difference <= TOLERANCE * wanted.abs().max():
            raise NotElasticError(
                f"{kind}: the traced net computes something else (outputs differ by {difference:.2g}): look"
                " for hooks, random numbers and operations in place on tensors that are read again"
            )


def _tensors(result: Any) -> list[Tensor]:
    """Return the tensors in a module's result, in order."""
    if isinstance(result, Tensor):
        return [result]
    inside = result.values() if isinstance(result, Mapping) else result
    return [tensor for each in inside for tensor in _tensors(each)]
