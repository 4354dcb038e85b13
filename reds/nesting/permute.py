"""Put the most important units of every group first, without changing the network's function.

A nested subnet keeps the first units of each group, so its weights are a prefix of the full network's.
"""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from reds.elastic.active import ROWS
from reds.elastic.net import ElasticNet, check_full
from reds.errors import SettingsError
from reds.graph import Graph, Spans
from reds.nesting.gains import checked_scores
from reds.pack.model import MIXING
from reds.rules import check_kind


def most_important_first(graph: Graph, scores: Sequence[NDArray[np.float64]]) -> list[NDArray[np.int64]]:
    """Return each group's units, most important first; ties and groups never cut keep their order.

    Raises:
        SettingsError: The scores are not those of the graph's units.
    """
    scores = checked_scores(graph, scores)
    return [
        np.argsort(-score, kind="stable") if group.cut else np.arange(group.units)
        for group, score in zip(graph.groups, scores, strict=True)
    ]


@torch.no_grad()
def permute(net: ElasticNet, orders: Sequence[NDArray[np.int64]]) -> None:
    """Reorder the units of a full network in place. Outputs stay equal up to float32 rounding.

    Everything that belongs to a group moves together: the rows that write it, their batch norms and biases,
    and the columns that read it, with all channels of each unit.

    Args:
        net: The full network, its own only subnet.
        orders: For each group its old unit indices in the new order.

    Raises:
        SettingsError: The orders are not those of the net's units, or the net is nested already.
    """
    check_full(net)
    indices = _checked(net.graph, orders)
    for layer, weight, tail in zip(net.graph.layers, net.weights, net.subnet_affines(0), strict=True):
        rows = _channel_order(net.graph, layer.writes, indices)
        if layer.kind in ROWS:
            weight.copy_(weight[rows])
        if layer.kind in MIXING:
            weight.copy_(weight[:, _channel_order(net.graph, layer.reads, indices)])
        for value in tail.state_dict().values():
            if value.ndim:
                value.copy_(value[rows])


def _channel_order(graph: Graph, spans: Spans, indices: Sequence[Tensor]) -> Tensor:
    """Return the old channels of a tensor in the new order: units move with all their channels."""
    parts, start = [], 0
    for span in spans:
        units = indices[span.group]
        parts.append(start + (units[:, None] * span.copies + torch.arange(span.copies)).flatten())
        start += len(units) * span.copies
    return torch.cat(parts)


def _checked(graph: Graph, orders: Sequence[NDArray[np.int64]]) -> list[Tensor]:
    """Return the orders as indices. Raises `SettingsError` unless they are those of the graph's units."""
    check_kind("orders", orders, Sequence, "give most_important_first(net.graph, scores)")
    try:
        found = [np.asarray(order) for order in orders]
    except ValueError:  # of lists of several lengths
        found = []
    whole = all(order.dtype.kind in "iu" and order.ndim == 1 for order in found)
    if not whole or [sorted(order.tolist()) for order in found] != [list(range(n)) for n in graph.full]:
        raise SettingsError(
            f"orders: hold {[order.size for order in found]} indices: each unit of the groups,"
            f" {list(graph.full)}, is needed once, as a whole number"
        )
    return [torch.from_numpy(order.astype(np.int64)) for order in found]
