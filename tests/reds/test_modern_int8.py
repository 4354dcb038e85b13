"""Each modern layer computes in int8 what it does in float, in every subnet, to the nearest steps."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from reds.data.catalog import SETS
from reds.elastic.activations import activate
from reds.elastic.active import active_weight
from reds.elastic.layers import apply_relu, run_layer
from reds.elastic.net import ElasticNet, nest
from reds.graph import Activation, Graph, kept_channels
from reds.pack import interpreter
from reds.pack.model import COPYING, LIMIT, Model
from reds.pack.scale import Scale
from reds.quantization.calibrate import ranges
from reds.quantization.quantize import quantize
from reds.quantization.scales import LayerScales, subnet_scales
from reds.quantization.subnet_order import tensor_orders
from reds.training.rounding_aware import RoundedNet
from tests.reds.support.floats import settled, thirds
from tests.reds.support.modern import ACTIVATIONS, NETS, activated_graph, modern_graph, modern_net

SOURCE = replace(SETS["cifar-10"], scale=1 / 32, zero=-7)
NEAR = 1.0
"""Steps by which a layer may differ: one half is rounding, the other what 16 bits of a table lose."""


def made(graph: Graph, seed: int) -> tuple[ElasticNet, Model, np.ndarray, np.ndarray]:
    """Three nested subnets, their integer network and ranges, and inputs int8 [N, features]."""
    source = graph.tensors[0]
    size = source.positions * source.channels(graph.full)
    q = np.random.default_rng(seed).integers(-90, 91, (48, size)).astype(np.int8)
    x = torch.from_numpy(SOURCE.real(q))
    net = settled(nest(modern_net(graph, seed), thirds(graph)), x)
    seen = ranges(net, x, [100.0])[0]
    return net, quantize(net, name="modern", ranges=seen, source=SOURCE), seen, q


def in_float_order(net: ElasticNet, tensors: dict[int, np.ndarray], subnet: int) -> dict[int, np.ndarray]:
    """The bytes of every tensor with the groups side by side, as in the float net."""
    orders = tensor_orders(net.graph, [each.widths for each in net.subnets])
    found = {}
    for t, stored in tensors.items():
        kept = kept_channels(net.graph.tensors[t].spans, net.graph.full, net.subnets[subnet].widths)
        order = orders[t][: len(kept)]
        assert sorted(order) == kept.tolist()
        found[t] = stored[..., np.argsort(order)]
    return found


def check_each_layer(graph: Graph, seed: int) -> None:
    """Hold every layer against the float one that reads the same values."""
    net, model, seen, q = made(graph, seed)
    rounded = RoundedNet(net, seen).eval()
    for s, subnet in enumerate(net.subnets):
        scales = subnet_scales(graph, subnet.widths, seen[s], Scale(SOURCE.scale, SOURCE.zero, np.zeros(1)))
        stored = in_float_order(net, interpreter.trace(model, s, q), s)
        values = {
            t: torch.from_numpy((q.astype(np.float32) - scales[t].output.zero) * scales[t].output.scale)
            for t, q in stored.items()
        }
        for i, layer in enumerate(graph.layers):
            weight = active_weight(graph, layer, rounded.layer_weight(i), subnet.widths)
            with torch.no_grad():
                y = run_layer(layer, graph, weight, [values[t].float() for t in layer.inputs])
                y = net.subnet_affines(s)[i](y.flatten(0, 2)).view(y.shape)
                y = apply_relu(layer, y) if layer.relu else y
            allowed = 0.0 if layer.kind in COPYING else NEAR
            low, high = bounds(layer.activation, y.double(), scales[i + 1], allowed)
            off = np.maximum(low - stored[i + 1], stored[i + 1] - high)
            assert off.max() <= 1e-3, f"{layer.name} of {subnet.name} is {off.max()} steps off"


def bounds(
    activation: Activation | None, y: Tensor, scales: LayerScales, allowed: float
) -> tuple[np.ndarray, np.ndarray]:
    """The least and the largest byte that a layer may write for these values."""
    kernel = y.numpy() / scales.kernel.scale + scales.kernel.zero
    ends = [np.clip(kernel + off, -LIMIT, LIMIT) for off in (-allowed, allowed)]
    if activation is not None:
        between = np.linspace(ends[0], ends[1], 9)
        x = torch.from_numpy((between - scales.kernel.zero) * scales.kernel.scale)
        written = activate(activation, x).numpy() / scales.output.scale + scales.output.zero
        written = np.clip(written, -LIMIT, LIMIT)
        ends = [written.min(0) - 0.5, written.max(0) + 0.5]
    return ends[0], ends[1]


@pytest.mark.parametrize("name", NETS)
def test_each_layer_computes_what_its_float_does(name: str) -> None:
    check_each_layer(modern_graph(name), len(name))


@pytest.mark.parametrize("activation", ACTIVATIONS, ids=lambda a: a.name)
def test_each_activation_computes_what_its_float_does(activation: Activation) -> None:
    check_each_layer(activated_graph(activation), len(activation.name))


@pytest.mark.parametrize("name", NETS)
def test_outputs_follow_the_float_ones(name: str) -> None:
    net, model, _, q = made(modern_graph(name), len(name))
    for s, subnet in enumerate(model.subnets):
        logits = net(torch.from_numpy(SOURCE.real(q)), s).detach().numpy()
        ours = interpreter.run(model, s, q).astype(float) - subnet.steps[-1].zero
        close = ours * subnet.output_scale - logits
        print(name, s, np.sqrt((close**2).mean()) / logits.std())
        assert np.sqrt((close**2).mean()) < 0.15 * logits.std() + subnet.output_scale
