"""Put the most important units of every group first, without changing what the net computes."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from reds.elastic.net import ElasticNet
from reds.graph import MIXING, Graph
from reds.pack.model import WEIGHTED


def most_important_first(graph: Graph, scores: Sequence[NDArray[np.float64]]) -> list[NDArray[np.int64]]:
    """For each group its units by importance, equal ones as they stood; uncut groups stay as they are."""
    return [
        np.argsort(-score, kind="stable") if group.cut else np.arange(group.units)
        for group, score in zip(graph.groups, scores, strict=True)
    ]


@torch.no_grad()
def permute(net: ElasticNet, orders: Sequence[NDArray[np.int64]]) -> None:
    """Reorder the units of a full net in place: `orders[g]` lists group g's old units as they shall stand.

    All that belongs to a group moves together: the rows that write it, their norms and biases, and the
    columns that read it with every spatial copy. Outputs stay equal up to float32 rounding.
    """
    for layer, weight, after in zip(net.graph.layers, net.weights, net.subnet_affines(0), strict=True):
        rows, units = torch.from_numpy(orders[layer.writes]), torch.from_numpy(orders[layer.reads])
        if layer.kind in WEIGHTED:
            weight.copy_(weight[rows])
        if layer.kind in MIXING:
            columns = (units[:, None] * layer.copies + torch.arange(layer.copies)).flatten()
            weight.copy_(weight[:, columns])
        for value in after.state_dict().values():
            if value.ndim:
                value.copy_(value[rows])
