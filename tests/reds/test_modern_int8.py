"""Each modern layer computes in int8 what it does in float, in every subnet, to the nearest steps."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from reds import pack
from reds.data.catalog import SETS
from reds.elastic.activations import activate
from reds.elastic.active import active_weight
from reds.elastic.layers import apply_relu, run_layer
from reds.elastic.net import ElasticNet, nest
from reds.graph import Activation, Graph, Layer, kept_channels
from reds.graph.builder import Builder
from reds.pack import interpreter, row_encoding
from reds.pack.model import COPYING, LIMIT, WEIGHTED, Kind, Model
from reds.pack.scale import Floats, Scale
from reds.quantization.calibrate import ranges
from reds.quantization.quantize import quantize
from reds.quantization.range_search import outputs
from reds.quantization.scales import LayerScales, subnet_scales
from reds.quantization.subnet_order import Indices, tensor_orders
from reds.training.rounding_aware import RoundedNet
from tests.reds.support.floats import settled, thirds
from tests.reds.support.modern import ACTIVATIONS, NETS, activated_graph, modern_graph, modern_net
from tests.reds.support.subnets import specs

SOURCE = replace(SETS["cifar-10"], scale=1 / 32, zero=-7)
ROUNDED = 0.7
"""Steps by which a layer without weights may differ: one half is rounding, the other the integers inside."""


@dataclass(frozen=True)
class Given:
    """Three nested subnets in float and in int8."""

    net: ElasticNet
    model: Model
    seen: Floats
    """Ranges float64 [subnets, layers, 2]."""
    inputs: np.ndarray
    """int8 [N, features]."""

    @property
    def features(self) -> Tensor:
        return torch.from_numpy(SOURCE.real(self.inputs))


def given_net(graph: Graph, seed: int) -> Given:
    source = graph.tensors[0]
    size = source.positions * source.channels(graph.full)
    q = np.random.default_rng(seed).integers(-90, 91, (32, size)).astype(np.int8)
    x = torch.from_numpy(SOURCE.real(q))
    net = settled(nest(modern_net(graph, seed), thirds(graph)), x)
    seen = ranges(net, x, [100.0])[0]
    return Given(net, quantize(net, name="modern", ranges=seen, source=SOURCE), seen, q)


@cache
def modern(name: str) -> Given:
    return given_net(modern_graph(name), len(name))


def to_float_order(net: ElasticNet, subnet: int) -> list[Indices]:
    """The places in the integer network of the units of each tensor, in the float net's order."""
    orders, found = tensor_orders(net.graph, [each.widths for each in net.subnets]), []
    for tensor, order in zip(net.graph.tensors, orders, strict=True):
        kept = kept_channels(tensor.spans, net.graph.full, net.subnets[subnet].widths)
        assert sorted(order[: len(kept)]) == kept.tolist()
        found.append(np.argsort(order[: len(kept)]))
    return found


@dataclass(frozen=True)
class Computed:
    """One layer of one subnet: what it writes in float, and in int8, of the same values."""

    subnet: int
    index: int
    layer: Layer
    real: Tensor
    """Before its activation, float32 [N, height, width, units], groups side by side."""
    stored: Floats
    """Its bytes in the same order."""
    scales: LayerScales
    allowed: Floats
    """Steps by which what it writes before its activation may differ, float64 [units]."""


@torch.no_grad()
def computed(given: Given, rounded: RoundedNet) -> Iterator[Computed]:
    """Every layer of every subnet, with rounded weights, on the values of the integer network."""
    net, graph, model = given.net, given.net.graph, given.model
    source = Scale(SOURCE.scale, SOURCE.zero, np.zeros(1))
    for s, subnet in enumerate(net.subnets):
        scales, order = subnet_scales(graph, subnet.widths, given.seen[s], source), to_float_order(net, s)
        traced = interpreter.trace(model, s, given.inputs)
        stored = [traced[t][..., order[t]].astype(np.float64) for t in range(len(traced))]
        values = [
            torch.from_numpy((q - of.output.zero) * of.output.scale).float()
            for q, of in zip(stored, scales, strict=True)
        ]
        for i, (layer, step) in enumerate(zip(graph.layers, model.subnets[s].steps, strict=True)):
            weight = active_weight(graph, layer, rounded.layer_weight(i), subnet.widths)
            y = run_layer(layer, graph, weight, [values[t] for t in layer.inputs])
            y = net.subnet_affines(s)[i](y.flatten(0, 2)).view(y.shape)
            y = apply_relu(layer, y) if layer.relu else y
            allowed = np.full(step.units_out, 0.0 if layer.kind in COPYING else ROUNDED)
            if layer.kind in WEIGHTED:
                allowed = 0.51 + lost_to_16_bits(step.bias, step.multiplier)[order[i + 1]]
            yield Computed(s, i, layer, y, stored[i + 1], scales[i + 1], allowed)


def check_each_layer(given: Given) -> None:
    """Hold every layer against the float one that reads the same values."""
    for each in computed(given, RoundedNet(given.net, given.seen).eval()):
        low, high = bounds(each.layer.activation, each.real.double(), each.scales, each.allowed)
        off = np.maximum(low - each.stored, each.stored - high)
        assert off.max() <= 1e-3, f"{each.layer.name} of subnet {each.subnet} is {off.max()} steps off"


def lost_to_16_bits(bias: np.ndarray, multiplier: np.ndarray) -> Floats:
    """Steps that each row of a table may lose: half a bit of the bias, and of the multiplier over a range."""
    bits = [
        row_encoding.encode(values, shifts)[1]
        for values, shifts in (
            (bias, row_encoding.BIAS_SHIFTS),
            (multiplier, row_encoding.MULTIPLIER_SHIFTS),
        )
    ]
    size = np.abs(multiplier.astype(np.float64))
    spread = 2 * LIMIT + np.abs(bias * size) / 2**32
    return np.asarray(2.0 ** (bits[0] - 1) * size / 2**32 + 2.0 ** (bits[1] - 1) / size * spread)


def bounds(
    activation: Activation | None, y: Tensor, scales: LayerScales, allowed: Floats
) -> tuple[Floats, Floats]:
    """The least and the largest byte that a layer may write for these values."""
    kernel = y.numpy() / scales.kernel.scale + scales.kernel.zero
    low, high = (np.clip(kernel + off, -LIMIT, LIMIT) for off in (-allowed, allowed))
    if activation is not None:
        x = torch.from_numpy((np.linspace(low, high, 9) - scales.kernel.zero) * scales.kernel.scale)
        written = activate(activation, x).numpy() / scales.output.scale + scales.output.zero
        written = np.clip(written, -LIMIT, LIMIT)
        low, high = written.min(0) - 0.5, written.max(0) + 0.5
    return low, high


@pytest.mark.parametrize("name", NETS)
def test_each_layer_computes_what_its_float_does(name: str) -> None:
    check_each_layer(modern(name))


@pytest.mark.parametrize("activation", ACTIVATIONS, ids=lambda a: a.name)
def test_each_activation_computes_what_its_float_does(activation: Activation) -> None:
    check_each_layer(given_net(activated_graph(activation), len(activation.name)))


@pytest.mark.parametrize("name", NETS)
def test_outputs_follow_the_float_ones(name: str) -> None:
    """Each layer adds its rounding, so that of many in a row is more than a step."""
    given = modern(name)
    for s, subnet in enumerate(given.model.subnets):
        outputs = given.net(given.features, s).detach().numpy()
        ours = interpreter.run(given.model, s, given.inputs).astype(float) - subnet.steps[-1].zero
        close = ours * subnet.output_scale - outputs
        assert np.sqrt((close**2).mean()) < 0.15 * outputs.std() + subnet.output_scale


@pytest.mark.parametrize("name", NETS)
def test_a_rounded_net_computes_the_int8_values(name: str) -> None:
    """Of the same inputs. What is left are tables of 16 bits, and halves that fall to the other side."""
    given = modern(name)
    rounded = RoundedNet(given.net, given.seen).train()
    for each in computed(given, rounded):
        y = each.real
        if each.layer.activation is not None:
            y = activate(each.layer.activation, rounded.before_activation(each.subnet, each.index, y))
        y = rounded.layer_output(each.subnet, each.index, y)
        ours = y.double().numpy() / each.scales.output.scale + each.scales.output.zero
        off = np.abs(ours - each.stored)
        lost = max(0.0, float(each.allowed.mean()) - 0.5)
        assert off.mean() < 0.05 + lost, (
            f"{each.layer.name} of subnet {each.subnet} is {off.mean()} steps off"
        )


@pytest.mark.parametrize("name", NETS)
def test_a_gradient_passes_every_rounding(name: str) -> None:
    given = modern(name)
    net, rounded = given.net, RoundedNet(given.net, given.seen).train()
    torch.autograd.backward(rounded(given.features, 2).square().mean())
    trained = [*(w for w in net.weights if w.numel()), *net.subnet_affines(2).parameters()]
    assert all(value.grad is not None and value.grad.any() for value in trained)
    net.zero_grad()


def test_a_pack_holds_a_net_of_every_kind() -> None:
    for name in NETS:
        given = modern(name)
        again = pack.loads(pack.dumps(given.model), "memory")
        for s in range(3):
            ours, theirs = (interpreter.run(model, s, given.inputs) for model in (given.model, again))
            np.testing.assert_array_equal(ours, theirs)


def test_a_layer_norm_of_values_below_its_epsilon_follows_its_float() -> None:
    """Its epsilon in squared steps of such values would not fit its table."""
    graph = modern_graph("embedded")
    net = modern_net(graph, 1)
    with torch.no_grad():
        net.weights[1].mul_(1e-5)
        for value in net.subnet_affines(0)[0].parameters():
            value.mul_(1e-5)
    x = torch.from_numpy(SOURCE.real(np.random.default_rng(0).integers(-90, 91, (8, 90)).astype(np.int8)))
    seen = ranges(net, x, [100.0])[0]
    assert float(np.abs(seen[0, 1]).max()) < 1e-3
    model = quantize(net, name="small", ranges=seen, source=SOURCE)
    assert model.subnets[0].steps[2].bias[-1] > 1 << 29


def test_a_shared_norm_lies_over_groups_side_by_side() -> None:
    given = modern("concatenated")
    graph = given.net.graph
    net = nest(modern_net(graph, 3), thirds(graph), norms="shared").eval()
    seen = ranges(net, given.features, [100.0])[0]
    model = quantize(net, name="shared", ranges=seen, source=SOURCE)
    assert not any(isinstance(module, nn.BatchNorm1d) for module in net.modules())
    check_each_layer(Given(net, model, seen, given.inputs))


def test_outputs_that_are_no_classes_are_real_values() -> None:
    """An autoencoder has as many outputs as inputs, positions in order, each near its float value."""
    net = Builder(3, 6, 4)
    x = net.conv(net.input, 12, (3, 3), (2, 2), (1, 1, 1, 1))
    net.transposed(x, 3, (4, 4), (2, 2), (1, 1, 1, 1), norm=False, activation=Activation("sigmoid"))
    given = given_net(net.build(), 4)
    for s, subnet in enumerate(given.model.subnets):
        real = given.net(given.features, s).detach().numpy()
        ours = outputs(given.model, s, given.inputs)
        assert ours.shape == real.shape == given.inputs.shape
        assert np.abs(ours - real).max() < 8 * subnet.output_scale


def test_outputs_finer_than_multipliers_reach_get_coarser_steps() -> None:
    """A product that is next to nothing, beside a concatenation whose wide input is clipped."""
    net = Builder(3, 2, 2)
    a, b = (net.conv(net.input, 4, (1, 1), relu=False) for _ in range(2))
    joined = net.prelu(net.concat([net.multiply(a, b), a]))
    net.dense(net.flatten(joined), 3, relu=False, norm=False)
    given = given_net(net.build(), 0)
    narrow = given.seen.copy()
    narrow[:, 2:5] *= 1e-4
    model = quantize(given.net, name="narrow", ranges=narrow, source=SOURCE)
    check_each_layer(Given(given.net, model, narrow, given.inputs))


def test_a_layer_norm_reads_values_below_its_epsilon_past_a_block_that_is_left_out() -> None:
    """The sum of the block stands for a tensor of its own scale, which must be coarse enough, too."""
    net = Builder(3, 2, 2)
    x = net.uncut(net.conv(net.input, 12, (1, 1), relu=False, norm=False))
    inner = net.conv(x, 5, (1, 1), norm=False)
    y = net.reshape(net.add(x, net.conv(inner, 12, (1, 1), relu=False, norm=False)), 4, 1)
    net.dense(net.flatten(net.layer_norm(y, 1e-2)), 3, relu=False, norm=False)
    graph = net.build()
    inside = next(g for g, group in enumerate(graph.groups) if group.units == 5)
    left_out = tuple(0 if g == inside else n for g, n in enumerate(graph.full))
    small = nest(modern_net(graph), specs(left_out, graph.full)).eval()
    with torch.no_grad():
        small.weights[0].mul_(1e-6)
        for i in range(2):
            next(small.subnet_affines(i)[0].parameters()).mul_(1e-6)
    q = np.random.default_rng(0).integers(-90, 91, (8, 12)).astype(np.int8)
    seen = ranges(small, torch.from_numpy(SOURCE.real(q)), [100.0])[0]
    model = quantize(small, name="small", ranges=seen, source=SOURCE)
    assert len(model.subnets[0].steps) < len(model.subnets[1].steps)
    norm = next(i for i, layer in enumerate(graph.layers) if layer.kind is Kind.LAYER_NORM)
    epsilons = [
        next(step.bias[-1] for step in subnet.steps if step.layer == norm) for subnet in model.subnets
    ]
    assert epsilons[0] > 1 << 29
