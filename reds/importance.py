"""How much every unit matters, by weight times accumulated gradient."""

from collections.abc import Iterable

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812, the field's name for it
from numpy.typing import NDArray
from torch import Tensor

from reds.elastic import ElasticNet
from reds.model import WEIGHTED
from reds.recipe import DivergedError


def unit_scores(net: ElasticNet, batches: Iterable[tuple[Tensor, Tensor]]) -> list[NDArray[np.float64]]:
    """Importance of every unit, one array a unit group, all of them >= 0.

    `I(u) = sum over the weights w that unit u reads of |w * G_w|`, G the cross-entropy gradient summed over
    `batches` of (features float32 [N, features], labels int64 [N]); a group's units are scored by every layer
    that writes them. Biases, norms and groups that are not cut do not count (REDS, arXiv 2311.13349). The net
    is a full one: its only subnet is scored, as it infers.
    Raises `DivergedError` if a score is not finite.
    """
    net.eval()
    gradients = [torch.zeros_like(weight) for weight in net.weights]
    for x, y in batches:
        loss = F.cross_entropy(net(x, 0), y)
        parts = torch.autograd.grad(loss, list(net.weights), materialize_grads=True)
        for total, part in zip(gradients, parts, strict=True):
            total += part
    scores = [np.zeros(group.units) for group in net.chain.groups]
    for layer, weight, gradient in zip(net.chain.layers, net.weights, gradients, strict=True):
        if layer.kind in WEIGHTED and net.chain.groups[layer.writes].cut:
            shares = (weight * gradient).abs().flatten(1).sum(1)
            scores[layer.writes] += shares.double().detach().numpy()
    if not all(np.isfinite(score).all() for score in scores):
        raise DivergedError("the full net has diverged, its units cannot be scored: lower [full] rate")
    return scores
