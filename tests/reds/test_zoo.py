"""The paper's networks have the paper's cost, to the multiply-accumulate."""

from math import prod

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reds.errors import BudgetError, GraphError
from reds.graph import channels
from reds.nesting.budgets import check_budgets
from reds.pack.model import Kind
from reds.zoo import NETS, RESIZABLE, by_name, find_net
from reds.zoo.bc_resnet import bc_resnet
from reds.zoo.mobilenet_v2 import mobilenet_v2
from reds.zoo.mobilenet_v3 import mobilenet_v3_small

MACS = {
    "dnn-s": 79_200,
    "dnn-l": 494_424,
    "cnn-s": 2_498_304,
    "cnn-l": 12_636_672,
    "ds-cnn-s": 2_656_768,
    "ds-cnn-l": 28_327_812,
    "ds-cnn-s-28x28x1": 3_788_544,
    "ds-cnn-s-32x32x3": 5_234_176,
    "mobilenet-0.25": 7_489_664,
    "mobilenet-1.0": 104_276_480,
    "mobilenet-v2-0.35": 10_656_688,
    "mobilenet-v2-1.0": 55_011_712,
    "mobilenet-v3-small": 11_049_408,
    "resnet8": 12_501_632,
    "bc-resnet-1": 2_482_156,
    "matchbox": 677_328,
    "autoencoder": 264_192,
    "keyword-transformer": 3_487_488,
    "vit-xs": 2_929_280,
    "vit-ti": 1_253_683_200,
    "vit-s": 4_598_882_304,
    "vit-b": 17_563_828_224,
}


@pytest.mark.parametrize("name", NETS)
def test_macs_are_the_published_ones(name: str) -> None:
    graph = by_name(name)
    assert graph.macs(graph.full) == MACS[name]


@pytest.mark.parametrize(("name", "parameters"), [("ds-cnn-s-28x28x1", 34_954), ("ds-cnn-s-32x32x3", 30_986)])
def test_parameters_of_the_published_vision_checkpoints(name: str, parameters: int) -> None:
    """Weights, a bias a unit, and four values a unit of each norm."""
    graph = by_name(name)
    rows = [(graph.full[x.writes[0].group], x.norm) for x in graph.layers if x.weights(graph.full)]
    assert graph.weights(graph.full) + sum(n * (5 if norm else 1) for n, norm in rows) == parameters


def test_mobilenet_v2_has_the_cost_and_the_parameters_of_torchvisions() -> None:
    graph = mobilenet_v2(1.0, 224, 224, 3, 1000)
    norms = sum(2 * graph.full[layer.writes[0].group] for layer in graph.layers if layer.norm)
    assert graph.macs(graph.full) == 300_774_272
    assert graph.weights(graph.full) + norms + 1000 == 3_504_872
    assert len(graph.blocks) == 10
    assert len(graph.running([0 if any(g in b.groups for b in graph.blocks) else n
                              for g, n in enumerate(graph.full)]).layers) == 65 - 10 * 4  # fmt: skip


def test_mobilenet_v3_has_the_published_cost_and_the_parameters_of_torchvisions() -> None:
    graph = mobilenet_v3_small(224, 224, 3, 1000)
    rows = [(graph.full[x.writes[0].group], x.norm) for x in graph.layers if x.weights(graph.full)]
    assert graph.macs(graph.full) == 56_510_400  # the paper: 56 M
    assert graph.weights(graph.full) + sum(n * (2 if norm else 1) for n, norm in rows) == 2_542_856


@pytest.mark.parametrize(
    ("multiplier", "thousands"), [(1, 9.2), (2, 27.3), (3, 54.2), (6, 188), (8, 321)]
)  # fmt: skip
def test_bc_resnet_has_the_published_parameters(multiplier: float, thousands: float) -> None:
    """With sub-spectral norms, which have the values of a norm for each fifth of the bands."""
    graph = bc_resnet(multiplier)
    norms = [(graph.full[x.writes[0].group], x.kernel == (3, 1)) for x in graph.layers if x.norm]
    values = sum(2 * n * (5 if spectral else 1) for n, spectral in norms)
    assert (graph.weights(graph.full) + values + 12) / 1000 == pytest.approx(thousands, rel=0.006)


@pytest.mark.parametrize(
    ("name", "parameters"), [("vit-ti", 5_717_416), ("vit-s", 22_050_664), ("vit-b", 86_567_656)]
)
def test_vision_transformers_have_the_published_parameters(name: str, parameters: int) -> None:
    """The class token is a constant of its own there, and here a part of the first position's."""
    graph = by_name(name)
    biases = sum(
        channels(layer.writes, graph.full) * (2 if layer.kind is Kind.LAYER_NORM else 1)
        for layer in graph.layers
        if layer.kind in (Kind.CONV, Kind.DENSE, Kind.LAYER_NORM)
    )
    token = graph.tensors[1].channels(graph.full)
    assert graph.weights(graph.full) + biases + token == parameters


def test_a_budget_beyond_what_a_pack_states_is_refused_before_training() -> None:
    graph = by_name("vit-b")
    check_budgets(graph, [0.1, 0.24], 1, 1)
    with pytest.raises(BudgetError, match=r"0\.5 is 8,781,914,112 MACs: .* 4,294,967,295, a share of 0\.244"):
        check_budgets(graph, [0.1, 0.5], 1, 1)


def test_heads_are_cut_whole_and_the_residual_stream_is_not() -> None:
    graph = by_name("vit-ti")
    attention = [x for x in graph.layers if x.kind is Kind.ATTENTION]
    assert [(x.writes[0].copies, graph.full[x.writes[0].group]) for x in attention] == [(64, 3)] * 12
    (stream,) = graph.tensors[1].spans
    assert not graph.groups[stream.group].cut
    assert all(x.writes == (stream,) for x in graph.layers if x.kind is Kind.ADD)
    cut = sorted(group.units for group in graph.groups if group.cut)
    assert cut == [3] * 12 + [768] * 12


def test_an_unknown_net_is_answered_with_the_nearest_name() -> None:
    with pytest.raises(GraphError, match=r"'resnet'.*resnet8.*dnn-s, "):
        by_name("resnet")


@pytest.mark.parametrize("name", [name for name in RESIZABLE if name not in ("vit-s", "vit-b")])
@given(
    sides=st.tuples(st.integers(1, 60), st.integers(1, 60), st.integers(1, 4)), classes=st.integers(2, 300)
)
@settings(max_examples=20)
def test_nets_read_the_input_and_tell_the_classes_that_are_asked_for(
    name: str, sides: tuple[int, int, int], classes: int
) -> None:
    graph = by_name(f"{name}-{'x'.join(map(str, sides))}", classes)
    source, output = graph.tensors[0], graph.tensors[-1]
    reads = source.height, source.width, graph.full[source.spans[0].group]
    assert reads == ((1, 1, prod(sides)) if name.startswith("dnn") else sides)
    assert (output.height, output.width, graph.full[output.spans[0].group]) == (1, 1, classes)


@pytest.mark.parametrize("name", NETS)
def test_other_classes_change_the_classifier_alone(name: str) -> None:
    published, other = by_name(name), by_name(name, 7)
    assert by_name(name, published.full[-1]) == published
    assert other.full[:-1] == published.full[:-1]
    assert other.full[-1] == 7


def test_a_size_in_a_name_is_the_published_nets_size() -> None:
    for name, size in (("dnn-s", "25x10x1"), ("mobilenet-0.25", "96x96x3"), ("resnet8", "32x32x3")):
        assert by_name(f"{name}-{size}") == by_name(name)
    assert by_name("ds-cnn-s-28x28x3").full[0] == 3


@pytest.mark.parametrize(
    "name", ["cnn-s-49x10x1", "resnet8-0x3x3", "resnet8-32x32", "resnet8-9x9x9x9", "-1x1x1"]
)
def test_a_size_that_no_net_takes_is_refused(name: str) -> None:
    assert find_net(name) is None
    with pytest.raises(GraphError, match=r"dnn-s-40x30x3.*ds-cnn-s"):
        by_name(name)


def test_the_residual_stacks_of_resnet8_merge_what_they_add() -> None:
    graph = by_name("resnet8")
    assert [group.units for group in graph.groups] == [3, 16, 16, 32, 32, 64, 64, 10]
    assert [layer.relu for layer in graph.layers if layer.kind is Kind.ADD] == [True] * 3


@pytest.mark.parametrize(
    ("name", "layer", "padding"),
    [
        ("ds-cnn-s", 0, (4, 1, 5, 1)),  # 49 x 10, kernel 10 x 4, stride 2
        ("ds-cnn-s", 1, (1, 1, 1, 1)),
        ("ds-cnn-s", 2, (0, 0, 0, 0)),
        ("mobilenet-0.25", 0, (0, 0, 1, 1)),  # 96, kernel 3, stride 2: the smaller half first
        ("cnn-s", 0, (0, 0, 0, 0)),
        ("resnet8", 6, (0, 0, 0, 0)),  # 1 x 1, stride 2
    ],
)
def test_same_padding_equals_tensorflows(name: str, layer: int, padding: tuple[int, int, int, int]) -> None:
    assert by_name(name).layers[layer].padding == padding
