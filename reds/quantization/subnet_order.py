"""Order the units of a tensor that holds several groups side by side, as the integer network does.

A subnet's tensor is a prefix of the full network's. Groups side by side would leave gaps, because a subnet
keeps the first units of each. So the integer network writes first what the smallest subnet keeps of every
group, then what the next subnet adds to every group, and so on. Weights of layers that read or write such a
tensor follow. The float net keeps its groups side by side.
"""

from collections.abc import Sequence
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

from reds.errors import QuantizeError
from reds.graph import Graph, Widths
from reds.pack.model import Kind

Indices = NDArray[np.int64]
"""Channels of a tensor, int64 [channels]."""


def tensor_orders(graph: Graph, levels: Sequence[Widths]) -> list[Indices]:
    """Return the order of every tensor's channels in the integer network.

    Args:
        graph: The full network.
        levels: The widths of the subnets, smallest first.

    Raises:
        QuantizeError: A concatenation cannot write this order.
    """
    plans = (*levels, graph.full)
    orders = []
    for tensor in graph.tensors:
        sizes = np.array([[span.copies * n[span.group] for span in tensor.spans] for n in plans])
        orders.append(_side_by_side([np.arange(size) for size in sizes[-1]], sizes))
    rooms = np.array([_rooms(graph, widths) for widths in plans])
    for layer in graph.layers:
        inputs = list(layer.inputs)
        if layer.kind is Kind.CONCAT:
            written = _side_by_side([orders[tensor] for tensor in inputs], rooms[:, inputs])
            if not np.array_equal(written, orders[layer.output]):
                raise QuantizeError(
                    f"layer {layer.name}: it reads a tensor inside of a block that a smaller subnet leaves"
                    " out, so its units cannot lie in one order for all subnets: keep the block in every"
                    " subnet, or put the other input first"
                )
    return orders


def _side_by_side(orders: Sequence[Indices], units: NDArray[np.int64]) -> Indices:
    """Return the order of parts side by side: for each subnet in turn, what it adds to each part.

    Args:
        orders: The channels of each part, in its own order.
        units: How many of them each subnet keeps, int64 [subnets, parts]; the last one keeps all.
    """
    starts, before, runs = _starts([len(order) for order in orders]), np.zeros_like(units[0]), []
    for after in units:
        runs += [start + order[a:b] for start, order, a, b in zip(starts, orders, before, after, strict=True)]
        before = after
    return np.concatenate(runs)


def _starts(sizes: Sequence[int]) -> list[int]:
    """Return where parts of these sizes begin that lie side by side."""
    return list(accumulate(sizes, initial=0))[:-1]


def _rooms(graph: Graph, widths: Widths) -> list[int]:
    """Return the channels of every tensor that a subnet holds: none of one that it leaves out."""
    runs = graph.running(widths)
    held = {0, *runs.stands, *(graph.layers[i].output for i in runs.layers)}
    return [t.channels(widths) if i in held else 0 for i, t in enumerate(graph.tensors)]
