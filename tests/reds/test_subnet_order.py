"""Every subnet of the integer network keeps a prefix of a tensor, also where groups lie side by side."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reds.errors import QuantizeError
from reds.graph import Graph, kept_channels
from reds.graph.builder import Builder
from reds.quantization.subnet_order import tensor_orders
from tests.reds.support.modern import modern_graph


def test_each_subnet_adds_units_of_every_input_behind_those_of_the_smaller_ones() -> None:
    net = Builder(1, 2, 2)
    a, b = (net.conv(net.input, units, (1, 1)) for units in (3, 2))
    net.dense(net.flatten(net.pool(net.concat([a, b]))), 2)
    graph = net.build()
    orders = tensor_orders(graph, [(1, 1, 1, 2), (1, 2, 1, 2), (1, 3, 2, 2)])
    assert orders[3].tolist() == [0, 3, 1, 2, 4]
    assert [order.tolist() for order in orders[1:3]] == [[0, 1, 2], [0, 1]]


def test_copies_of_a_unit_stay_together() -> None:
    net = Builder(1, 1, 3)
    a, b = (net.conv(net.input, 2, (1, 1)) for _ in range(2))
    net.dense(net.flatten(net.concat([a, b])), 2)
    graph = net.build()
    orders = tensor_orders(graph, [(1, 1, 1, 2)])
    assert orders[4].tolist() == [0, 1, 2, 6, 7, 8, 3, 4, 5, 9, 10, 11]


@given(st.data())
@settings(max_examples=20)
def test_a_prefix_holds_what_the_subnet_keeps(data: st.DataObject) -> None:
    graph = modern_graph("concatenated")
    levels = [graph.full]
    for _ in range(data.draw(st.integers(0, 3))):
        levels.insert(0, tuple(
            data.draw(st.integers(1, n)) if group.cut else n
            for n, group in zip(levels[0], graph.groups, strict=True)
        ))  # fmt: skip
    for tensor, order in zip(graph.tensors, tensor_orders(graph, levels), strict=True):
        for widths in levels:
            kept = kept_channels(tensor.spans, graph.full, widths)
            np.testing.assert_array_equal(np.sort(order[: len(kept)]), kept)


def branching(first: bool) -> Graph:
    """A residual block that puts its input beside a tensor of the same units that only it computes."""
    net = Builder(2, 3, 3)
    x = net.conv(net.input, 4, (1, 1))
    own = net.depthwise(net.conv(x, 3, (1, 1)), (1, 1))
    back = net.prelu(x)
    joined = net.concat([own, back] if first else [back, own])
    x = net.add(x, net.conv(joined, 4, (1, 1), relu=False), relu=True)
    net.dense(net.flatten(x), 2)
    return net.build()


@pytest.mark.parametrize("first", [False, True])
def test_an_order_that_subnets_cannot_share_is_refused(first: bool) -> None:
    graph = branching(first)
    own = next(g for g, group in enumerate(graph.groups) if group.units == 3)
    dropped = tuple(0 if g == own else max(1, n - 2) if group.cut else n
                    for g, (n, group) in enumerate(zip(graph.full, graph.groups, strict=True)))  # fmt: skip
    if first:
        with pytest.raises(QuantizeError, match=r"concat4: .* put the other input first"):
            tensor_orders(graph, [dropped, graph.full])
    else:
        assert len(tensor_orders(graph, [dropped, graph.full])) == len(graph.tensors)
