"""A ReLU with a ceiling, as ReLU6 is one: however it is written, the same in float and in int8."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from math import inf
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from reds import pack
from reds.data.catalog import SETS
from reds.elastic.from_module import from_module
from reds.elastic.layers import units_last
from reds.elastic.net import ElasticNet, nest
from reds.errors import NotElasticError
from reds.graph.builder import Builder
from reds.nesting.permute import most_important_first, permute
from reds.pack import interpreter
from reds.quantization.quantize import quantize
from reds.quantization.scales import LEAST_RANGE, output_scale
from reds.training.rounding_aware import RoundedNet
from tests.reds.support.clipped import mobile, quantized
from tests.reds.support.floats import thirds
from tests.reds.support.modules import Calls, conv, head, same_function


def large() -> nn.Conv2d:
    """A convolution that writes values far above 6, of normal ones that it reads."""
    torch.manual_seed(0)
    made = conv()
    with torch.no_grad():
        made.weight.mul_(20)
        assert float(made(torch.randn(5, 3, 6, 6)).max()) > 12
    return made


@pytest.mark.parametrize(
    ("activation", "ceiling"),
    [
        (nn.ReLU(), inf),
        (nn.ReLU6(), 6),
        (nn.ReLU6(inplace=True), 6),
        (nn.Hardtanh(0, 4.5), 4.5),
        (nn.Hardtanh(0.0, 4, inplace=True), 4),
        (nn.Hardtanh(0, inf), inf),
        (nn.Sequential(nn.ReLU6(), nn.Dropout(), nn.Hardtanh(0, 3), nn.ReLU()), 3),
        (F.relu, inf),
        (F.relu6, 6),
        (lambda x: F.relu6(x, inplace=True), 6),
        (lambda x: F.hardtanh(x, 0, 5), 5),
        (lambda x: F.hardtanh(x, min_val=0.0, max_val=5.0, inplace=True), 5),
        (lambda x: F.hardtanh_(x, 0.0, 5.0), 5),
        (torch.relu, inf),
        (torch.relu_, inf),
        (lambda x: x.relu(), inf),
        (lambda x: x.clamp(min=0), inf),
        (lambda x: x.clamp(0), inf),
        (lambda x: x.clamp_(0, 4), 4),
        (lambda x: x.clip(0, 4), 4),
        (lambda x: x.clip_(0.0, max=4.0), 4),
        (lambda x: torch.clamp(x, 0, 2.5), 2.5),
        (lambda x: torch.clamp(input=x, min=0, max=2.5), 2.5),
        (lambda x: torch.clamp_(x, 0, 2.5), 2.5),
        (lambda x: torch.clip(x, 0, 2.5), 2.5),
        (lambda x: torch.clip_(x, 0, 2.5), 2.5),
        (lambda x: torch.clamp_min(x, 0), inf),
        (lambda x: torch.clamp_min_(x, 0), inf),
        (lambda x: x.clamp_min(0.0), inf),
        (lambda x: x.clamp_min_(0), inf),
        (lambda x: F.max_pool2d(x, 2).clamp(0, 6), 6),
    ],
)
def test_every_spelling_of_relu_becomes_the_activation_of_its_layer(
    activation: Callable[[Tensor], Tensor], ceiling: float
) -> None:
    net = same_function(Calls(lambda m, x: head(m.act(m.a(x))), a=large(), act=activation), 3, 6, 6)
    first, *others = net.graph.layers
    assert (first.relu, first.ceiling) == (True, ceiling)
    assert not any(layer.relu for layer in others)


@pytest.mark.parametrize(
    ("activation", "match"),
    [
        (nn.Softsign(), r"^act \(Softsign\).*ReLU"),
        (nn.Hardtanh(-1, 6), r"^act \(Hardtanh\)"),
        (lambda x: F.hardtanh(x, 0, 0), "^hardtanh"),
        (lambda x: x.clamp(-1, 6), "^clamp"),
        (lambda x: x.clamp(max=6), "^clamp"),
        (lambda x: x.clamp(0, -1), "^clamp"),
        (lambda x: torch.clamp_min(x, 1), "^clamp_min"),
        (lambda x: x.clamp(torch.zeros(4, 1, 1), torch.ones(4, 1, 1)), "^clamp.*several tensors"),
    ],
)
def test_a_function_of_no_activation_is_refused_by_name(
    activation: Callable[[Tensor], Tensor], match: str
) -> None:
    with pytest.raises(NotElasticError, match=match):
        from_module(Calls(lambda m, x: head(m.act(m.a(x))), a=conv(), act=activation), (3, 6, 6))


def test_a_ceiling_that_tracing_does_not_see_is_refused() -> None:
    """Normal inputs do not reach it; nothing reads what the call gives, so that the graph forgets it."""

    def aliased(m: Any, x: Tensor) -> Tensor:
        y = m.a(x).relu()
        y.clamp_(max=6)
        return y.flatten(1)

    with pytest.raises(NotElasticError, match="in place"):
        from_module(Calls(aliased, a=conv()), (3, 6, 6))


@torch.no_grad()
def bound(net: ElasticNet, x: Tensor) -> Sequence[float]:
    """The largest value of any subnet in each layer with a ceiling, as a share of that."""
    values = [net.trace(x, i)[1:] for i in range(len(net.subnets))]
    return [
        max(float(of[k].max()) for of in values) / layer.ceiling
        for k, layer in enumerate(net.graph.layers)
        if layer.ceiling < inf
    ]


@torch.no_grad()
def test_permutation_and_nesting_keep_the_ceilings() -> None:
    module, x = mobile()
    net, expected = from_module(module, (3, 6, 6)), module(x)
    assert [layer.ceiling for layer in net.graph.layers if layer.relu] == [6, 5, 7, 4]
    assert bound(net, units_last(x)) == [1, 1, 1, 1]
    rng = np.random.default_rng(0)
    permute(net, most_important_first(net.graph, [rng.random(g.units) for g in net.graph.groups]))
    nested = nest(net, thirds(net.graph)).eval()
    for ours in (net(units_last(x), 0), nested(units_last(x), 2)):
        assert float((ours - expected).abs().max()) <= 1e-5 * float(expected.abs().max())
    assert all(
        layer.relu for layer in nested.graph.resized(nested.subnets[0].widths).layers if layer.ceiling < inf
    )


@pytest.mark.parametrize("seed", range(4))
def test_int8_outputs_stop_at_the_float_ceilings(seed: int) -> None:
    model, net, seen, q, features = quantized(seed)
    again = pack.loads(pack.dumps(model), "memory")
    assert all(np.isclose(top, 1) for top in bound(net, features))
    for i, subnet in enumerate(again.subnets):
        logits = net(features, i).detach().numpy()
        ours = interpreter.run(again, i, q).astype(float) - subnet.steps[-1].zero
        close = ours * subnet.output_scale - logits
        assert np.sqrt((close**2).mean()) < 0.05 * logits.std() + subnet.output_scale
        values = list(interpreter.trace(again, i, q).values())[1:], net.trace(features, i)[1:]
        for layer, stored, real, (_, largest) in zip(net.graph.layers, *values, seen[i], strict=True):
            if layer.ceiling < inf:
                y = (stored.astype(float) + 127) * largest / 254
                assert y.max() <= layer.ceiling
                apart = y.reshape(real.shape) - real.detach().numpy()
                assert np.sqrt((apart**2).mean()) < 0.03 * layer.ceiling


def test_ranges_past_a_ceiling_are_cut_to_it() -> None:
    model, net, seen, q, features = quantized(0)
    wide = np.where([layer.ceiling < inf for layer in net.graph.layers], 2.0, 1.0)[:, None] * seen
    assert (wide[2] != seen[2]).any()
    source = replace(SETS["cifar-10"], scale=model.input_scale, zero=model.input_zero)
    same = quantize(net, name="clipped", ranges=wide, source=source)
    np.testing.assert_array_equal(interpreter.run(same, 2, q), interpreter.run(model, 2, q))
    assert all(top <= 1 + 1e-6 for top in bound(RoundedNet(net, wide).eval(), features))


@pytest.mark.parametrize("ceiling", [0.1, LEAST_RANGE / 4])
def test_no_stored_value_is_past_the_ceiling(ceiling: float) -> None:
    """Also of values that float32 has rounded up, or that are all but 0."""
    net = Builder(3)
    net.dense(net.input, 4, ceiling=ceiling)
    for largest in (0.0, float(np.float32(ceiling))):
        assert output_scale(net.build().layers[0], 0.0, largest).scale * 254 <= ceiling


def test_a_gradient_passes_between_zero_and_the_ceiling() -> None:
    net = Builder(2, 3, 3)
    first = net.conv(net.input, 3, (1, 1), norm=False, ceiling=2.0)
    second = net.depthwise(first, (1, 1), norm=False, ceiling=1.5)
    net.flatten(net.add(first, second, relu=True, ceiling=3.0))
    graph = net.build()
    torch.manual_seed(0)
    full = ElasticNet(graph)
    _, a, b, total, _ = full.trace(torch.randn(64, 18), 0)
    assert [y.detach().max() for y in (a, b, total)] == [2.0, 1.5, 3.0]
    torch.autograd.backward(total.sum())
    inside = (total > 0) & (total < 3) & (b > 0) & (b < 1.5)
    expected = torch.where(inside, a, 0).sum((0, 1, 2))
    torch.testing.assert_close(full.weights[1].grad[:, 0, 0, 0], expected)
