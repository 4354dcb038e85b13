"""A net without a block computes what it would if the block added nothing, in float and in int8."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch import nn

from reds import pack
from reds.data.catalog import SETS
from reds.elastic.active import active_weight
from reds.elastic.net import ElasticNet, nest
from reds.errors import SettingsError
from reds.graph import Graph, Widths
from reds.graph.builder import Builder
from reds.pack import interpreter
from reds.quantization.calibrate import ranges
from reds.quantization.quantize import quantize
from reds.training.rounding_aware import RoundedNet
from reds.zoo.resnet import resnet8
from tests.reds.support.floats import features, random_net, settled
from tests.reds.support.graphs import chain, small_residuals, without
from tests.reds.support.subnets import specs


@pytest.mark.parametrize("blocks", [(0,), (1, 2), (0, 1, 2)])
def test_a_net_without_blocks_is_the_net_whose_branches_add_nothing(blocks: tuple[int, ...]) -> None:
    graph = chain()
    full = random_net(graph, 1).eval()
    net, x = nest(full, specs(without(graph, *blocks), graph.full)).eval(), features(graph, 4)
    for block in (graph.blocks[i] for i in blocks):
        last = full.subnet_affines(0)[block.add - 1]
        assert isinstance(last, nn.BatchNorm1d)
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.bias)
    torch.testing.assert_close(net(x, 0), full(x, 0), rtol=0, atol=0)


@given(small_residuals(), st.data())
@settings(max_examples=25, deadline=None)
def test_a_subnet_without_blocks_is_a_net_of_its_own_size(graph: Graph, data: st.DataObject) -> None:
    assume(graph.blocks)
    block = data.draw(st.sampled_from(graph.blocks))
    inside = {g for other in graph.blocks if other.add in block.layers for g in other.groups}
    widths = tuple(
        0 if g in inside else data.draw(st.integers(1, group.units)) if group.cut else group.units
        for g, group in enumerate(graph.groups)
    )
    net, x = nest(random_net(graph), specs(widths, graph.full)).eval(), features(graph, 3)
    small = ElasticNet(graph.resized(widths)).eval()
    for own, after, k in zip(
        small.weights, small.subnet_affines(0), graph.running(widths).layers, strict=True
    ):
        own.data.copy_(active_weight(graph, graph.layers[k], net.weights[k], widths))
        after.load_state_dict(net.subnet_affines(0)[k].state_dict())
    torch.testing.assert_close(net(x, 0), small(x, 0), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("norms", ["own", "shared"])
def test_a_left_out_layer_has_no_norm_no_range_and_no_gradient(norms: str) -> None:
    graph = resnet8()
    net, x = nest(random_net(graph), specs(without(graph, 0), graph.full), norms=norms), features(graph, 4)
    assert not [*net.subnet_affines(0)[1].parameters(), *net.subnet_affines(0)[2].parameters()]
    net(x, 0).sum().backward()
    assert net.weights[1].grad is None
    assert net.weights[0].grad is not None
    seen = ranges(net, x, [100.0])[0]
    assert not seen[0, 1:3].any()
    assert seen[1, 1:3, 1].all()
    assert seen[0, 3].tolist() == seen[0, 0].tolist()


def test_int8_follows_the_float_net_without_blocks_and_packs_keep_its_outputs() -> None:
    graph, source = chain(), replace(SETS["cifar-10"], scale=1 / 32, zero=-7)
    x = np.random.default_rng(0).integers(-100, 101, (128, 3 * 36)).astype(np.int8)
    real = torch.from_numpy((x.astype(np.float32) + 7) / 32)
    small = tuple(n // 2 if g == 3 else n for g, n in enumerate(without(graph, 0, 2)))
    net = nest(random_net(graph), specs(without(graph, 0, 1, 2), small, without(graph, 0), graph.full))
    net = settled(net, real)
    seen = ranges(net, real, [100.0])[0]
    model = quantize(net, name="net", ranges=seen, source=source)
    again, rounded = pack.loads(pack.dumps(model), "net"), RoundedNet(net, seen).eval()
    assert [[step.layer for step in subnet.steps] for subnet in model.subnets] == [
        [*graph.running(subnet.widths).layers] for subnet in net.subnets
    ]
    for i, subnet in enumerate(model.subnets):
        logits = net(real, i).detach().numpy()
        stored = interpreter.run(model, i, x)
        close = (stored.astype(float) - subnet.steps[-1].zero) * subnet.output_scale
        assert np.sqrt(((close - logits) ** 2).mean()) < 0.1 * logits.std()
        assert np.abs(rounded(real, i).detach().numpy() - close).max() < 3 * subnet.output_scale
        assert (interpreter.run(again, i, x) == stored).all()


@pytest.mark.parametrize(
    "widths",
    [(3, 16, 16, 0, 32, 64, 64, 10), (3, 0, 0, 32, 32, 64, 64, 10), (3, 16, 16, 32, 32, 64, 64, 0)],
)
def test_widths_of_zero_outside_of_a_block_are_refused(widths: Widths) -> None:
    graph = resnet8()
    with pytest.raises(SettingsError):
        nest(random_net(graph), specs(widths, graph.full))


def test_a_block_that_a_smaller_subnet_has_is_in_every_larger_one() -> None:
    graph = resnet8()
    with pytest.raises(SettingsError):
        nest(random_net(graph), specs(graph.full, without(graph, 0)))


def test_half_a_block_is_refused() -> None:
    net = Builder(3, 4, 4)
    x = net.conv(net.input, 8, (3, 3))
    y = net.conv(net.conv(net.conv(x, 4, (1, 1)), 4, (3, 3)), 8, (1, 1), relu=False)
    net.dense(net.flatten(net.add(x, y)), 3, relu=False, norm=False)
    graph = net.build()
    with pytest.raises(SettingsError):
        nest(random_net(graph), specs((3, 8, 0, 4, 3), graph.full))
    assert nest(random_net(graph), specs((3, 8, 0, 0, 3), graph.full)).subnets[0].widths[2] == 0
