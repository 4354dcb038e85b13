"""Convert a user's own torch module to an elastic net, by tracing it.

- `tracing` gives the graph of the module's operations, by torch.fx, with their values for one batch.
- `conversion` makes steps of them by `handlers`, where `layout` follows how axes lie in memory.
- `resolution` recognizes activations.
- `absorption` makes norms and activations the end of a step.
- `emission` makes layers of steps.

Tracing does not see everything: it misses hooks, and in-place operations on a tensor that is read again.
Therefore the net is compared with the module on random inputs before it is returned.
"""

from collections.abc import Sequence
from math import prod

import numpy as np
import torch
from torch import Tensor, nn

from reds.elastic.from_module import handlers
from reds.elastic.from_module.absorption import WEIGHTED, absorbed
from reds.elastic.from_module.comparison import TOLERANCE, check_same_outputs
from reds.elastic.from_module.conversion import Conversion
from reds.elastic.from_module.emission import check_supported, emitted, reject_function
from reds.elastic.from_module.heads import SoftmaxLeftOutWarning, heads_of, joined
from reds.elastic.from_module.inference_copy import inference_copy
from reds.elastic.from_module.naming import reject
from reds.elastic.from_module.parameters import copy_parameters
from reds.elastic.from_module.resolution import in_order, resolved
from reds.elastic.from_module.tracing import Traced, traceable, traced
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


@torch_defaults()
@torch.no_grad()
def from_module(module: nn.Module, input_shape: Sequence[int]) -> ElasticNet:
    """Return the full elastic net that computes the same as a torch module at inference.

    The page docs/network.md lists the operations that a module may have. Layers are named after the nodes of
    the traced graph. A submodule that is called twice becomes two layers. All weights train, frozen ones too.

    The net reads units innermost; `reds.Dataset` stores examples in that order. Its outputs lie in torch's
    order, flattened. Several outputs lie side by side, in the order that the module returns them, and `heads`
    of the net names them.

    Args:
        module: Any torch module whose forward takes one tensor; it is copied.
            Other parameters of forward keep their defaults.
            Wrappers of torch, as `DataParallel` and `torch.compile`, are taken off the copy.
        input_shape: Shape of one example in torch's order: [units, height, width], [units, length] or
            [features].

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
    end = absorbed(resolved(joined(conversion, heads), lambda step: reject_function(step, traced.root)))
    order = in_order(end)
    for step in order:
        check_supported(step, traced.root)
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
    for made, layer, weight, affine in zip(
        steps, graph.layers, net.weights, net.subnet_affines(0), strict=True
    ):
        if made is not None:
            copy_parameters(layer, weight, affine, made)
    net.heads = tuple((head.name, head.size) for head in heads)
    for scale in SCALES:
        check_same_outputs(net, module, traced, scale * x, kind, heads, last)
    return net


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
