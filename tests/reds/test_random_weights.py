"""Untrained models are models, alive in every layer, and cut down to one subnet they stay what they were."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from reds import pack
from reds.errors import ModelError
from reds.graph import Activation, Graph
from reds.graph.builder import Builder
from reds.pack import interpreter
from reds.pack.extract import extract_subnet, extract_up_to
from reds.pack.model import Kind, Model
from reds.pack.validate import validate_model
from reds.zoo import by_name
from reds.zoo.random_weights import uniform_widths, with_random_weights
from tests.support.depth import deep_nets, without
from tests.support.nets import Maker, inputs, random_model

NAMES = [
    "dnn-s", "cnn-s", "ds-cnn-s", "ds-cnn-s-28x28x1", "mobilenet-0.25", "resnet8", "autoencoder",
    "keyword-transformer", "matchbox",
]  # fmt: skip


def modern() -> Graph:
    """A net with a layer of each modern kind."""
    net = Builder(4, 8, 8)
    x = net.conv(net.input, 16, (3, 3), activation=Activation("hard_swish"), relu=False, dilation=(2, 2))
    gate = net.pool(x)
    x = net.multiply(x, net.conv(gate, 16, (1, 1), relu=False, activation=Activation("sigmoid")))
    y = net.prelu(net.conv(x, 16, (3, 3), groups=4, relu=False))
    x = net.concat([x, y])
    tokens = net.embed(net.layer_norm(net.pool(x, (2, 2))), front=1)
    q, k, v = (net.conv(tokens, 16, (1, 1), relu=False) for _ in range(3))
    x = net.reshape(net.transpose(net.attention(q, k, v, 4)), 4, 4, 17)
    x = net.upsample(net.transposed(x, 8, (2, 2), (2, 2)), (1, 2))
    net.dense(net.flatten(net.pool(x)), 6)
    return net.build()


@pytest.mark.parametrize("name", [*NAMES, "modern"])
def test_every_layer_keeps_its_spread(name: str) -> None:
    graph = modern() if name == "modern" else by_name(name)
    half = tuple(-(-group.units // 2) if group.cut else group.units for group in graph.groups)
    model = with_random_weights(name, graph, {"half": half, "full": graph.full})
    x = np.random.default_rng(1).integers(-127, 128, (4, model.input_size)).astype(np.int8)
    for subnet in range(len(model.subnets)):
        values = interpreter.trace(model, subnet, x)
        for layer in model.layers:
            y = values[layer.output]
            assert y.std() > (4 if name == "matchbox" else 15)  # its gates have few values
            assert (y == 127).mean() < 0.25
            assert layer.relu or (y == -127).mean() < 0.6


def test_the_same_seed_gives_the_same_bytes() -> None:
    one, same, other = (
        pack.dumps(with_random_weights("net", by_name("dnn-s"), seed=seed)) for seed in (1, 1, 2)
    )
    assert one == same != other


def test_uniform_widths_fill_their_shares() -> None:
    graph = by_name("dnn-l")
    subnets = uniform_widths(graph)
    assert list(subnets) == ["25%", "50%", "75%", "100%"]
    assert subnets["100%"] == graph.full
    for label, widths in subnets.items():
        assert all(n % 4 == 0 for n in widths[1:-1])
        assert len(set(widths[1:-1])) == 1
        assert 0 <= int(label[:-1]) / 100 - graph.macs(widths) / graph.macs(graph.full) < 0.02


@pytest.mark.parametrize("seed", range(12))
def test_a_subnet_alone_gives_the_same_outputs(seed: int) -> None:
    for model in (random_model(seed, subnets=3), *deep_nets([seed])):
        x = inputs(model, 4)
        for subnet in range(3):
            small, several = extract_subnet(model, subnet), extract_up_to(model, subnet)
            validate_model(small)
            validate_model(several)
            assert len(small.layers) == len(model.subnets[subnet].steps)
            assert len(small.subnets) == 1
            assert np.array_equal(interpreter.run(small, 0, x), interpreter.run(model, subnet, x))
            for other in range(subnet + 1):
                wanted = interpreter.run(model, other, x)
                assert np.array_equal(interpreter.run(several, other, x), wanted)


def test_a_net_cut_down_keeps_the_smaller_subnets() -> None:
    model = with_random_weights("net", by_name("resnet8"))
    assert [s.name for s in extract_up_to(model, 1).subnets] == ["25%", "50%"]


def nested_blocks() -> Model:
    """A net whose smallest subnet leaves out two layers, and the next one the second of them."""
    maker = Maker(1, 1, 3, 5)
    for units in (3, 3, 3, 2):
        maker.add(Kind.DENSE, units)
    return without(maker.build([[3, 3, 3, 2]] * 3), [[(1, 3)], [(2, 3)], []])


def test_a_cut_net_keeps_what_a_smaller_subnet_leaves_out_around_a_block() -> None:
    model = nested_blocks()
    x, cut = inputs(model, 3), extract_up_to(model, 1)
    pack.dumps(cut)
    for s in range(2):
        assert np.array_equal(interpreter.run(cut, s, x), interpreter.run(model, s, x))


def test_a_subnet_that_reads_another_tensor_than_a_larger_one_is_not_cut_out() -> None:
    model = nested_blocks()
    _, middle, full = model.subnets
    other = replace(middle, stands={3: 1})  # it runs layer 1, but reads what layer 0 writes
    with pytest.raises(ModelError):
        extract_up_to(replace(model, subnets=(other, middle, full)), 1)


def test_uniform_widths_reach_a_quarter_where_heads_are_few() -> None:
    graph = by_name("keyword-transformer")
    widths = [*uniform_widths(graph).values()]
    shares = [graph.macs(each) / graph.macs(graph.full) for each in widths]
    assert all(0.8 * most < share <= most for share, most in zip(shares, (0.25, 0.5, 0.75, 1.0), strict=True))
    assert all(a <= b for small, large in pairwise(widths) for a, b in zip(small, large, strict=True))
