"""How TFLite is told to read each tensor's bytes, so that it computes what the pack says.

A pack has no scales between its layers, only ratios (multipliers and factors), so a tensor's scale may be
chosen. It is 1 where nothing else is asked, which keeps the weights' scales, m / 2^32, exact in float32; zero
points are the pack's. TFLite's MEAN and ADD ask for more: they have neither factors nor a bias of their own,
but follow from the labels of what they read and write.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from reds.export.tflite.flatbuffer import Label
from reds.pack.model import REQUANTIZED, WEIGHTED, IntegerLayer, Kind, Model, Step

LEAST_GAIN = 2.0**-24
"""That of the least multiplier: stands for 0, since no scale may be 0."""


@dataclass(frozen=True)
class Operand:
    """What TFLite's addition reads: the tensor times `sign`, under `label`."""

    label: Label
    sign: int


Operands = tuple[Operand, Operand]


def labels(model: Model) -> tuple[list[Label], dict[int, Operands]]:
    """The label of every tensor of a model with one subnet; what additions read, by the tensor they write.

    The last tensor's label is the subnet's own only where its layer has weights.
    """
    (subnet,) = model.subnets
    found, operands = [Label(model.input_scale, model.input_zero)], {}
    for layer, step in zip(model.layers, subnet.steps, strict=True):
        source = found[layer.inputs[0]]
        if layer.kind is Kind.ADD:
            written, both = addition(model, layer, step, found)
            for tensor, operand in zip(layer.inputs, both, strict=True):
                if operand.sign > 0 and free(model, tensor):
                    found[tensor] = operand.label
            operands[layer.output] = both
            found.append(written)
        elif (averaged := mean(model, layer, step, source)) is not None:
            found.append(averaged)
        else:
            found.append(Label(1.0, step.zero) if layer.kind in REQUANTIZED else source)
    if model.layers[-1].kind in WEIGHTED:
        found[-1] = own(model)
    return found, operands


def own(model: Model) -> Label:
    """How the pack itself reads the output of its one subnet."""
    (subnet,) = model.subnets
    return Label(subnet.output_scale, subnet.steps[-1].zero)


def free(model: Model, tensor: int) -> bool:
    """Whether a tensor may have any label: its layer has weights, and one addition alone reads it.

    Not after a ReLU: TFLite's ends at the label's zero point.
    """
    reads = sum(layer.inputs.count(tensor) for layer in model.layers)
    writer = model.layers[tensor - 1] if tensor else None
    return writer is not None and writer.kind in WEIGHTED and not writer.relu and reads == 1


def mean(model: Model, layer: IntegerLayer, step: Step, source: Label) -> Label | None:
    """The label under which TFLite's MEAN computes a step, if it can: an average over all sites.

    TFLite: y = z + gain * (mean of x - source.zero). z stands for the pack's bias too, which it meets to half
    a step; an average that was quantized, and not made up, has none but for zero points.
    """
    tensor = model.tensors[layer.inputs[0]]
    if layer.kind is not Kind.AVERAGE_POOL or layer.relu or layer.kernel != (tensor.height, tensor.width):
        return None
    multiplier = int(step.multiplier[0]) / 2**32
    gain = step.factors[0] * layer.taps * multiplier
    zero = round(step.zero + int(step.bias[0]) * multiplier + gain * source.zero)
    return Label(source.scale / gain, zero) if gain > 0 and zero == nearest_zero(zero) else None


def addition(model: Model, layer: IntegerLayer, step: Step, found: Sequence[Label]) -> tuple[Label, Operands]:
    """The label that an addition writes, and what it has to read for that.

    TFLite: y = z + g0 * (a - z0) + g1 * (b - z1), g the scales of what it reads in steps of the output. The
    zero points stand for the pack's bias: g0 * z0 + g1 * z1 is to be -bias * m / 2^32. One operand keeps its
    label where that is possible, preferably one that others read too.
    """
    multiplier = int(step.multiplier[0]) / 2**32
    gains = [factor * multiplier for factor in step.factors]
    signs = [int(np.sign(gain)) for gain in gains]
    sizes = [max(abs(gain), LEAST_GAIN) for gain in gains]
    wanted = -int(step.bias[0]) * multiplier
    kept = int(free(model, layer.inputs[0]) and not free(model, layer.inputs[1]))
    other, natural = 1 - kept, found[layer.inputs[kept]]
    scale = natural.scale / sizes[kept] if signs[kept] > 0 else 1.0
    scales = [scale * size for size in sizes]
    if signs[kept] > 0:
        scales[kept] = natural.scale  # to the last bit: another label would cost a copy
    zeros = [signs[kept] * natural.zero] * 2
    zeros[other] = nearest_zero((wanted - sizes[kept] * zeros[kept]) / sizes[other])
    if abs(wanted - np.dot(sizes, zeros)) > sizes[other]:
        zeros[kept] = nearest_zero((wanted - sizes[other] * zeros[other]) / sizes[kept])
    first, second = (Operand(Label(scales[k], zeros[k]), signs[k]) for k in (0, 1))
    return Label(scale, step.zero), (first, second)


def nearest_zero(value: float) -> int:
    """The zero point that an int8 can have nearest to a value."""
    return round(min(max(value, -128), 127))
