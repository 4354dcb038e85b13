"""From a trained elastic net to the integer network: int8 weights shared, tables per subnet.

Every weight row has one scale for all subnets. What a subnet owns (its norms, its activation scales, the
zero points of what it reads) is folded into one bias and one multiplier a row:
`y_q = zero + round((sum W_q x_q + bias) * multiplier / 2^32)`. An average and an addition end in the same
rule; a flatten and a maximum move bytes, and keep the scale of what they read.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from torch import Tensor, nn

from reds.elastic.net import Bias, ElasticNet, SharedNorm
from reds.errors import QuantizeError
from reds.graph.lowering import integer_layers, tensor_shapes
from reds.pack import row_encoding
from reds.pack.model import (
    FACTORED,
    LIMIT,
    MAX_FAN_IN,
    MULTIPLIER_STEP,
    REQUANTIZED,
    WEIGHTED,
    Kind,
    Model,
    Step,
    Subnet,
)
from reds.pack.model import IntegerLayer as IntLayer
from reds.pack.validate import validate_model
from reds.quantization.calibrate import Floats, Scale, output_scale

FACTORS = {Kind.ADD: 1 << 12, Kind.AVERAGE_POOL: 1 << 4}
"""The larger factor: in an addition large enough that rounding the other one costs nothing; in an average
small, so that the multiplier, which holds the division, is exact enough."""


def quantize(net: ElasticNet, *, name: str, ranges: Floats, scale: float, zero: int) -> Model:
    """Return the integer network of a trained net.

    Args:
        net: Its subnets become those of the model.
        name: Of the model, 1 to 31 bytes.
        ranges: Least and largest value that each layer's output scale covers, float64 [subnets, layers, 2].
        scale: Inputs are stored as `real = (q - zero) * scale`.
        zero: Zero point of the input, -127 to 127.

    Raises:
        QuantizeError: A layer's table does not fit the integer arithmetic.
    """
    std = net.std.double().numpy()
    weights = [
        integer_order(weight) / (std if 0 in layer.inputs else 1)
        for layer, weight in zip(net.graph.layers, net.weights, strict=True)
    ]
    row_scales = [np.maximum(np.abs(w).max(1, initial=0), 1e-12) / LIMIT for w in weights]
    shared = [np.rint(w / s[:, None]).astype(np.int8) for w, s in zip(weights, row_scales, strict=True)]
    layers = integer_layers(net.graph, shared)
    subnets = []
    for index, subnet in enumerate(net.subnets):
        widths = subnet.widths
        scales = [Scale(scale, zero, net.mean.double().numpy())]
        for layer, (least, largest) in zip(net.graph.layers, ranges[index].tolist(), strict=True):
            moved = layer.kind not in REQUANTIZED
            scales.append(scales[layer.inputs[0]] if moved else output_scale(layer, least, largest))
        units = [widths[t.group] * t.copies for t in net.graph.tensors]
        steps = tuple(
            step_of(f"{name}, {subnet.name}, {layer.name}", q, units, s, after, scales)
            for layer, q, s, after in zip(
                net.graph.layers, layers, row_scales, net.subnet_tails(index), strict=True
            )
        )
        subnets.append(Subnet(subnet.name, net.graph.macs(widths), steps, scales[-1].scale))
    model = Model(name, tensor_shapes(net.graph), layers, tuple(subnets), scale, zero)
    validate_model(model)
    return model


def integer_order(weight: Tensor) -> Floats:
    """A layer's weights as the integer network orders them: [units out, fan in], units in innermost."""
    values = weight.detach().double()
    if values.ndim == 4:
        values = values.permute(0, 2, 3, 1).flatten(1)
    return np.asarray(values.numpy()) if values.numel() else np.zeros((0, 0))


def step_of(
    where: str, layer: IntLayer, units: Sequence[int], row_scales: Floats, after: nn.Module,
    scales: Sequence[Scale],
) -> Step:  # fmt: skip
    """What one subnet does in one layer; `units` and `scales` are those of every tensor."""
    reads, writes, target = units[layer.inputs[0]], units[layer.output], scales[layer.output]
    empty = np.zeros(0, np.int32)
    bare = Step(reads, writes, empty, empty, target.zero)
    if layer.kind in WEIGHTED:
        return fold(where, layer, bare, row_scales, after, scales[layer.inputs[0]], target)
    if layer.kind in FACTORED:
        return combine(where, layer, bare, [scales[tensor] for tensor in layer.inputs], target)
    return bare


def fold(
    where: str, layer: IntLayer, step: Step, row_scales: Floats, after: nn.Module,
    source: Scale, target: Scale,
) -> Step:  # fmt: skip
    """A layer with weights: bias and multiplier of every row that a subnet writes."""
    weights, rows = layer.subnet_weights(step), row_scales[: step.units_out] * source.scale
    gain, center, offset = (values[: step.units_out] for values in affine(after))
    exact = gain * rows / target.scale * 2**32
    lost = np.abs(exact) > row_encoding.LARGEST_MULTIPLIER
    if lost.all():
        raise QuantizeError(f"{where}: no multiplier fits, its output is almost constant")
    # A unit whose norm saw nothing vary (it may read a unit that never fires) is a constant.
    constant = (offset - np.where(lost, 0, gain) * center) / target.scale
    zeros = weights @ (source.zero + np.broadcast_to(source.mean / source.scale, weights.shape[1]))
    try:
        bias, multiplier = row_encoding.fit_table(np.where(lost, 0, exact), constant, zeros, weights)
    except row_encoding.RowEncodingError as error:
        text = f"{where}: its table does not fit 16 bits ({error}), its output is almost constant"
        raise QuantizeError(text) from None
    return replace(step, bias=bias, multiplier=multiplier)


def combine(where: str, layer: IntLayer, step: Step, sources: Sequence[Scale], target: Scale) -> Step:
    """An average or an addition: one multiplier, and a factor for each tensor read."""
    gains = np.array([source.scale for source in sources]) / target.scale / layer.taps
    factor = min(FACTORS[layer.kind], MAX_FAN_IN // layer.taps)
    multiplier = np.rint(gains.max() / factor * 2**32 / MULTIPLIER_STEP) * MULTIPLIER_STEP
    if not 0 < multiplier < 2**31:
        raise QuantizeError(f"{where}: a multiplier does not fit int32, its output is almost constant")
    factors = [int(f) for f in np.rint(gains * 2**32 / multiplier)]
    bias = -layer.taps * sum(f * source.zero for f, source in zip(factors, sources, strict=True))
    return replace(
        step, bias=np.array([bias], np.int32), multiplier=np.array([multiplier], np.int32),
        factors=(factors[0], factors[1] if len(factors) > 1 else 0),
    )  # fmt: skip


def affine(after: nn.Module) -> tuple[Floats, Floats, Floats]:
    """What follows a layer at inference, `gain * (x - center) + offset`, for every row."""
    if isinstance(after, SharedNorm):
        gain, offset = (value.detach().double().numpy() for value in (after.gain, after.offset))
        return gain, np.zeros(len(gain)), offset
    assert isinstance(after, Bias | nn.BatchNorm1d)
    offset = after.bias.detach().double().numpy()
    if isinstance(after, Bias):
        return np.ones(len(offset)), np.zeros(len(offset)), offset
    assert after.running_mean is not None
    assert after.running_var is not None
    gain = (after.weight / (after.running_var + after.eps).sqrt()).detach().double().numpy()
    return gain, after.running_mean.double().numpy(), offset
