"""Rows of a layer with weights as TFLite quantizes them: a scale for each, all of them positive."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reds.export.tflite.flatbuffer import Graph, Label
from reds.export.tflite.quantization import LEAST_GAIN
from reds.pack.model import LIMIT, IntegerLayer, Kind, Step


@dataclass(frozen=True)
class Rows:
    """What rows compute: `y = label.zero + gain * (weights @ x) + offset`, in bytes as stored.

    `weights` int8 [rows, fan_in], `gain` and `offset` float64 [rows].
    """

    weights: NDArray[np.int8]
    gain: NDArray[np.float64]
    offset: NDArray[np.float64]


def rows(layer: IntegerLayer, step: Step, label: Label) -> Rows:
    """The rows of a layer that writes under a label; an average is depthwise, all its weights alike."""
    gain = step.multiplier / 2**32
    offset = step.bias * gain + (step.zero - label.zero)
    if layer.kind is not Kind.AVERAGE_POOL:
        return Rows(layer.weights, gain, offset)
    return alike(step.units_out, layer.taps, float(gain[0]) * step.factors[0], float(offset[0]))


def copied(units: int, sign: int, label: Label) -> Rows:
    """Depthwise rows that write the bytes they read, times a sign, under a label."""
    return alike(units, 1, sign, -label.zero)


def alike(units: int, taps: int, gain: float, offset: float) -> Rows:
    """Depthwise rows that all compute `gain` times the sum of their taps, and `offset`."""
    ones = np.ones(units)
    return Rows(np.full((units, taps), LIMIT, np.int8), ones * gain / LIMIT, ones * offset)


def constants(
    graph: Graph, of: Rows, x: Label, y: Label, shape: tuple[int, ...], axis: int
) -> tuple[int, int]:
    """Weights in TFLite's `shape`, their rows along `axis`; the bias without the input's zero point."""
    signed = (of.weights * np.sign(of.gain)[:, None]).astype(np.int8)
    gain = np.maximum(np.abs(of.gain), LEAST_GAIN)
    bias = np.rint(of.offset / gain) + x.zero * signed.sum(axis=1, dtype=np.int64)
    scales = gain * y.scale / x.scale
    laid = signed if axis == 0 else signed.T
    limits = np.iinfo(np.int32)
    whole = bias.clip(limits.min, limits.max).astype(np.int32)
    return graph.constant(laid.reshape(shape), scales, axis), graph.constant(whole, scales * x.scale)
