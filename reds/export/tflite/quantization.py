"""Choose the quantization of each TFLite tensor so that TFLite computes what the pack computes.

A pack has no scales between its layers, only ratios (multipliers and factors), so a tensor's scale may be
chosen freely. It is 1 where nothing else is needed, which keeps the weights' scales, m / 2^32, exact in
float32; zero points are the pack's. TFLite's MEAN and ADD need more: they have no factors and no bias, so
their arithmetic follows from the quantization of their inputs and their output.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from reds.export.tflite.flatbuffer import Quantization
from reds.pack.model import REQUANTIZED, WEIGHTED, IntegerLayer, Kind, Model, Step

LEAST_GAIN = 2.0**-24
"""Gain of the smallest multiplier; it stands for 0, since a scale has to be above 0."""


@dataclass(frozen=True)
class Operand:
    """Describe an input of an addition or multiplication: a tensor times `sign`, with a quantization."""

    quantization: Quantization
    sign: int


Operands = tuple[Operand, Operand]


def quantizations(model: Model) -> tuple[list[Quantization], dict[int, Operands]]:
    """Return the quantization of every tensor, and the operands of additions and multiplications by output.

    The model has one subnet. Its last tensor has the pack's own output scale only if the last layer has
    weights.
    """
    (subnet,) = model.subnets
    found, operands = [Quantization(model.input_scale, model.input_zero)], {}
    for layer, step in zip(model.layers, subnet.steps, strict=True):
        source = found[layer.inputs[0]]
        if layer.kind is Kind.ADD:
            output, pair = add_quantization(model, layer, step, found)
            for tensor, operand in zip(layer.inputs, pair, strict=True):
                if operand.sign > 0 and can_rescale(model, tensor):
                    found[tensor] = operand.quantization
            operands[layer.output] = pair
            found.append(output)
        elif layer.kind is Kind.MULTIPLY:
            zeros = [model.rooms(0)[tensor].zero for tensor in layer.inputs]
            output, operands[layer.output] = multiply_quantization(layer, step, found, zeros)
            found.append(output)
        elif (averaged := mean_quantization(model, layer, step, source)) is not None:
            found.append(averaged)
        else:
            new = layer.kind in REQUANTIZED or step.activation is not None
            found.append(Quantization(1.0, step.zero) if new else source)
    if model.layers[-1].kind in WEIGHTED:
        found[-1] = output_quantization(model)
    return found, operands


def output_quantization(model: Model) -> Quantization:
    """Return the quantization with which the pack itself reads the output of its one subnet."""
    (subnet,) = model.subnets
    return Quantization(subnet.output_scale, subnet.steps[-1].zero)


def can_rescale(model: Model, tensor: int) -> bool:
    """Tell whether a tensor may have any quantization: only one addition reads it, and its layer has weights.

    A tensor after a ReLU may not: TFLite's ReLU ends at the zero point.
    """
    reads = sum(layer.inputs.count(tensor) for layer in model.layers)
    writer = model.layers[tensor - 1] if tensor else None
    return writer is not None and writer.kind in WEIGHTED and not writer.relu and reads == 1


def mean_quantization(
    model: Model, layer: IntegerLayer, step: Step, source: Quantization
) -> Quantization | None:
    """Return the output quantization with which TFLite's MEAN computes a step, or None if it cannot.

    MEAN averages over all spatial positions: y = z + gain * (mean of x - source.zero). Its z also stands for
    the pack's bias, to half a step. An average pool from quantization has no bias beyond its zero points;
    only random test nets have one.

    Args:
        model: A model with one subnet.
        layer: The layer of the step.
        step: The subnet's tables of this layer.
        source: Quantization of the input.
    """
    tensor = model.tensors[layer.inputs[0]]
    if layer.kind is not Kind.AVERAGE_POOL or layer.relu or layer.kernel != (tensor.height, tensor.width):
        return None
    if any(layer.padding):
        return None
    multiplier = int(step.multiplier[0]) / 2**32
    gain = step.factors[0] * layer.taps * multiplier
    zero = round(step.zero + int(step.bias[0]) * multiplier + gain * source.zero)
    return Quantization(source.scale / gain, zero) if gain > 0 and zero == nearest_zero(zero) else None


def add_quantization(
    model: Model, layer: IntegerLayer, step: Step, found: Sequence[Quantization]
) -> tuple[Quantization, Operands]:
    """Return the output quantization of an addition and the operands that it has to read.

    TFLite computes y = z + g0 * (a - z0) + g1 * (b - z1), where g are the operands' scales divided by the
    output's. The zero points stand for the pack's bias: g0 * z0 + g1 * z1 has to be -bias * m / 2^32. One
    operand keeps its quantization where possible, preferably one that other layers read too.

    Args:
        model: A model with one subnet.
        layer: The addition.
        step: The subnet's tables of this layer.
        found: Quantization of every tensor before the addition.
    """
    multiplier = int(step.multiplier[0]) / 2**32
    gains = [factor * multiplier for factor in step.factors]
    signs = [int(np.sign(gain)) for gain in gains]
    sizes = [max(abs(gain), LEAST_GAIN) for gain in gains]
    offset = -int(step.bias[0]) * multiplier
    kept = int(can_rescale(model, layer.inputs[0]) and not can_rescale(model, layer.inputs[1]))
    other, natural = 1 - kept, found[layer.inputs[kept]]
    scale = natural.scale / sizes[kept] if signs[kept] > 0 else 1.0
    scales = [scale * size for size in sizes]
    if signs[kept] > 0:
        scales[kept] = natural.scale  # to the last bit: another quantization would cost a copy
    zeros = [signs[kept] * natural.zero] * 2
    zeros[other] = nearest_zero((offset - sizes[kept] * zeros[kept]) / sizes[other])
    if abs(offset - np.dot(sizes, zeros)) > sizes[other]:
        zeros[kept] = nearest_zero((offset - sizes[other] * zeros[other]) / sizes[kept])
    first, second = (Operand(Quantization(scales[k], zeros[k]), signs[k]) for k in (0, 1))
    return Quantization(scale, step.zero), (first, second)


def multiply_quantization(
    layer: IntegerLayer, step: Step, found: Sequence[Quantization], zeros: Sequence[int]
) -> tuple[Quantization, Operands]:
    """Return the output quantization of a multiplication and the operands that it has to read.

    TFLite computes y = z + g * (a - z0) * (b - z1), where g is the product of the operands' scales divided by
    the output's. A negative multiplier flips the sign of the first operand.

    Args:
        layer: The multiplication.
        step: The subnet's table of this layer.
        found: Quantization of every tensor before it.
        zeros: The pack's zero points of its inputs.
    """
    gain, scales = int(step.multiplier[0]) / 2**32, [found[tensor].scale for tensor in layer.inputs]
    sign = -1 if gain < 0 else 1
    first = Operand(Quantization(scales[0], sign * zeros[0]), sign)
    output = Quantization(scales[0] * scales[1] / max(abs(gain), LEAST_GAIN), step.zero)
    return output, (first, Operand(Quantization(scales[1], zeros[1]), 1))


def nearest_zero(value: float) -> int:
    """Return the int8 zero point nearest to a value."""
    return round(min(max(value, -128), 127))
