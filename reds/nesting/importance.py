"""How much every unit matters: the paper's score, and the baselines that it is compared with.

A unit's importance is the sum over the weights that it reads; a group's units are scored by every layer that
writes them. Biases, norms and groups that are not cut do not count. Of a pointwise layer every kernel, one
weight between two units, has a score of its own, the part of its unit's that is kept with the unit it reads.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812, the field's name for it
from numpy.typing import NDArray
from torch import Tensor

from reds.elastic.net import ElasticNet
from reds.errors import DivergedError
from reds.graph import Layer
from reds.nesting.options import Measure
from reds.nesting.solver.problem import Groups
from reds.pack.model import WEIGHTED, Kind

Batches = Iterable[tuple[Tensor, Tensor]]
"""Features float32 [N, features] and labels int64 [N]."""


@dataclass(frozen=True)
class Importance:
    """Scores >= 0 of a full net."""

    units: list[NDArray[np.float64]]
    """One array a unit group."""
    kernels: Mapping[Groups, NDArray[np.float64]]
    """For two groups that pointwise layers join [units read, units written]; parts of `units`."""


def gradient(net: ElasticNet, batches: Batches, seed: int) -> list[Tensor]:
    """`|w * G_w|`, G the cross-entropy gradient summed over the batches (REDS, arXiv 2311.13349)."""
    net.eval()
    gradients = [torch.zeros_like(weight) for weight in net.weights]
    for x, y in batches:
        loss = F.cross_entropy(net(x, 0), y)
        parts = torch.autograd.grad(loss, list(net.weights), materialize_grads=True)
        for total, part in zip(gradients, parts, strict=True):
            total += part
    return [(weight * total).abs() for weight, total in zip(net.weights, gradients, strict=True)]


def magnitude(net: ElasticNet, batches: Batches, seed: int) -> list[Tensor]:
    """`|w|`: no example is read."""
    return [weight.abs() for weight in net.weights]


def random(net: ElasticNet, batches: Batches, seed: int) -> list[Tensor]:
    """Units as they come: uniform in [0, 1) for each, whatever it reads."""
    generator = torch.Generator().manual_seed(seed)
    of_units = [torch.rand((len(w), *[1] * (w.ndim - 1)), generator=generator) for w in net.weights]
    return [u.expand_as(w) * len(w) / max(w.numel(), 1) for u, w in zip(of_units, net.weights, strict=True)]


SCORES: Mapping[Measure, Callable[[ElasticNet, Batches, int], list[Tensor]]] = {
    "gradient": gradient,
    "magnitude": magnitude,
    "random": random,
}
"""The score of every weight, by its name in a recipe; of the shapes of `net.weights`."""


def score(net: ElasticNet, batches: Batches, *, measure: Measure = "gradient", seed: int = 0) -> Importance:
    """Return the importance of every unit and every pointwise kernel of a full net.

    Args:
        net: Its only subnet is scored as it infers.
        batches: Training examples.
        measure: The score of a weight, one of `SCORES`.
        seed: For the random measure.

    Raises:
        DivergedError: A score is not finite.
    """
    of_weights = [w.double().detach().numpy() for w in SCORES[measure](net, batches, seed)]
    units = [np.zeros(group.units) for group in net.graph.groups]
    kernels: dict[Groups, NDArray[np.float64]] = {}
    for layer, scores in zip(net.graph.layers, of_weights, strict=True):
        if layer.kind in WEIGHTED and net.graph.groups[layer.writes].cut:
            units[layer.writes] += scores.reshape(len(scores), -1).sum(1)
            if _pointwise(layer):
                pair = layer.reads, layer.writes
                kernels[pair] = kernels.get(pair, 0) + scores.reshape(scores.shape[:2]).T
    if not all(np.isfinite(score).all() for score in units):
        raise DivergedError("the full net has diverged, its units cannot be scored: lower [full] rate")
    return Importance(units, kernels)


def _pointwise(layer: Layer) -> bool:
    """Whether every weight lies between a unit of one group and a unit of another."""
    return layer.kind is Kind.CONV and layer.kernel == (1, 1) and layer.reads != layer.writes
