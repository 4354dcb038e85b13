"""Quantize a trained elastic net: all subnets share the int8 weights, each has its own tables.

The weights of an output unit have one scale for all subnets. Everything that a subnet owns (batch norms,
activation scales, zero points of its inputs) folds into one bias and one multiplier for each output unit:
`y_q = zero + round((sum W_q x_q + bias) * multiplier / 2^32)`. Average pools and additions end in the same
requantization. Flatten and max pool only move bytes, and keep the scale of their input.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from torch import Tensor, nn

from reds.data.catalog import DataSpec
from reds.elastic.affine import SharedNorm, UnitBias
from reds.elastic.net import ElasticNet, check_elastic
from reds.elastic.standardized import check_standardization
from reds.errors import QuantizeError, SettingsError
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
from reds.pack.scale import Floats, Scale
from reds.pack.validate import validate_model
from reds.quantization.calibrate import output_scale
from reds.rules import check_kind

FACTORS = {Kind.ADD: 1 << 12, Kind.AVERAGE_POOL: 1 << 4}
"""The larger factor of a layer without weights. It is large in an addition, so that rounding the other factor
costs nothing. It is small in an average pool, so that its multiplier, which divides, is exact enough."""
REMEDY = "train longer, or keep more units in it (`least`)"


def quantize(net: ElasticNet, *, name: str, ranges: Floats, source: DataSpec) -> Model:
    """Return the integer network of a trained net.

    Args:
        net: A trained net.
        name: Name of the model, 1 to 31 bytes.
        ranges: Smallest and largest value that each output scale covers, float64 [subnets, layers, 2].
        source: Data set whose scale, zero point and standardization store the input.

    Raises:
        DataError: The data set is standardized otherwise than the features that the net reads.
        QuantizeError: The tables of a layer do not fit the integer arithmetic.
        SettingsError: The ranges have another shape, or are not finite, or an argument has another type.
    """
    check_elastic(net)
    check_kind("name", name, str, "give a text of 1 to 31 bytes")
    check_kind("source", source, DataSpec, "give data.stored(name).set")
    check_standardization(net, source.standardization)
    shape = len(net.subnets), len(net.graph.layers), 2
    if np.shape(ranges) != shape or np.asarray(ranges).dtype.kind != "f" or not np.isfinite(ranges).all():
        raise SettingsError(
            f"ranges: finite numbers of shape {list(shape)} are needed, not of {list(np.shape(ranges))}: give"
            " those of one percentile"
        )
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
        runs = net.graph.running(widths)
        scales = [Scale(source.scale, source.zero, net.mean.double().numpy())]
        for layer, (least, largest) in zip(net.graph.layers, ranges[index].tolist(), strict=True):
            moved = layer.kind not in REQUANTIZED
            held = runs.stands.get(layer.output, layer.inputs[0] if moved else None)
            scales.append(output_scale(layer, least, largest) if held is None else scales[held])
        units = [tensor.channels(widths) for tensor in net.graph.tensors]
        affines = net.subnet_affines(index)
        steps = tuple(
            step_of(
                f"{name}, {subnet.name}, {net.graph.layers[i].name}", layers[i], units, row_scales[i],
                affines[i], scales,
            )
            for i in runs.layers
        )  # fmt: skip
        subnets.append(Subnet(subnet.name, net.graph.macs(widths), steps, scales[-1].scale, runs.stands))
    model = Model(
        name, tensor_shapes(net.graph), layers, tuple(subnets), source.scale, source.zero,
        bool(source.standardization.mean),
    )  # fmt: skip
    validate_model(model)
    return model


def integer_order(weight: Tensor) -> Floats:
    """Return weights float64 [output units, fan-in] in the integer network's order: input units innermost."""
    values = weight.detach().double()
    if values.ndim == 4:
        values = values.permute(0, 2, 3, 1).flatten(1)
    return np.asarray(values.numpy()) if values.numel() else np.zeros((0, 0))


def step_of(
    where: str, layer: IntLayer, units: Sequence[int], row_scales: Floats, affine: nn.Module,
    scales: Sequence[Scale],
) -> Step:  # fmt: skip
    """Return what one subnet computes in one layer.

    Args:
        where: Model, subnet and layer, for errors.
        layer: The integer layer, with the weights of the full net.
        units: Active units of every tensor.
        row_scales: Scale of each output unit's weights, float64 [output units].
        affine: The subnet's batch norm or bias after this layer.
        scales: Scale of every tensor.

    Raises:
        QuantizeError: The tables do not fit the integer arithmetic.
    """
    reads, writes, target = units[layer.inputs[0]], units[layer.output], scales[layer.output]
    empty = np.zeros(0, np.int32)
    bare = Step(layer.output - 1, reads, writes, empty, empty, target.zero)
    if layer.kind in WEIGHTED:
        return fold(where, layer, bare, row_scales, affine, scales[layer.inputs[0]], target)
    if layer.kind in FACTORED:
        return combine(where, layer, bare, [scales[tensor] for tensor in layer.inputs], target)
    return bare


def fold(
    where: str, layer: IntLayer, step: Step, row_scales: Floats, affine: nn.Module,
    source: Scale, target: Scale,
) -> Step:  # fmt: skip
    """Return the step of a layer with weights, with a bias and a multiplier for each active output unit.

    Args:
        where: Model, subnet and layer, for errors.
        layer: The integer layer.
        step: The step without tables.
        row_scales: Scale of each output unit's weights, float64 [output units].
        affine: The subnet's batch norm or bias after this layer.
        source: Scale of the input.
        target: Scale of the output.

    Raises:
        QuantizeError: The tables do not fit the integer arithmetic.
    """
    weights, rows = layer.subnet_weights(step), row_scales[: step.units_out] * source.scale
    gain, center, offset = (values[: step.units_out] for values in affine_of(affine))
    exact = gain * rows / target.scale * 2**32
    lost = np.abs(exact) > row_encoding.LARGEST_MULTIPLIER
    if lost.all():
        raise QuantizeError(f"{where}: no multiplier fits, its output is almost constant: {REMEDY}")
    # A unit whose batch norm saw no variance (its inputs may never leave 0) becomes a constant.
    constant = (offset - np.where(lost, 0, gain) * center) / target.scale
    zeros = weights @ (source.zero + np.broadcast_to(source.mean / source.scale, weights.shape[1]))
    try:
        bias, multiplier = row_encoding.fit_table(np.where(lost, 0, exact), constant, zeros, weights)
    except row_encoding.RowEncodingError as error:
        text = f"{where}: its table does not fit 16 bits ({error}), its output is almost constant: {REMEDY}"
        raise QuantizeError(text) from None
    return replace(step, bias=bias, multiplier=multiplier)


def combine(where: str, layer: IntLayer, step: Step, sources: Sequence[Scale], target: Scale) -> Step:
    """Return the step of an average pool or an addition, with one multiplier and a factor for each input.

    Args:
        where: Model, subnet and layer, for errors.
        layer: The integer layer.
        step: The step without tables.
        sources: Scale of each input.
        target: Scale of the output.

    Raises:
        QuantizeError: The multiplier does not fit int32.
    """
    gains = np.array([source.scale for source in sources]) / target.scale / layer.taps
    factor = min(FACTORS[layer.kind], MAX_FAN_IN // layer.taps)
    multiplier = np.rint(gains.max() / factor * 2**32 / MULTIPLIER_STEP) * MULTIPLIER_STEP
    if not 0 < multiplier < 2**31:
        raise QuantizeError(
            f"{where}: a multiplier does not fit int32, its output is almost constant: {REMEDY}"
        )
    factors = [int(f) for f in np.rint(gains * 2**32 / multiplier)]
    bias = -layer.taps * sum(f * source.zero for f, source in zip(factors, sources, strict=True))
    return replace(
        step, bias=np.array([bias], np.int32), multiplier=np.array([multiplier], np.int32),
        factors=(factors[0], factors[1] if len(factors) > 1 else 0),
    )  # fmt: skip


def affine_of(module: nn.Module) -> tuple[Floats, Floats, Floats]:
    """Return gain, center and offset of `gain * (x - center) + offset` at inference, float64 [units] each."""
    if isinstance(module, SharedNorm):
        gain, offset = (value.detach().double().numpy() for value in (module.gain, module.offset))
        return gain, np.zeros(len(gain)), offset
    assert isinstance(module, UnitBias | nn.BatchNorm1d)
    offset = module.bias.detach().double().numpy()
    if isinstance(module, UnitBias):
        return np.ones(len(offset)), np.zeros(len(offset)), offset
    assert module.running_mean is not None
    assert module.running_var is not None
    gain = (module.weight / (module.running_var + module.eps).sqrt()).detach().double().numpy()
    return gain, module.running_mean.double().numpy(), offset
