"""A user's own module as an elastic net, by tracing.

torch.fx gives the graph of what a `torch.nn.Module` computes, `nodes` says what each node is, `walk` makes
the chain; here the weights are taken over. Tracing does not see everything (a hook, an operation in place on
what is read again), so the net is held against the module before it is given away.
"""

from collections.abc import Sequence
from copy import deepcopy

import torch
from torch import Tensor, fx, nn

from reds.elastic.from_module.converter import Norm, Walk, Weighted
from reds.elastic.from_module.operations import operation
from reds.elastic.layers import units_last
from reds.elastic.net import UnitBias, ElasticNet
from reds.errors import NotElasticError
from reds.pack.model import WEIGHTED

__all__ = ["NotElasticError", "elastic"]

EXAMPLES = 3
SCALES = (1, 100)
"""Random inputs that the net is held against the module on: normal ones, and such as reach a ceiling."""
TOLERANCE = 1e-4
"""Of the largest output: float32 sums, in another order."""


@torch.no_grad()
def from_module(module: nn.Module, input_shape: Sequence[int]) -> ElasticNet:
    """The full elastic net that computes what a module does at inference; the module stays as it is.

    `input_shape` is of one example in torch's order: [units, height, width] or [features]. The net itself
    reads units innermost (`reds.data.own` turns examples). Its layers have the names of the graph's nodes; a
    module that is called twice becomes two layers.

    Raises `NotElasticError` for all but conv (plain or depthwise), linear, batch norm, ReLU with a ceiling or
    without, max and average pools without padding, flatten and residual adds, and for a forward that cannot
    be traced.
    """
    kind = type(module).__name__
    module = _copy(module, kind)
    if len(input_shape) not in (1, 3) or min(input_shape) < 1:
        text = "give [units, height, width] or [features], each at least 1"
        raise NotElasticError(f"{kind}: {list(input_shape)}: {text}")
    x = torch.randn(EXAMPLES, *input_shape, generator=torch.Generator().manual_seed(0))
    try:
        module(x.clone())
    except Exception as error:  # whatever the user's forward raises
        raise NotElasticError(f"{kind}: it does not run on {list(x.shape)}: {error}") from error
    try:
        traced = fx.symbolic_trace(module)
    except Exception as error:
        text = f"{kind}: it cannot be traced ({error}): forward may not decide by what the input holds"
        raise NotElasticError(text) from error
    traced.graph.eliminate_dead_code()
    run = fx.Interpreter(traced, garbage_collect_values=False)
    run.run(x)
    walk = Walk(run.env, {node: operation(node, module, run.env) for node in traced.graph.nodes})
    graph = walk.graph(traced.graph)
    net = ElasticNet(graph).eval()
    for layer, weight, after in zip(graph.layers, net.weights, net.subnet_affines(0), strict=True):
        if layer.kind in WEIGHTED:
            fill(weight, after, *walk.weights[layer.output])
    for scale in SCALES:
        expected, ours = module(scale * x), net(units_last(scale * x), 0)
        apart = (ours - expected).abs().max()
        if not apart <= TOLERANCE * expected.abs().max():
            raise NotElasticError(
                f"{kind}: the traced net computes something else ({apart:.2g} apart): look for hooks, random"
                " numbers and operations in place on tensors that are read again"
            )
    return net


def _copy(module: nn.Module, kind: str) -> nn.Module:
    """The module in float32 and at inference. Raises `NotElasticError` where it holds what has no copy."""
    if not isinstance(module, nn.Module):
        raise NotElasticError(f"{kind}: a torch.nn.Module is needed")
    for path, part in module.named_modules():
        for name, value in vars(part).items():
            if isinstance(value, Tensor) and not value.is_leaf:
                where = f"{path}.{name}".lstrip(".")
                text = "delete it, or end an old weight norm with torch.nn.utils.remove_weight_norm"
                raise NotElasticError(f"{kind}: {where} is computed and has no copy: {text}")
    for where, weight in module.named_parameters():
        if isinstance(weight, nn.parameter.UninitializedParameter):
            raise NotElasticError(f"{kind}: {where} has no values yet: run the module once")
    return deepcopy(module).cpu().float().eval()


def fill(weight: Tensor, after: nn.Module, op: Weighted, norm: Norm | None) -> None:
    """Take over a module's weights, and what follows it; a bias before a norm moves into its mean."""
    weight.copy_(op.weight)
    bias = torch.zeros(len(weight)) if op.bias is None else op.bias
    if norm is None:
        assert isinstance(after, UnitBias)
        after.bias.copy_(bias)
    else:
        assert isinstance(after, nn.BatchNorm1d)
        after.load_state_dict(norm.state_dict(), strict=False)
        assert after.running_mean is not None
        after.running_mean -= bias
        after.eps = norm.eps
