"""Random tables for every kind of layer, of sizes that use the range of int8 and sometimes leave it."""

from collections.abc import Sequence

import numpy as np

from reds.pack.model import COPYING, LIMIT, IntegerLayer, Kind, Step
from reds.pack.row_encoding import BIAS_SHIFTS, MULTIPLIER_SHIFTS, nearest_encodable

NO_ROWS = np.zeros(0, np.int32)


def random_step(
    rng: np.random.Generator, layer: IntegerLayer, reads: int, writes: int, zeros: Sequence[int], head: int
) -> Step:
    """A step of a layer that reads tensors with these zero points; `head` is the units of an attention's."""
    index = layer.output - 1
    zero = -LIMIT if layer.relu else int(rng.integers(-20, 20))
    if layer.kind in COPYING:
        return Step(index, reads, writes, NO_ROWS, NO_ROWS, zeros[0])
    if layer.kind in (Kind.ADD, Kind.EMBED):
        bias, m = rng.integers(-9000, 9000, 1).astype(np.int32), np.array([2**20 + 256], np.int32)
        factors = int(rng.integers(-2048, 2048)), int(rng.integers(1024, 4096))
        return Step(index, reads, writes, bias, m, zero, factors)
    if layer.kind is Kind.AVERAGE_POOL:
        m = np.array([int(2**20 / layer.taps * rng.uniform(0.5, 1.5)) * 256], np.int32)
        bias = rng.integers(-50, 50, 1).astype(np.int32)
        return Step(index, reads, writes, bias, m, zero, (16, 0))
    if layer.kind in _TABLES:
        bias, m = _TABLES[layer.kind](rng, layer, reads, zeros, head)
        return Step(index, reads, writes, bias, m, zero)
    fan_in = layer.weights.shape[1] if layer.kind in (Kind.DEPTHWISE, Kind.GROUPED) else layer.taps * reads
    bias = nearest_encodable(rng.integers(-40_000, 40_000, writes).astype(float), BIAS_SHIFTS)
    size = rng.uniform(0.5, 1.5, writes) * rng.choice([-1, 1], writes, p=[0.1, 0.9])
    size /= 127 * 73 * max(1.0, np.sqrt(fan_in)) / 90
    multiplier = nearest_encodable(size * 2**32, MULTIPLIER_SHIFTS)
    return Step(index, reads, writes, bias, multiplier, zero)


Table = tuple[np.ndarray, np.ndarray]


def _multipliers(rng: np.random.Generator, mean: float, rows: int = 1) -> np.ndarray:
    """Multipliers of either sign about a mean, in steps of 256."""
    sizes = rng.uniform(0.3, 2, rows) * rng.choice([-1, 1], rows, p=[0.15, 0.85])
    return (np.rint(sizes * mean / 256).clip(-(2**22), 2**22) * 256).astype(np.int32)


def _multiply(
    rng: np.random.Generator, layer: IntegerLayer, reads: int, zeros: Sequence[int], head: int
) -> Table:
    return np.zeros(1, np.int32), _multipliers(rng, 2**32 / 127)


def _concat(
    rng: np.random.Generator, layer: IntegerLayer, reads: int, zeros: Sequence[int], head: int
) -> Table:
    return -16 * np.array(zeros, np.int32), _multipliers(rng, 2**28, len(layer.inputs))


def _prelu(
    rng: np.random.Generator, layer: IntegerLayer, reads: int, zeros: Sequence[int], head: int
) -> Table:
    return _multipliers(rng, 2**27, reads), _multipliers(rng, 2**28, reads)


def _layer_norm(
    rng: np.random.Generator, layer: IntegerLayer, reads: int, zeros: Sequence[int], head: int
) -> Table:
    epsilon = int(rng.choice([1, 7, reads, 100 * reads * reads, (1 << 30) - 1]))
    bias = np.append(rng.integers(-9000, 9000, reads), epsilon).astype(np.int32)
    return bias, np.append(_multipliers(rng, 2**32 / 136, reads), 0).astype(np.int32)


def _attention(
    rng: np.random.Generator, layer: IntegerLayer, reads: int, zeros: Sequence[int], head: int
) -> Table:
    spread = np.sqrt(head) * 5000
    exponents = int(2.0 ** rng.uniform(-3, 3) * 256 * 2**24 / spread)
    return np.array([min(exponents, (1 << 30) - 1)], np.int32), _multipliers(rng, 2**18)


_TABLES = {
    Kind.MULTIPLY: _multiply,
    Kind.CONCAT: _concat,
    Kind.PRELU: _prelu,
    Kind.LAYER_NORM: _layer_norm,
    Kind.ATTENTION: _attention,
}
