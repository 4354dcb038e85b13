"""Unit groups of nets whose tensors join, tie and share channels."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from reds.elastic.net import ElasticNet
from reds.errors import GraphError
from reds.graph import Graph, Span
from reds.graph.builder import Builder
from reds.graph.parts import Activation
from reds.nesting.importance import score
from reds.nesting.permute import permute


def spans(graph: Graph, tensor: int) -> list[tuple[int, int]]:
    """The units and the copies of each span."""
    return [(graph.full[span.group], span.copies) for span in graph.tensors[tensor].spans]


def test_an_addition_to_a_concatenation_splits_the_units_of_its_other_input() -> None:
    net = Builder(3, 4, 4)
    a, b = net.conv(net.input, 5, (1, 1)), net.conv(net.input, 2, (1, 1))
    c = net.conv(net.input, 7, (3, 3))
    joined = net.concat([a, b])
    net.dense(net.flatten(net.add(joined, c)), 3, relu=False, norm=False)
    graph = net.build()
    assert spans(graph, c) == spans(graph, joined) == [(5, 1), (2, 1)]
    assert graph.tensors[c].spans == (*graph.tensors[a].spans, *graph.tensors[b].spans)
    assert graph.tensors[-2].spans == tuple(Span(each.group, 16) for each in graph.tensors[c].spans)


def test_a_block_of_a_grouped_convolution_is_one_unit_wherever_it_occurs() -> None:
    net = Builder(3, 4, 4)
    a = net.conv(net.input, 12, (1, 1))
    y = net.conv(a, 8, (3, 3), groups=4)
    net.dense(net.flatten(net.pool(net.conv(y, 6, (1, 1)))), 2, relu=False, norm=False)
    graph = net.build()
    assert (spans(graph, a), spans(graph, y)) == ([(4, 3)], [(4, 2)])
    assert graph.layers[1].macs(graph.full) == 16 * 9 * 3 * 8
    assert graph.layers[2].macs((3, 1, 6, 2)) == 16 * 2 * 6


def test_units_with_other_numbers_of_channels_beside_them_are_a_group_of_their_own() -> None:
    net = Builder(3, 4, 4)
    a, b = net.conv(net.input, 3, (1, 1)), net.conv(net.input, 1, (1, 1))
    joined = net.concat([a, b])
    y = net.conv(joined, 2, (1, 1), groups=2)
    net.dense(net.flatten(net.pool(net.conv(y, 6, (1, 1)))), 2, relu=False, norm=False)
    graph = net.build()
    assert (spans(graph, a), spans(graph, b)) == ([(1, 2), (1, 1)], [(1, 1)])
    assert spans(graph, joined) == [(1, 2), (1, 2)]


def test_a_sum_that_repeats_its_skip_is_no_block_to_leave_out() -> None:
    def blocks(sides: int) -> int:
        net = Builder(3, 4, 4)
        x = net.pool(net.conv(net.input, 4, (1, 1)), (4 // sides, 4 // sides))
        branch = net.conv(net.conv(x, 5, (1, 1)), 4, (1, 1), relu=False)
        branch = net.upsample(branch, (4 // sides, 4 // sides)) if sides < 4 else branch
        net.dense(net.flatten(net.add(x, branch)), 2, relu=False, norm=False)
        return len(net.build().blocks)

    assert (blocks(4), blocks(1)) == (1, 0)


def test_a_multiplier_of_depth_gives_each_unit_more_channels() -> None:
    net = Builder(3, 4, 4)
    a = net.conv(net.input, 5, (1, 1))
    y = net.conv(a, 15, (3, 3), groups=5)
    net.dense(net.flatten(net.pool(net.conv(y, 6, (1, 1)))), 2, relu=False, norm=False)
    assert (spans(net.build(), a), spans(net.build(), y)) == ([(5, 1)], [(5, 3)])


def test_heads_are_cut_whole_and_positions_are_not_cut() -> None:
    net = Builder(6, 10, 1)
    q, k, v = (net.conv(net.input, 8, (1, 1), relu=False, norm=False) for _ in range(3))
    y = net.attention(q, k, v, heads=2)
    mixed = net.transpose(net.conv(y, 5, (1, 1)))
    net.dense(net.flatten(mixed), 2, relu=False, norm=False)
    graph = net.build()
    assert spans(graph, q) == spans(graph, v) == spans(graph, y) == [(2, 4)]
    assert graph.layers[3].macs((6, 1, 5, 10, 2)) == 2 * 10 * 10 * 4
    assert [group.cut for group in graph.groups] == [False, True, False, False, False]


@pytest.mark.parametrize(
    "wrong",
    [
        lambda net, x: net.conv(x, 6, (1, 1), groups=4),
        lambda net, x: net.attention(x, x, x, heads=5),
        lambda net, x: net.concat([x, net.pool(x)]),
        lambda net, x: net.concat([x]),
        lambda net, x: net.multiply(x, net.input),
        lambda net, x: net.reshape(x, 5, 5),
        lambda net, x: net.transposed(x, 2, (2, 2), padding=(2, 2, 0, 0)),
    ],
)
def test_layers_that_do_not_fit_their_input_are_refused(wrong: object) -> None:
    net = Builder(3, 4, 4)
    with pytest.raises(GraphError):
        wrong(net, net.conv(net.input, 6, (1, 1)))  # type: ignore[operator]


def test_the_importance_of_a_head_is_that_of_all_its_channels() -> None:
    net = Builder(6, 10, 1)
    q, k, v = (net.conv(net.input, 8, (1, 1), relu=False, norm=False) for _ in range(3))
    net.dense(net.flatten(net.pool(net.attention(q, k, v, heads=2))), 3, relu=False, norm=False)
    full = ElasticNet(net.build())
    units = score(full, [], measure="magnitude").units
    rows = sum(full.weights[i].detach().abs().double().flatten(1).sum(1) for i in range(3))
    expected = torch.as_tensor(rows).reshape(2, 4).sum(1).numpy()
    np.testing.assert_allclose(units[full.graph.tensors[q].spans[0].group], expected, rtol=1e-6)


@st.composite
def nets(draw: st.DrawFn) -> Graph:
    """A net in which random layers read random earlier tensors of 4 x 4 positions."""
    net = Builder(draw(st.integers(1, 3)), 4, 4)
    tensors = [net.conv(net.input, draw(st.integers(2, 6)), (1, 1), activation=Activation("silu"))]
    for _ in range(draw(st.integers(2, 6))):
        x, other = draw(st.sampled_from(tensors)), draw(st.sampled_from(tensors))
        units = net.shape(x)[2]
        match draw(st.integers(0, 7)):
            case 0:
                made = net.conv(x, draw(st.integers(1, 6)), (3, 3), dilation=(1, 2))
            case 1:
                made = net.concat([x, other])
            case 2:
                made = net.add(x, net.conv(other, units, (1, 1)))
            case 3:
                gate = net.conv(net.pool(x), units, (1, 1), activation=Activation("sigmoid"))
                made = net.multiply(x, gate)
            case 4:
                blocks = draw(st.sampled_from([n for n in range(2, units + 1) if units % n == 0] or [1]))
                made = net.conv(x, 2 * blocks, (3, 3), groups=blocks)
            case 5:
                made = net.layer_norm(net.prelu(x))
            case 6:
                made = net.attention(x, x, net.conv(other, units, (1, 1)), draw(st.sampled_from([1, units])))
            case _:
                made = net.pool(net.transposed(x, 3, (2, 2), (2, 2)), (2, 2))
        tensors.append(made)
    net.dense(net.flatten(net.embed(net.concat([tensors[-1], tensors[0]]))), 3, relu=False, norm=False)
    return net.build()


@given(nets(), st.integers(0, 99))
@settings(max_examples=40, deadline=None)
def test_reordered_units_compute_the_same(graph: Graph, seed: int) -> None:
    torch.manual_seed(seed)
    net = ElasticNet(graph).eval()
    for weight in net.weights:
        weight.data = torch.randn_like(weight) / max(weight[:1].numel(), 1) ** 0.5
    x = torch.randn(2, 16 * graph.full[0])
    before = net(x, 0).detach()
    rng = np.random.default_rng(seed)
    permute(net, [rng.permutation(g.units) if g.cut else np.arange(g.units) for g in graph.groups])
    torch.testing.assert_close(net(x, 0).detach(), before, rtol=1e-3, atol=1e-3)
