"""Blocks that a subnet may leave out: those whose sum is then its other input, and no others."""

from math import inf

import pytest

from reds.errors import GraphError
from reds.graph import Graph
from reds.graph.builder import Builder
from reds.pack.model import Kind
from reds.zoo.resnet import resnet8


class Net(Builder):
    """A builder that ends nets with a classifier, and writes convolutions of few arguments."""

    def __init__(self) -> None:
        super().__init__(3, 4, 4)
        self.stem = self.conv(self.input, 8, (3, 3))

    def linear(self, x: int, units: int = 8, relu: bool = False) -> int:
        return self.conv(x, units, (1, 1), relu=relu)

    def branch(self, x: int, inner: int = 4) -> int:
        return self.linear(self.conv(x, inner, (3, 3)))

    def classified(self, x: int) -> Graph:
        self.dense(self.flatten(self.pool(x)), 5, relu=False, norm=False)
        return self.build()


def groups_left_out(graph: Graph) -> list[tuple[int, ...]]:
    return [block.groups for block in graph.blocks]


def names(graph: Graph, without: tuple[int, ...]) -> str:
    """The layers that run without these groups, and after a colon the tensors that stand for others."""
    run = graph.running([0 if g in without else n for g, n in enumerate(graph.full)])
    layers = " ".join(graph.layers[i].name for i in run.layers)
    return f"{layers}: {' '.join(f'{t}={held}' for t, held in run.stands.items())}"


def test_only_the_first_block_of_resnet8_has_an_identity_beside_it() -> None:
    graph = resnet8()
    assert groups_left_out(graph) == [(2,)]
    run = graph.running([16 * (g != 2) and n for g, n in enumerate(graph.full)])
    assert run.layers == (0, *range(4, 15))
    assert run.stands == {4: 1}


def test_a_chain_of_sums_stands_for_the_tensor_before_the_first_that_is_left_out() -> None:
    net = Net()
    x = net.stem
    for _ in range(3):
        x = net.add(net.branch(x), x, relu=True)
    graph = net.classified(x)
    assert groups_left_out(graph) == [(2,), (3,), (4,)]
    end = "average_pool10 flatten11 dense12"
    assert names(graph, (2, 3, 4)) == f"conv0 {end}: 4=1 7=1 10=1"
    assert names(graph, (3, 4)) == f"conv0 conv1 conv2 add3 {end}: 7=4 10=4"
    assert names(graph, (2, 4)) == f"conv0 conv4 conv5 add6 {end}: 4=1 10=7"


def test_layers_of_a_block_that_touch_no_group_of_it_are_left_out_too() -> None:
    net = Net()
    y = net.depthwise(net.depthwise(net.stem, (3, 3)), (3, 3))
    y = net.linear(net.depthwise(net.linear(y, 4, relu=True), (3, 3)))
    graph = net.classified(net.depthwise(net.add(net.stem, y), (3, 3)))
    assert names(graph, (2,)) == "conv0 depthwise7 average_pool8 flatten9 dense10: 7=1"


def test_all_groups_of_a_block_are_left_out_together() -> None:
    net = Net()
    wide = net.linear(net.conv(net.conv(net.stem, 4, (1, 1)), 6, (3, 3)))
    graph = net.classified(net.add(net.stem, net.add(wide, net.branch(net.stem, 2))))
    assert groups_left_out(graph) == [(2, 3, 4)]
    for some in ((2,), (2, 3), (4,)):
        with pytest.raises(GraphError):
            names(graph, some)
    assert names(graph, (2, 3, 4)) == "conv0 average_pool8 flatten9 dense10: 8=1"


def test_a_block_inside_of_a_block_may_be_left_out_alone_or_with_it() -> None:
    net = Net()
    y = net.conv(net.stem, 6, (1, 1))
    y = net.add(y, net.linear(net.conv(y, 4, (3, 3)), 6))
    graph = net.classified(net.add(net.stem, net.linear(y)))
    assert groups_left_out(graph) == [(3,), (2,)]
    end = "average_pool7 flatten8 dense9"
    assert names(graph, (3,)) == f"conv0 conv1 conv5 add6 {end}: 5=2"
    assert names(graph, (2, 3)) == f"conv0 {end}: 7=1"
    with pytest.raises(GraphError):
        names(graph, (2,))


def test_a_sum_without_its_branch_may_add_one_tensor_to_itself() -> None:
    net = Net()
    graph = net.classified(net.add(net.stem, net.add(net.stem, net.branch(net.stem))))
    assert groups_left_out(graph) == [(2,)]
    assert names(graph, (2,)) == "conv0 add4 average_pool5 flatten6 dense7: 4=1"


@pytest.mark.parametrize(
    ("before", "after", "is_identity"),
    [
        ((True, inf), (True, inf), True),
        ((True, 6.0), (True, 6.0), True),
        ((True, 4.0), (True, 6.0), True),
        ((True, 6.0), (True, 4.0), False),
        ((True, inf), (True, 6.0), False),
        ((False, inf), (True, inf), False),
        ((False, inf), (False, inf), True),
    ],
)
def test_a_relu_after_the_sum_has_to_leave_the_other_input_as_it_is(
    before: tuple[bool, float], after: tuple[bool, float], is_identity: bool
) -> None:
    net = Net()
    x = net.conv(net.stem, 8, (3, 3), relu=before[0], ceiling=before[1])
    x = net.pool(x, (2, 2), kind=Kind.MAX_POOL)
    graph = net.classified(net.add(x, net.branch(x), relu=after[0], ceiling=after[1]))
    assert bool(graph.blocks) == is_identity


def test_blocks_that_no_subnet_can_do_without_are_not_offered() -> None:
    def projected(net: Net) -> int:
        return net.add(net.linear(net.stem), net.branch(net.stem))

    def read_outside(net: Net) -> int:
        inner = net.conv(net.stem, 8, (3, 3))
        return net.add(net.add(net.stem, net.linear(inner)), net.linear(inner))

    def reads_another(net: Net) -> int:
        y = net.linear(net.stem)
        return net.add(y, net.add(net.branch(y), net.branch(net.stem)))

    def without_a_group(net: Net) -> int:
        return net.add(net.stem, net.linear(net.depthwise(net.stem, (3, 3))))

    def twice(net: Net) -> int:
        y = net.branch(net.stem)
        return net.add(y, y)

    def shared_group(net: Net) -> int:
        left, right = net.conv(net.stem, 4, (3, 3)), net.conv(net.stem, 4, (3, 3))
        y = net.add(net.add(net.stem, net.linear(left)), net.linear(right))
        return net.add(y, net.linear(net.add(left, right)))

    for make in (projected, read_outside, reads_another, without_a_group, twice, shared_group):
        net = Net()
        assert not net.classified(make(net)).blocks, make.__name__


def test_a_sum_that_is_the_output_of_the_network_is_not_left_out() -> None:
    net = Net()
    net.add(net.stem, net.branch(net.stem))
    assert not net.build().blocks


def test_a_resized_graph_has_no_layer_of_a_block_that_is_left_out() -> None:
    net = Net()
    x = net.add(net.stem, net.branch(net.stem), relu=True)
    graph = net.classified(net.add(x, net.branch(x), relu=True))
    widths = (3, 8, 0, 2, 5)
    small = graph.resized(widths)
    assert [layer.name for layer in small.layers] == [
        graph.layers[i].name for i in graph.running(widths).layers
    ]
    assert [layer.inputs for layer in small.layers] == [(0,), (1,), (2,), (1, 3), (4,), (5,), (6,)]
    assert [layer.output for layer in small.layers] == [*range(1, 8)]
    assert small.full == widths
    assert small.macs(small.full) == graph.macs(widths)
    assert small.weights(small.full) == graph.weights(widths)
