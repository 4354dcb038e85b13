"""Fit the random table of a layer to the values that it reads, so that its outputs use the range of int8."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from reds.pack import interpreter
from reds.pack.model import (
    COPYING,
    LIMIT,
    MAX_FAN_IN,
    Activation,
    IntegerLayer,
    Kind,
    Step,
    TensorShape,
    table_rows,
)
from reds.pack.row_encoding import BIAS_SHIFTS, LARGEST_MULTIPLIER, MULTIPLIER_SHIFTS, nearest_encodable

SPREAD, RELU_SPREAD = 40.0, 75.0
"""Standard deviation of a layer's outputs in int8 steps. The second is for a ReLU, before it clips half."""
SCORE_SPREAD = 1.5
"""Standard deviation of an attention's scores, as powers of two."""
BEND = 16.0
"""Steps of int8 over which every activation table bends, as a SiLU does."""
NO_ROWS = np.zeros(0, np.int32)
Reads = Sequence[interpreter.Read]


def random_step(
    rng: np.random.Generator, shapes: Sequence[TensorShape], layer: IntegerLayer, units: tuple[int, int],
    reads: Reads, activation: bool,
) -> Step:  # fmt: skip
    """Return a layer in one subnet, with random tables.

    Args:
        rng: Draws them.
        shapes: All tensors of the full network.
        layer: The layer.
        units: Units that the subnet reads and writes.
        reads: Values that it reads.
        activation: Whether the layer ends in an activation table.
    """
    step = Step(layer.output - 1, *units, NO_ROWS, NO_ROWS, reads[0].zero)
    if layer.kind not in COPYING:
        step = _FIXED.get(layer.kind, _fitted)(rng, shapes, layer, step, reads)
        step = replace(step, zero=-LIMIT if layer.relu else int(rng.integers(-20, 20)))
    return replace(step, activation=_bend(step.zero)) if activation else step


def _fitted(
    rng: np.random.Generator, shapes: Sequence[TensorShape], layer: IntegerLayer, step: Step, reads: Reads
) -> Step:
    """Return a step whose multipliers give its outputs the wanted spread, and whose biases center them."""
    rows = table_rows(layer.kind, step.units_out)
    factors = (0, 0)
    if layer.kind in (Kind.ADD, Kind.EMBED):
        factors = int(rng.integers(800, 1600)), int(rng.integers(800, 1600))
    if layer.kind is Kind.AVERAGE_POOL:
        factors = min(16, MAX_FAN_IN // layer.taps), 0
    bias = np.zeros(rows, np.int32)
    if layer.kind is Kind.ATTENTION:
        bias[0] = _exponents(reads, shapes[layer.output].units // layer.groups)
    step = replace(step, bias=bias, multiplier=bias, factors=factors)
    acc = interpreter.accumulators(shapes, layer, step, reads).reshape(-1, rows)
    mean, spread = acc.mean(axis=0), np.maximum(acc.std(axis=0), 1)
    wanted = (RELU_SPREAD if layer.relu else SPREAD) * rng.uniform(0.8, 1.2, rows)
    multiplier = _multipliers(wanted / spread)
    if layer.kind not in (Kind.MULTIPLY, Kind.ATTENTION):
        bias = nearest_encodable(rng.normal(0, 0.3, rows) * spread - mean, BIAS_SHIFTS)
    return replace(step, bias=bias, multiplier=multiplier)


def _multipliers(factors: NDArray[np.float64]) -> NDArray[np.int32]:
    return nearest_encodable((factors * 2**32).clip(max=LARGEST_MULTIPLIER), MULTIPLIER_SHIFTS)


def _exponents(reads: Reads, head: int) -> int:
    """Return the multiplier of an attention's scores, for heads of so many units."""
    spread = max(1.0, float(reads[0].values.std() * reads[1].values.std()) * head**0.5)
    return max(1, min(int(SCORE_SPREAD * 256 * 2**24 / spread), (1 << 30) - 1))


def _concat(
    rng: np.random.Generator, shapes: Sequence[TensorShape], layer: IntegerLayer, step: Step, reads: Reads
) -> Step:
    """Keep the scale of every input."""
    bias = np.array([-16 * read.zero for read in reads], np.int32)
    return replace(step, bias=bias, multiplier=np.full(len(reads), 2**28, np.int32))


def _prelu(
    rng: np.random.Generator, shapes: Sequence[TensorShape], layer: IntegerLayer, step: Step, reads: Reads
) -> Step:
    """Keep the scale, and give each unit a slope of its own below 0."""
    slopes = rng.uniform(0.1, 0.5, step.units_out)
    ones = np.ones(step.units_out)
    return replace(step, bias=_multipliers(slopes / 16), multiplier=_multipliers(ones / 16))


def _layer_norm(
    rng: np.random.Generator, shapes: Sequence[TensorShape], layer: IntegerLayer, step: Step, reads: Reads
) -> Step:
    """Give each unit a gain and an offset of its own."""
    gains = SPREAD * rng.uniform(0.8, 1.2, step.units_out) / 4096
    bias = np.rint(rng.normal(0, 1024, step.units_out)).astype(np.int32)
    return replace(
        step,
        bias=np.append(bias, np.int32(step.units_in)),
        multiplier=np.append(_multipliers(gains), np.int32(0)),
    )


_FIXED = {Kind.CONCAT: _concat, Kind.PRELU: _prelu, Kind.LAYER_NORM: _layer_norm}
"""Kinds whose outputs have a known spread."""


def _bend(zero: int) -> Activation:
    """Return a table with the form of a SiLU; which function it is decides no cost."""
    x = np.arange(-128.0, 128) - zero
    y = np.rint(x / (1 + np.exp(-x / BEND))) + zero
    table = y.clip(-LIMIT, LIMIT).astype(np.int8)
    table[0] = 0
    return Activation(table, zero)
