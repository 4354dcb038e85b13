"""Score the importance of every unit: by the paper's measure, and by the baselines that it is compared with.

The importance of a unit is the sum of the scores of its weights, over all layers that write the unit. Biases,
batch norms and groups that are never cut do not count. In a pointwise layer every kernel, a single weight
between two units, also has a score. It is the part of its unit's importance that a subnet keeps only with
the unit that the kernel reads.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from reds.elastic.loss import plain_loss
from reds.elastic.net import ElasticNet, check_full
from reds.elastic.standardized import check_standardized
from reds.elastic.torch_defaults import torch_defaults
from reds.errors import DivergedError, SettingsError
from reds.graph import Layer
from reds.nesting.identity import Identities
from reds.nesting.options import Measure
from reds.nesting.solver.problem import Groups
from reds.pack.model import WEIGHTED, Kind
from reds.rules import check_argument, check_kind, seed_rule
from reds.text import shown

Batches = Iterable[tuple[Tensor, Tensor]]
"""Minibatches of features, float32 [N, features], and labels, int64 [N], or values, float32 [N, outputs]."""

PAIRS = "give a list of pairs of features and labels, as [(x, y)]"


@dataclass(frozen=True)
class Importance:
    """The scores of a full network, all at least 0."""

    units: list[NDArray[np.float64]]
    """For each unit group float64 [units]."""
    kernels: Mapping[Groups, NDArray[np.float64]]
    """For two groups that pointwise layers join float64 [units read, units written]; parts of `units`."""
    identity: NDArray[np.float64] | None = None
    """For each group the share of its importance that the identity beside its block has, 0 without a block,
    float64 [groups]; None if it was not measured, or the net has no blocks."""


def gradient(net: ElasticNet, batches: Batches, seed: int) -> list[Tensor]:
    """Return `|w * G_w|`, where G is the gradient of the loss, summed over the batches.

    Source: REDS, arXiv 2311.13349.

    Args:
        net: The full network.
        batches: Training examples.
        seed: Not used.
    """
    net.eval()
    gradients = [torch.zeros_like(weight) for weight in net.weights]
    empty = True
    for x, y in batches:
        empty = False
        loss = plain_loss(net(x, 0), y)
        parts = torch.autograd.grad(loss, list(net.weights), materialize_grads=True)
        for total, part in zip(gradients, parts, strict=True):
            total += part
    if empty:
        raise SettingsError("batches: none is given, but the gradient needs one or more")
    return [(weight * total).abs() for weight, total in zip(net.weights, gradients, strict=True)]


def magnitude(net: ElasticNet, batches: Batches, seed: int) -> list[Tensor]:
    """Return `|w|`.

    Args:
        net: The full network.
        batches: Not used.
        seed: Not used.
    """
    return [weight.abs() for weight in net.weights]


def random(net: ElasticNet, batches: Batches, seed: int) -> list[Tensor]:
    """Return scores that give every unit an importance drawn uniformly from [0, 1).

    Args:
        net: The full network.
        batches: Not used.
        seed: Of the random numbers.
    """
    generator = torch.Generator().manual_seed(seed)
    of_units = [torch.rand((len(w), *[1] * (w.ndim - 1)), generator=generator) for w in net.weights]
    return [u.expand_as(w) * len(w) / max(w.numel(), 1) for u, w in zip(of_units, net.weights, strict=True)]


SCORES: Mapping[Measure, Callable[[ElasticNet, Batches, int], list[Tensor]]] = {
    "gradient": gradient,
    "magnitude": magnitude,
    "random": random,
}
"""Measures by their names in a recipe. Each returns the score of every weight, shaped as `net.weights`."""


@torch_defaults()
def score(
    net: ElasticNet, batches: Batches, *, measure: Measure = "gradient", seed: int = 0, depth: bool = False
) -> Importance:
    """Return the importance of every unit and every pointwise kernel of a full network.

    Args:
        net: The full network, its own only subnet, scored in inference mode.
        batches: Training examples.
        measure: The score of a weight, one of `SCORES`.
        seed: Of the random measure.
        depth: Whether to measure the share of identities too, which takes a forward pass for each block.

    Raises:
        DataError: A minibatch has another shape or scale than the net reads, or labels beyond its outputs.
        DivergedError: A score is not finite.
        SettingsError: There is no such measure or seed, there is no minibatch or something else among them,
            or the net is nested already.
    """
    check_full(net)
    if not isinstance(measure, str) or measure not in SCORES:
        raise SettingsError(f"measure: {', '.join(SCORES)} are possible, not {shown(measure)}")
    check_argument([seed_rule(seed)])
    check_kind("batches", batches, Iterable, PAIRS)
    identities = Identities(net) if depth and net.graph.blocks else None
    given = _checked(net, batches)
    given = identities.watch(given) if identities else given
    measured = SCORES[measure](net, given, int(seed))
    of_weights = [w.double().detach().numpy() for w in measured]
    units = [np.zeros(group.units) for group in net.graph.groups]
    kernels: dict[Groups, NDArray[np.float64]] = {}
    for layer, scores in zip(net.graph.layers, of_weights, strict=True):
        if layer.kind not in WEIGHTED:
            continue
        of_channels = scores.reshape(len(scores), -1).sum(1)
        start = 0
        for span in layer.writes:
            group = net.graph.groups[span.group]
            part = of_channels[start : start + group.units * span.copies]
            start += len(part)
            if group.cut:
                units[span.group] += part.reshape(group.units, span.copies).sum(1)
        if _pointwise(layer) and net.graph.groups[layer.writes[0].group].cut:
            pair = layer.reads[0].group, layer.writes[0].group
            kernels[pair] = kernels.get(pair, 0) + scores.reshape(scores.shape[:2]).T
    if not all(np.isfinite(score).all() for score in units):
        raise DivergedError("scores of units are not finite, so the full net has diverged: lower [full] rate")
    return Importance(units, kernels, identities.shares(given) if identities else None)


def _checked(net: ElasticNet, batches: Batches) -> Iterator[tuple[Tensor, Tensor]]:
    """Give each minibatch after its check."""
    for batch in batches:
        if not isinstance(batch, tuple | list) or len(batch) != 2:
            raise SettingsError(f"batches: one is {type(batch).__name__}, no pair: {PAIRS}")
        x, y = batch
        net.check_batch(x, y)
        check_standardized(net, x)
        # Copies, for no gradient passes tensors of inference mode.
        kind = torch.float32 if y.dtype.is_floating_point else torch.int64
        yield x.to(torch.float32, copy=True), y.to(kind, copy=True)


def _pointwise(layer: Layer) -> bool:
    """Return whether each weight of the layer joins a unit of one group and a unit of another."""
    alone = all(len(spans) == 1 and spans[0].copies == 1 for spans in (layer.reads, layer.writes))
    return layer.kind is Kind.CONV and layer.kernel == (1, 1) and alone and layer.reads != layer.writes
