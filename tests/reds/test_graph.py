"""A network as unit groups: what merges, what is cut, what it costs."""

import pytest

from reds.errors import GraphError
from reds.graph import Graph
from reds.graph.builder import Builder
from reds.graph.subnets import Budget, subnet_name, subnet_names
from reds.pack.model import MOST_SUBNETS, Kind
from reds.pack.validate import SUBNET_NAME_BYTES
from reds.pack.validate.name import is_name
from reds.zoo.dnn import dnn


def ds_cnn(units: int, blocks: int, stride: tuple[int, int], first: tuple[int, int]) -> Graph:
    net = Builder(1, 49, 10)
    x = net.conv(net.input, units, (10, 4), stride)
    for i in range(blocks):
        x = net.depthwise(x, (3, 3), first if i == 0 else (1, 1))
        x = net.conv(x, units, (1, 1))
    net.dense(net.flatten(net.pool(x)), 12, relu=False, norm=False)
    return net.build()


def residual() -> Graph:
    """Two residual blocks: stem, (expand, depthwise, project, add) twice, a classifier on 4 x 4 copies."""
    net = Builder(3, 8, 8)
    x = net.conv(net.input, 16, (3, 3), (2, 2))
    for expanded in (32, 48):
        y = net.depthwise(net.conv(x, expanded, (1, 1)), (3, 3))
        x = net.add(x, net.conv(y, 16, (1, 1), relu=False), relu=True)
    net.dense(net.flatten(x), 10, relu=False, norm=False)
    return net.build()


@pytest.mark.parametrize(("size", "macs"), [("s", 79_200), ("l", 494_424)])
def test_dense_nets_of_the_paper(size: str, macs: int) -> None:
    graph = dnn(size)
    assert graph.macs(graph.full) == macs
    assert graph.weights(graph.full) == macs
    assert [group.cut for group in graph.groups] == [False, True, True, True, False]


def test_convolutional_nets_of_the_paper() -> None:
    small, large = ds_cnn(64, 4, (2, 2), (1, 1)), ds_cnn(276, 5, (2, 1), (2, 2))
    assert small.macs(small.full) == 125 * (40 * 64 + 4 * 64 * (9 + 64)) + 64 * 12 == 2_656_768
    assert round(large.macs(large.full) / 1e6, 1) == 28.3


def test_residuals_merge_the_groups_they_add() -> None:
    graph = residual()
    assert [group.units for group in graph.groups] == [3, 16, 32, 48, 10]
    assert [group.cut for group in graph.groups] == [False, True, True, True, False]
    adds = [layer for layer in graph.layers if layer.kind is Kind.ADD]
    assert [(x.reads[0].group, x.writes[0].group) for x in adds] == [(1, 1), (1, 1)]
    assert [x.writes[0].group for x in graph.layers if x.kind is Kind.DEPTHWISE] == [2, 3]


def test_macs_follow_the_true_fan_in() -> None:
    a, b, c = 12, 20, 44
    blocks = sum(16 * (a * n + 9 * n + n * a) for n in (b, c))
    assert residual().macs((3, a, b, c, 10)) == 16 * 27 * a + blocks + 16 * a * 10
    weights = 27 * a + sum(2 * a * n + 9 * n for n in (b, c)) + 16 * a * 10
    assert residual().weights((3, a, b, c, 10)) == weights


def test_flatten_keeps_the_copies_of_a_unit_together() -> None:
    dense = residual().layers[-1]
    assert (dense.reads[0].copies, dense.reads[0].group, dense.per_pair) == (16, 1, 1)


def test_a_residual_with_the_input_is_not_cut() -> None:
    net = Builder(8, 4, 4)
    x = net.add(net.input, net.conv(net.input, 8, (3, 3)))
    net.dense(net.flatten(net.conv(x, 6, (1, 1))), 2)
    assert [(g.units, g.cut) for g in net.build().groups] == [(8, False), (6, True), (2, False)]


def test_layers_that_do_not_fit_are_named() -> None:
    net = Builder(3, 8, 8)
    x = net.conv(net.input, 16, (3, 3))
    with pytest.raises(GraphError, match=r"^layer 1.*add"):
        net.add(net.input, x)
    with pytest.raises(GraphError, match=r"^layer 1.*flatten"):
        net.dense(x, 10)
    with pytest.raises(GraphError, match=r"^layer 1.*window"):
        net.pool(x, (9, 9))
    with pytest.raises(GraphError, match=r"^layer 1.*padding.*\(1, 3\)"):
        net.conv(x, 16, (1, 3), padding=(1, 1, 1, 1))
    with pytest.raises(GraphError, match=r"^layer 1.* 0 "):
        net.conv(x, 0, (1, 1))


def test_padding_may_be_given_by_its_sides() -> None:
    net = Builder(3, 8, 9)
    net.conv(net.input, 4, (3, 3), (2, 2), padding=(1, 1, 1, 1))
    graph = net.build()
    assert (graph.tensors[1].height, graph.tensors[1].width) == (4, 5)
    assert graph.layers[0].padding == (1, 1, 1, 1)


def test_resized_counts_like_the_subnet() -> None:
    graph, widths = residual(), (3, 4, 8, 12, 10)
    assert graph.resized(widths).full == widths
    assert graph.resized(widths).macs(widths) == graph.macs(widths)


@pytest.mark.parametrize("share", [1.0, 1 / 3, 0.003356, 0.000123456, 1.23456e-5, 1e-9, 1e-300])
def test_names_of_many_subnets_of_a_share_differ_and_fit_a_pack(share: float) -> None:
    names = subnet_names([Budget(latency=1.0)] * MOST_SUBNETS, [share] * MOST_SUBNETS)
    assert len({*names}) == MOST_SUBNETS
    assert all(is_name(name, SUBNET_NAME_BYTES) for name in names)
    assert names[0] == subnet_name(share)
