"""Make integer networks with random weights, for benchmarks and tests that need no trained network.

Tables are fitted to random inputs, layer by layer and subnet by subnet. So values keep the spread that they
have in a trained network, and are neither constant nor at their limits.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from reds.graph import Graph, Layer, Widths, channels
from reds.graph.lowering import integer_layers, tensor_shapes
from reds.pack import interpreter
from reds.pack.model import LIMIT, WEIGHTED, IntegerLayer, Kind, Model, Subnet, TensorShape
from reds.pack.validate import validate_model
from reds.zoo.random_steps import random_step

SHARES = (0.25, 0.5, 0.75, 1.0)
"""MACs of the default subnets, as fractions of the full network's."""
SAMPLES = 16
"""Number of random inputs that the tables are fitted to."""
WEIGHT_SPREAD = 36.0
"""Standard deviation of the weights."""
FRACTIONS = 256
"""Number of fractions of all units that `uniform_widths` tries."""


def uniform_widths(graph: Graph, shares: Sequence[float] = SHARES, step: int = 4) -> dict[str, Widths]:
    """Return subnets that keep the same fraction of every unit group.

    `reds.nesting.select` has the uniform baseline of the paper, which rounds down and heeds every kind of
    budget. Benchmarks keep these widths, rounded to the nearest, because kept figures depend on them.

    Args:
        graph: The full network.
        shares: For each subnet the most MACs, as a fraction of the full network's.
        step: Widths are multiples of this, and at least this. If no subnet is within the smallest share then,
            as heads of attention are few, every width is possible.

    Returns:
        The widest subnet within each share, by its name: the share in percent, as `25%`.
    """
    full = graph.macs(graph.full)
    if graph.macs(_scaled(graph, 0, step)) > min(shares) * full:
        step = 1
    candidates = [_scaled(graph, k / FRACTIONS, step) for k in range(1, FRACTIONS + 1)]
    return {
        f"{share:.0%}": [widths for widths in candidates if graph.macs(widths) <= share * full][-1]
        for share in shares
    }


def _scaled(graph: Graph, fraction: float, step: int) -> Widths:
    return tuple(
        min(group.units, max(step, round(fraction * group.units / step) * step)) if group.cut else group.units
        for group in graph.groups
    )


def with_random_weights(
    name: str, graph: Graph, subnets: Mapping[str, Widths] | None = None, seed: int = 0
) -> Model:
    """Return a network as a model with random weights. The same seed gives the same bytes.

    Args:
        name: The name of the model, 1 to 31 bytes.
        graph: The full network.
        subnets: Widths of the subnets by name, smallest first; by default `uniform_widths`.
        seed: Of all random numbers.
    """
    rng = np.random.default_rng(seed)
    tensors = tensor_shapes(graph)
    layers = integer_layers(graph, [_weights(rng, layer, graph) for layer in graph.layers])
    zero = int(rng.integers(-20, 20))
    source = tensors[0]
    x = rng.integers(-LIMIT, LIMIT + 1, (SAMPLES, source.height, source.width, source.units)).astype(np.int8)
    nested = tuple(
        _subnet(rng, subnet, graph, tensors, layers, widths, x, zero)
        for subnet, widths in (subnets or uniform_widths(graph)).items()
    )
    model = Model(name, tensors, layers, nested, 1 / LIMIT, zero)
    validate_model(model)
    return model


def _weights(rng: np.random.Generator, layer: Layer, graph: Graph) -> NDArray[np.int8]:
    if layer.kind not in WEIGHTED | {Kind.EMBED}:
        return np.zeros((0, 0), np.int8)
    rows = channels(layer.writes, graph.full)
    if layer.kind is Kind.EMBED:
        rows = graph.tensors[layer.output].positions
    normal = rng.normal(0, WEIGHT_SPREAD, (rows, layer.weights(graph.full) // rows))
    return np.rint(normal).clip(-LIMIT, LIMIT).astype(np.int8)


def _subnet(
    rng: np.random.Generator, name: str, graph: Graph, shapes: Sequence[TensorShape],
    layers: Sequence[IntegerLayer], widths: Widths, x: NDArray[np.int8], zero: int,
) -> Subnet:  # fmt: skip
    """Return a subnet, each step fitted to the values that the steps before it compute from x."""
    runs = graph.running(widths)
    tensors, steps = {0: interpreter.Read(x, zero)}, []
    for layer in (layers[i] for i in runs.layers):
        reads = [tensors[runs.stands.get(tensor, tensor)] for tensor in layer.inputs]
        units = graph.tensors[layer.output].channels(widths)
        activated = graph.layers[layer.output - 1].activation is not None
        step = random_step(rng, shapes, layer, units, reads, activated)
        y = interpreter.run_layer(shapes, layer, step, reads)
        tensors[layer.output] = interpreter.Read(y, step.zero)
        steps.append(step)
    return Subnet(name, graph.macs(widths), tuple(steps), 0.1, runs.stands)
