"""The integer model follows the float net, whatever its norms hold."""

from dataclasses import replace
from typing import Literal

import numpy as np
import pytest
import torch
from torch import nn

from reds import pack
from reds.data.catalog import SETS
from reds.elastic.net import nest
from reds.errors import QuantizeError
from reds.pack import interpreter
from reds.pack.validate import validate_model
from reds.quantization.calibrate import ranges
from reds.quantization.quantize import quantize
from reds.training.rounding_aware import RoundedNet
from reds.zoo import by_name
from reds.zoo.dnn import dnn
from tests.reds.support.floats import DENSE_WIDTHS as WIDTHS
from tests.reds.support.floats import dense_net, random_graph, random_net, settled, thirds
from tests.reds.support.floats import features as floats
from tests.reds.support.subnets import specs

SPEECH = SETS["speech-commands"]
FINE = replace(SPEECH, scale=1 / 32, zero=-7)
real = SPEECH.real


def inputs(n: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(-127, 128, (n, 250)).astype(np.int8)


@pytest.mark.parametrize("seed", range(24))
def test_int8_logits_follow_the_float_ones(seed: int) -> None:
    norms: Literal["own", "shared"] = "shared" if seed % 4 == 3 else "own"
    net = nest(dense_net(seed), specs(*WIDTHS), norms=norms).eval()
    x = inputs(256, seed)
    features = torch.from_numpy(real(x))
    model = quantize(net, name="net", ranges=ranges(net, features, [100.0])[0], source=SPEECH)
    for i, subnet in enumerate(model.subnets):
        logits = net(features, i).detach().numpy()
        stored = interpreter.run(model, i, x).astype(float) - subnet.steps[-1].zero
        close = stored * subnet.output_scale - logits
        assert np.sqrt((close**2).mean()) < 0.03 * logits.std() + subnet.output_scale


def stored(x: torch.Tensor) -> np.ndarray:
    """int8 inputs of scale 1/32 and zero point -7."""
    return np.asarray(np.clip(np.rint(x.numpy() * 32) - 7, -127, 127).astype(np.int8))


@pytest.mark.lesser
@pytest.mark.parametrize("seed", range(40))
def test_every_kind_of_layer_follows_its_float(seed: int) -> None:
    """Of other seeds one in hundreds makes a net that magnifies every rounding; a wrong rule errs by all."""
    graph = random_graph(seed)
    x = stored(floats(graph, 64, seed))
    features = torch.from_numpy((x.astype(np.float32) + 7) / 32)
    net = settled(nest(random_net(graph, seed), thirds(graph)), features)
    model = quantize(net, name="net", ranges=ranges(net, features, [100.0])[0], source=FINE)
    for i, subnet in enumerate(model.subnets):
        logits = net(features, i).detach().numpy()
        ours = interpreter.run(model, i, x).astype(float) - subnet.steps[-1].zero
        close = ours * subnet.output_scale - logits
        assert np.sqrt((close**2).mean()) < 0.15 * logits.std() + subnet.output_scale


@pytest.mark.lesser
@pytest.mark.parametrize("seed", range(20))
def test_a_rounded_net_computes_the_int8_outputs(seed: int) -> None:
    """Tables of 16 bits, and halves that fall to the other side, cost a step now and then."""
    dense = seed % 4 == 0
    graph = dnn("s").resized(WIDTHS[-1]) if dense else random_graph(seed)
    x = inputs(64, seed) if dense else stored(floats(graph, 64, seed))
    source = SPEECH if dense else FINE
    features = torch.from_numpy(source.real(x))
    net = settled(nest(random_net(graph, seed), specs(*WIDTHS) if dense else thirds(graph)), features)
    seen = ranges(net, features, [99.9])[0]
    model, rounded = (
        quantize(net, name="net", ranges=seen, source=source),
        RoundedNet(net, seen).train(),
    )
    assert all(not m.training for m in rounded.modules() if isinstance(m, nn.BatchNorm1d))
    for i, subnet in enumerate(model.subnets):
        ours = interpreter.run(model, i, x).astype(float)
        theirs = rounded(features, i).detach().double().numpy() / subnet.output_scale + subnet.steps[-1].zero
        plain = net(features, i).detach().double().numpy() / subnet.output_scale + subnet.steps[-1].zero
        off = np.abs(ours - np.clip(theirs, -127, 127))
        assert off.mean() < 0.5 * np.abs(ours - np.clip(plain, -127, 127)).mean() + 0.05
    logits = rounded(features, 0)
    torch.autograd.backward(logits.square().mean())
    assert all(w.grad is not None and w.grad.any() for w in net.weights if w.numel())


def test_the_model_keeps_every_rule_and_survives_the_pack() -> None:
    net = nest(dense_net(), specs(*WIDTHS)).eval()
    features = torch.from_numpy(real(inputs(64)))
    model = quantize(net, name="net", ranges=ranges(net, features, [99.9])[0], source=SPEECH)
    validate_model(model)
    assert [subnet.macs for subnet in model.subnets] == [net.graph.macs(widths) for widths in WIDTHS]
    again = pack.loads(pack.dumps(model), "memory")
    x = inputs(16, 1)
    for i in range(3):
        np.testing.assert_array_equal(interpreter.run(again, i, x), interpreter.run(model, i, x))
    gains = model.subnets[2].steps[0].multiplier
    assert gains.min() < 0 < gains.max(), "norms of either sign"


@pytest.mark.parametrize("gain", [0.0, 1e-12, -1e-7])
def test_a_unit_that_its_norm_has_switched_off_is_a_constant(gain: float) -> None:
    net = nest(dense_net(), specs(*WIDTHS)).eval()
    for i in range(3):
        norm = net.subnet_affines(i)[0]
        norm.weight.data[3], norm.bias.data[3] = gain, 0.8
    x = inputs(64)
    features = torch.from_numpy(real(x))
    model = quantize(net, name="net", ranges=ranges(net, features, [100.0])[0], source=SPEECH)
    validate_model(model)
    seen = net.trace(features, 2)[1].detach().flatten(1).numpy()
    step = model.subnets[2].steps[0]
    acc = interpreter.product(x, model.layers[0].weights) + step.bias
    ours = interpreter.requantize(acc, step.multiplier, step.kernel_zero)[:, 3].astype(float) - step.zero
    scale = seen.max() / 254
    assert np.abs(ours * scale - seen[:, 3]).max() <= 1.01 * scale


def test_a_unit_that_reads_a_constant_stays_one() -> None:
    """Its norm has seen no variance, so its gain is 300 times its weight, and fits no multiplier."""
    x = stored(floats(by_name("ds-cnn-s"), 32))
    features = torch.from_numpy((x.astype(np.float32) + 7) / 32)
    net = random_net(by_name("ds-cnn-s"))
    first = net.subnet_affines(0)[0]
    with torch.no_grad():
        first.weight[3] = 0
    settled(net, features)
    with torch.no_grad():
        net.weights[1][3] = torch.tensor([[0.0, 0, 0], [0, 0.7, 0], [0, 0, 0]])
        after = net.subnet_affines(0)[1]
        after.running_mean[3], after.running_var[3] = 0.7 * first.bias[3], 0
        after.weight[3], after.bias[3] = 3, 1
    model = quantize(net, name="net", ranges=ranges(net, features, [100.0])[0], source=FINE)
    seen = net.trace(features, 0)[2].detach().numpy()
    ours = interpreter.trace(model, 0, x)[2].astype(float) + 127
    scale = seen.max() / 254
    assert np.abs(seen[..., 3] - 1).max() < 1e-3
    assert np.abs(ours[..., 3] * scale - 1).max() <= 1.01 * scale


def test_a_layer_that_never_fires_is_all_zeros() -> None:
    net = dense_net()
    with torch.no_grad():
        net.subnet_affines(0)[2].weight.zero_()
        net.subnet_affines(0)[2].bias.fill_(-1.0)
    x = inputs(16)
    model = quantize(
        net, name="net", ranges=ranges(net, torch.from_numpy(real(x)), [100.0])[0], source=SPEECH
    )
    assert set(interpreter.trace(model, 0, x)[3].flat) == {-127}


def test_a_layer_that_no_multiplier_fits_is_refused() -> None:
    net = dense_net()
    with torch.no_grad():
        net.subnet_affines(0)[2].weight.fill_(1e4)
        net.subnet_affines(0)[2].bias.fill_(-1e7)
    seen = ranges(net, torch.from_numpy(real(inputs(16))), [100.0])
    with pytest.raises(QuantizeError, match=r"100%.*dense2"):
        quantize(net, name="net", ranges=seen[0], source=SPEECH)
