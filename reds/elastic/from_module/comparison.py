"""Compare a net with the module that it was made from."""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from typing import Any

from torch import Tensor, nn

from reds.elastic.from_module.heads import Head
from reds.elastic.from_module.tracing import Traced
from reds.elastic.layers import units_last
from reds.elastic.net import ElasticNet
from reds.errors import NotElasticError

TOLERANCE = 1e-4
"""Largest difference, as a share of the largest output: float32 sums differ with their order."""


def check_same_outputs(
    net: ElasticNet, module: nn.Module, traced: Traced, x: Tensor, kind: str, heads: Sequence[Head],
    last: bool,
) -> None:  # fmt: skip
    """Raise `NotElasticError` unless net and module agree on the inputs x.

    They are compared in float64. In float32 the gates of a deep net may differ by more than the tolerance if
    sums change their order.
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
