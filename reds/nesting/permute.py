"""Put the most important units of every group first, without changing the network's function.

A nested subnet keeps the first units of each group, so its weights are a prefix of the full network's.
"""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from reds.elastic.net import ElasticNet, check_full
from reds.errors import SettingsError
from reds.graph import MIXING, Graph
from reds.pack.model import WEIGHTED


def most_important_first(graph: Graph, scores: Sequence[NDArray[np.float64]]) -> list[NDArray[np.int64]]:
    """Return each group's units, most important first; ties and groups never cut keep their order."""
    return [
        np.argsort(-score, kind="stable") if group.cut else np.arange(group.units)
        for group, score in zip(graph.groups, scores, strict=True)
    ]


@torch.no_grad()
def permute(net: ElasticNet, orders: Sequence[NDArray[np.int64]]) -> None:
    """Reorder the units of a full network in place. Outputs stay equal up to float32 rounding.

    Everything that belongs to a group moves together: the rows that write it, their batch norms and biases,
    and the columns that read it with every spatial copy.

    Args:
        net: The full network, its own only subnet.
        orders: For each group its old unit indices in the new order.

    Raises:
        SettingsError: The orders are not those of the net's units, or the net is nested already.
    """
    check_full(net)
    found = [np.sort(np.asarray(order), axis=None).tolist() for order in orders]
    if found != [list(range(units)) for units in net.graph.full]:
        raise SettingsError(
            f"orders: hold {[len(each) for each in found]} indices: each unit of the groups,"
            f" {list(net.graph.full)}, is needed once"
        )
    for layer, weight, tail in zip(net.graph.layers, net.weights, net.subnet_affines(0), strict=True):
        rows, units = torch.from_numpy(orders[layer.writes]), torch.from_numpy(orders[layer.reads])
        if layer.kind in WEIGHTED:
            weight.copy_(weight[rows])
        if layer.kind in MIXING:
            columns = (units[:, None] * layer.copies + torch.arange(layer.copies)).flatten()
            weight.copy_(weight[:, columns])
        for value in tail.state_dict().values():
            if value.ndim:
                value.copy_(value[rows])
