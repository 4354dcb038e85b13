"""Integer networks with random weights: for benches and tests of what does not depend on training.

Tables are fitted to random inputs, layer by layer and subnet by subnet, so that values keep the spread that
they have in a trained network: neither constant nor at their limits.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from reds.graph import Graph, Layer, Widths
from reds.graph.lowering import layers_of, tensors_of
from reds.pack import interpreter
from reds.pack.model import (
    LIMIT,
    MAX_FAN_IN,
    REQUANTIZED,
    WEIGHTED,
    IntegerLayer,
    Kind,
    Model,
    Step,
    Subnet,
    table_rows,
)
from reds.pack.row_encoding import BIAS_SHIFTS, LARGEST_MULTIPLIER, MULTIPLIER_SHIFTS, nearest
from reds.pack.validate import check

SHARES = (0.25, 0.5, 0.75, 1.0)
SAMPLES = 16
"""Random inputs that the tables are fitted to."""
WEIGHT_SPREAD = 36.0
SPREAD, RELU_SPREAD = 40.0, 75.0
"""Standard deviation of what a layer writes, in steps of int8; of a ReLU, which halves it, before it."""


def uniform(graph: Graph, shares: Sequence[float] = SHARES, step: int = 4) -> dict[str, Widths]:
    """For each share of the full net's MACs the widest subnet within it whose groups keep one fraction.

    Named by their shares, as `25%`; widths are multiples of `step`, at least one of them.
    """
    full = graph.macs(graph.full)
    each = [_scaled(graph, k / 256, step) for k in range(1, 257)]
    return {f"{share:.0%}": [w for w in each if graph.macs(w) <= share * full][-1] for share in shares}


def _scaled(graph: Graph, fraction: float, step: int) -> Widths:
    return tuple(
        min(group.units, max(step, round(fraction * group.units / step) * step)) if group.cut else group.units
        for group in graph.groups
    )


def untrained(name: str, graph: Graph, subnets: Mapping[str, Widths] | None = None, seed: int = 0) -> Model:
    """The chain as an integer network; `subnets` are group widths by label, smallest first, or `uniform`.

    The same seed gives the same bytes.
    """
    rng = np.random.default_rng(seed)
    tensors = tensors_of(graph)
    layers = layers_of(graph, [_weights(rng, layer, graph) for layer in graph.layers])
    zero = int(rng.integers(-20, 20))
    x = rng.integers(-LIMIT, LIMIT + 1, (SAMPLES, tensors[0].height, tensors[0].width, tensors[0].units))
    nested = tuple(
        Subnet(label, graph.macs(w), _steps(rng, graph, layers, w, x.astype(np.int8), zero), 0.1)
        for label, w in (subnets or uniform(graph)).items()
    )
    model = Model(name, tensors, layers, nested, 1 / LIMIT, zero)
    check(model)
    return model


def _weights(rng: np.random.Generator, layer: Layer, graph: Graph) -> NDArray[np.int8]:
    if layer.kind not in WEIGHTED:
        return np.zeros((0, 0), np.int8)
    rows = graph.full[layer.writes]
    normal = rng.normal(0, WEIGHT_SPREAD, (rows, layer.weights(graph.full) // rows))
    return np.rint(normal).clip(-LIMIT, LIMIT).astype(np.int8)


def _steps(
    rng: np.random.Generator, graph: Graph, layers: Sequence[IntegerLayer], widths: Widths,
    x: NDArray[np.int8], zero: int,
) -> tuple[Step, ...]:  # fmt: skip
    """A subnet's steps, each fitted to what the ones before it make of x."""
    units = [widths[t.group] * t.copies for t in graph.tensors]
    values, zeros, steps = [x], [zero], []
    for layer in layers:
        read, zero_in = [values[tensor] for tensor in layer.inputs], zeros[layer.inputs[0]]
        steps.append(_step(rng, layer, units[layer.inputs[0]], units[layer.output], read, zero_in))
        values.append(interpreter.run_layer(layer, steps[-1], read, zero_in))
        zeros.append(steps[-1].zero)
    return tuple(steps)


def _step(
    rng: np.random.Generator, layer: IntegerLayer, reads: int, writes: int,
    read: Sequence[NDArray[np.int8]], zero_in: int,
) -> Step:  # fmt: skip
    if layer.kind not in REQUANTIZED:
        return Step(reads, writes, np.zeros(0, np.int32), np.zeros(0, np.int32), zero_in)
    rows = table_rows(layer.kind, writes)
    factors = (0, 0)
    if layer.kind is Kind.ADD:
        factors = int(rng.integers(800, 1600)), int(rng.integers(800, 1600))
    if layer.kind is Kind.AVERAGE_POOL:
        factors = min(16, MAX_FAN_IN // layer.taps), 0
    none = np.zeros(rows, np.int32)
    bare = Step(reads, writes, none, none, 0, factors)
    acc = interpreter.sums(layer, bare, read, zero_in).reshape(-1, rows)
    mean, spread = acc.mean(axis=0), np.maximum(acc.std(axis=0), 1)
    wanted = (RELU_SPREAD if layer.relu else SPREAD) * rng.uniform(0.8, 1.2, rows)
    multiplier = nearest((wanted / spread * 2**32).clip(max=LARGEST_MULTIPLIER), MULTIPLIER_SHIFTS)
    bias = nearest(rng.normal(0, 0.3, rows) * spread - mean, BIAS_SHIFTS)
    zero = -LIMIT if layer.relu else int(rng.integers(-20, 20))
    return replace(bare, bias=bias, multiplier=multiplier, zero=zero)
