"""Convert the rows of a layer (one per output unit) to TFLite's weights, scales and biases.

TFLite's scales are positive, so a row with a negative multiplier flips the signs of its weights.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reds.export.tflite.flatbuffer import FlatBufferGraph, Quantization
from reds.export.tflite.quantization import LEAST_GAIN
from reds.pack.model import LIMIT, IntegerLayer, Kind, Step


@dataclass(frozen=True)
class Rows:
    """Hold rows that compute `y = zero + gain * (weights @ x) + offset` on stored values."""

    weights: NDArray[np.int8]
    """[rows, fan-in]."""
    gain: NDArray[np.float64]
    """[rows]."""
    offset: NDArray[np.float64]
    """[rows]."""


def rows_of(layer: IntegerLayer, step: Step, output: Quantization) -> Rows:
    """Return the rows of a layer; an average pool becomes a depthwise layer with equal weights.

    Args:
        layer: A layer with weights, or an average pool.
        step: The subnet's tables of this layer.
        output: Quantization of the layer's output.
    """
    gain = step.multiplier / 2**32
    offset = step.bias * gain + (step.zero - output.zero)
    if layer.kind is not Kind.AVERAGE_POOL:
        return Rows(layer.weights, gain, offset)
    return equal_rows(step.units_out, layer.taps, float(gain[0]) * step.factors[0], float(offset[0]))


def copy_rows(units: int, sign: int, output: Quantization) -> Rows:
    """Return depthwise rows that copy their stored input times a sign, for an output quantization."""
    return equal_rows(units, 1, sign, -output.zero)


def concat_rows(step: Step, index: int, units: int, output: Quantization) -> Rows:
    """Return depthwise rows that rescale one input of a concatenation.

    Args:
        step: The subnet's tables of the layer.
        index: The index of the input.
        units: Units of the input.
        output: Quantization of the layer's output.
    """
    gain = int(step.multiplier[index]) / 2**32
    return equal_rows(units, 1, 16 * gain, int(step.bias[index]) * gain + (step.zero - output.zero))


def prelu_rows(multiplier: NDArray[np.int32], zero: int) -> Rows:
    """Return depthwise rows that scale the distance of each unit from zero.

    Args:
        multiplier: The multiplier of each unit, of sixteen times the distance.
        zero: The zero point of what is read.
    """
    gain = multiplier / 2**28
    weights = np.full((len(gain), 1), LIMIT, np.int8)
    return Rows(weights, gain / LIMIT, -gain * zero)


def equal_rows(units: int, taps: int, gain: float, offset: float) -> Rows:
    """Return equal depthwise rows.

    Args:
        units: Number of rows.
        taps: Weights of each row.
        gain: Factor of the sum of the taps, in stored values.
        offset: Addend, in stored values.
    """
    ones = np.ones(units)
    return Rows(np.full((units, taps), LIMIT, np.int8), ones * gain / LIMIT, ones * offset)


def add_constants(
    graph: FlatBufferGraph, rows: Rows, source: Quantization, target: Quantization, shape: tuple[int, ...],
    axis: int,
) -> tuple[int, int]:  # fmt: skip
    """Add weights and bias of some rows to a graph; return the indices of both tensors.

    Args:
        graph: The graph.
        rows: The rows.
        source: Quantization of the input; TFLite subtracts its zero point, so the bias must not.
        target: Quantization of the output.
        shape: TFLite's shape of the weights.
        axis: The axis of the rows in it.
    """
    signed = (rows.weights * np.sign(rows.gain)[:, None]).astype(np.int8)
    gain = np.maximum(np.abs(rows.gain), LEAST_GAIN)
    bias = np.rint(rows.offset / gain) + source.zero * signed.sum(axis=1, dtype=np.int64)
    scales = gain * target.scale / source.scale
    ordered = signed if axis == 0 else signed.T
    limits = np.iinfo(np.int32)
    stored = bias.clip(limits.min, limits.max).astype(np.int32)
    weights = graph.constant(ordered.reshape(shape), scales, axis)
    return weights, graph.constant(stored, scales * source.scale)
