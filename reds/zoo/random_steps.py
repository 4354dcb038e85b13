"""Draw the tables of a layer with random weights, so that its outputs use the range of int8."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from reds.pack import interpreter
from reds.pack.interpreter import Read
from reds.pack.model import (
    BIAS_LIMIT,
    LIMIT,
    MAX_FAN_IN,
    MULTIPLIER_STEP,
    REQUANTIZED,
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
UNCHANGED = np.concatenate([[0], np.arange(-LIMIT, LIMIT + 1)]).astype(np.int8)
"""An activation table that writes what it reads. Every table takes the same time."""

Shapes = Sequence[TensorShape]
Rows = NDArray[np.int32]


def random_step(
    rng: np.random.Generator, shapes: Shapes, layer: IntegerLayer, units_out: int, reads: Sequence[Read],
    activated: bool = False,
) -> Step:  # fmt: skip
    """Return a step whose tables are fitted to the values that it reads.

    Args:
        rng: Source of random numbers.
        shapes: All tensors of the full network.
        layer: The layer.
        units_out: Units that the subnet writes.
        reads: The tensors that it reads.
        activated: Whether an activation table follows.
    """
    step = _step(rng, shapes, layer, units_out, reads)
    return replace(step, activation=Activation(UNCHANGED, step.zero)) if activated else step


def _step(
    rng: np.random.Generator, shapes: Shapes, layer: IntegerLayer, units_out: int, reads: Sequence[Read]
) -> Step:
    rows, units_in = table_rows(layer.kind, units_out, len(layer.inputs)), reads[0].values.shape[-1]
    none = np.zeros(rows, np.int32)
    unfitted = Step(layer.output - 1, units_in, units_out, none, none, 0, _factors(rng, layer))
    if layer.kind not in REQUANTIZED:
        return replace(unfitted, zero=reads[0].zero)
    if layer.kind is Kind.ATTENTION:
        unfitted = replace(unfitted, bias=_exponents(shapes[layer.output].units // layer.groups, reads))
    if layer.kind is Kind.LAYER_NORM:
        unfitted = replace(unfitted, bias=np.append(none[1:], units_in * units_in).astype(np.int32))
    if layer.kind is Kind.CONCAT:
        bias = np.array([-16 * read.zero for read in reads], np.int32)
        unfitted = replace(unfitted, bias=bias, multiplier=np.full(rows, 1 << 28, np.int32))
    else:
        unfitted = _fitted(rng, shapes, layer, unfitted, reads)
    return replace(unfitted, zero=-LIMIT if layer.relu else int(rng.integers(-20, 20)))


def _fitted(
    rng: np.random.Generator, shapes: Shapes, layer: IntegerLayer, step: Step, reads: Sequence[Read]
) -> Step:
    """Return a step with rows that bring its accumulators to the wanted spread."""
    acc = interpreter.accumulators(shapes, layer, step, reads)
    acc = acc.reshape(-1, 1 if len(step.bias) == 1 else step.units_out)
    mean, spread = acc.mean(axis=0), np.maximum(acc.std(axis=0), 1)
    wanted = (RELU_SPREAD if layer.relu else SPREAD) * rng.uniform(0.8, 1.2, len(spread))
    multiplier = nearest_encodable((wanted / spread * 2**32).clip(max=LARGEST_MULTIPLIER), MULTIPLIER_SHIFTS)
    bias = nearest_encodable(rng.normal(0, 0.3, len(spread)) * spread - mean, BIAS_SHIFTS)
    if layer.kind in (Kind.MULTIPLY, Kind.ATTENTION):
        bias = step.bias
    elif layer.kind is Kind.PRELU:
        bias = (multiplier // 4).clip(max=BIAS_LIMIT - 1) // MULTIPLIER_STEP * MULTIPLIER_STEP
    elif layer.kind is Kind.LAYER_NORM:
        bias, multiplier = np.append(bias, step.bias[-1:]), np.append(multiplier, np.int32(0))
    return replace(step, bias=bias.astype(np.int32), multiplier=multiplier)


def _factors(rng: np.random.Generator, layer: IntegerLayer) -> tuple[int, int]:
    if layer.kind in (Kind.ADD, Kind.EMBED):
        return int(rng.integers(800, 1600)), int(rng.integers(800, 1600))
    if layer.kind is Kind.AVERAGE_POOL:
        return min(16, MAX_FAN_IN // layer.taps), 0
    return 0, 0


def _exponents(head: int, reads: Sequence[Read]) -> Rows:
    """Return the multiplier of exponents by which scores have a deviation of about 1."""
    queries, keys = (float(read.values.std()) for read in reads[:2])
    wanted = np.log2(np.e) * 256 * 2**24 / max(1.0, np.sqrt(head) * queries * keys)
    return np.array([max(1, min(round(wanted), BIAS_LIMIT - 1))], np.int32)
