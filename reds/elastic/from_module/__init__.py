"""Convert a user's own torch module to an elastic net, by tracing it.

`tracing` gives the graph of the module's operations, by torch.fx. `operations` says which torch module
computes each node, `converter` makes the layers, and this module copies the weights. Tracing does not see
everything: it misses hooks, and in-place operations on a tensor that is read again. Therefore the net is
compared with the module on random inputs before it is returned.
"""

from collections.abc import Sequence
from math import prod

import numpy as np
import torch
from torch import Tensor, nn

from reds.elastic.affine import UnitBias
from reds.elastic.from_module.converter import GraphConverter, Weighted
from reds.elastic.from_module.fusion import Norm
from reds.elastic.from_module.inference_copy import inference_copy
from reds.elastic.from_module.operations import as_module
from reds.elastic.from_module.tracing import Traced, traceable
from reds.elastic.layers import units_last
from reds.elastic.net import ElasticNet
from reds.elastic.torch_defaults import torch_defaults
from reds.errors import ModelError, NotElasticError
from reds.graph.lowering import check_packable
from reds.pack.model import LARGEST_TENSOR, WEIGHTED

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

    The module may hold conv (plain or depthwise), linear, batch norm, ReLU with a ceiling or without, max
    and average pools without padding, flatten and residual adds. Layers are named after the nodes of the
    traced graph. A submodule that is called twice becomes two layers. All weights train, frozen ones too.

    The net reads units innermost; `reds.Dataset` stores examples in that order.

    Args:
        module: Any torch module whose forward takes one tensor and returns logits [N, classes]; it is copied.
            Other parameters of forward keep their defaults.
            Wrappers of torch, as `DataParallel` and `torch.compile`, are taken off the copy.
        input_shape: Shape of one example in torch's order: [units, height, width] or [features].

    Raises:
        NotElasticError: The module has an operation that no layer computes, its forward cannot be traced, a
            weight is not finite, or a layer exceeds a limit of the pack.
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
    traced = Traced(module, kind, x)
    modules = {node: as_module(node, module, traced.values) for node in traced.graph.nodes}
    converter = GraphConverter(traced.values, modules)
    graph = converter.convert(traced.graph)
    if not converter.weights:
        raise NotElasticError(f"{kind}: it has no convolution and no linear layer, so no unit can be cut")
    try:
        check_packable(graph)
    except ModelError as error:
        raise NotElasticError(f"{kind}: {error}") from error
    net = ElasticNet(graph).eval()
    for layer, weight, affine in zip(graph.layers, net.weights, net.subnet_affines(0), strict=True):
        if layer.kind in WEIGHTED:
            copy_parameters(weight, affine, *converter.weights[layer.output])
    for scale in SCALES:
        _check_same_outputs(net, module, traced, scale * x, kind)
    return net


def _random_inputs(kind: str, input_shape: Sequence[int]) -> Tensor:
    """Return random inputs of a shape. Raises `NotElasticError` if no pack can read one of it."""
    sides = list(input_shape) if isinstance(input_shape, Sequence) else []
    if len(sides) not in (1, 3) or not all(
        isinstance(side, int | np.integer) and side >= 1 for side in sides
    ):
        expected = "give [units, height, width] or [features], each a whole number of at least 1"
        raise NotElasticError(f"{kind}: input_shape is {sides or input_shape!r}: {expected}")
    if (values := prod(map(int, sides))) > LARGEST_TENSOR:
        raise NotElasticError(
            f"{kind}: input_shape is {sides}, {values:,} values: at most {LARGEST_TENSOR:,} are possible"
        )
    return torch.randn(EXAMPLES, *map(int, sides), generator=torch.Generator().manual_seed(0))


def copy_parameters(weight: Tensor, affine: nn.Module, module: Weighted, norm: Norm | None) -> None:
    """Copy a torch layer's weights and its batch norm or bias into an elastic net's layer.

    Args:
        weight: The elastic layer's weights; overwritten.
        affine: The elastic layer's batch norm or bias; overwritten.
        module: The user's convolution or linear layer. A bias before a batch norm moves into the norm's mean.
        norm: The user's batch norm, if the layer has one.
    """
    weight.copy_(module.weight)
    bias = torch.zeros(len(weight)) if module.bias is None else module.bias
    if norm is None:
        assert isinstance(affine, UnitBias)
        affine.bias.copy_(bias)
    else:
        assert isinstance(affine, nn.BatchNorm1d)
        affine.load_state_dict(norm.state_dict(), strict=False)
        assert affine.running_mean is not None
        affine.running_mean -= bias
        affine.eps = norm.eps


def _check_same_outputs(net: ElasticNet, module: nn.Module, traced: Traced, x: Tensor, kind: str) -> None:
    """Raise `NotElasticError` unless net and module agree on the inputs x."""
    expected, found = module(x.clone()), net(units_last(x), 0)
    if not expected.isfinite().all():
        raise NotElasticError(
            f"{kind}: {traced.first_not_finite(module, x)} gives values that are not finite for random inputs"
            f" of deviation {x.std():.2g}: look for huge weights before it, and norms of variance 0 and eps 0"
        )
    difference = (found - expected).abs().max()
    if not difference <= TOLERANCE * expected.abs().max():
        raise NotElasticError(
            f"{kind}: the traced net computes something else (outputs differ by {difference:.2g}): look"
            " for hooks, random numbers and operations in place on tensors that are read again"
        )
