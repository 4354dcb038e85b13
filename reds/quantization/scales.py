"""Choose the int8 scale of every tensor of a subnet, and of what its activations read."""

from collections.abc import Sequence
from dataclasses import dataclass

from reds.graph import Graph, Layer, Widths
from reds.pack.model import BIAS_LIMIT, COPYING, LIMIT, Kind
from reds.pack.scale import Floats, Scale, range_scale
from reds.quantization.activation_tables import output_ends, read_ends

COPY_BITS = 4
"""Bits below 1 in the accumulators of a concatenation and a PReLU."""
SPARE = 1 + 2.0**-10
"""Keeps multipliers below their limit when they are rounded."""
LEAST_RANGE = 1e-3
"""Smallest range of an activation. Activations that are almost 0 would need multipliers that do not fit."""


@dataclass(frozen=True)
class LayerScales:
    """The scales of one layer in one subnet."""

    kernel: Scale
    """Scale of the values that its arithmetic writes and its activation table reads."""
    output: Scale
    """Scale of its output; equal to `kernel` without an activation."""


def subnet_scales(graph: Graph, widths: Widths, ranges: Floats, source: Scale) -> list[LayerScales]:
    """Return the scales of the network's input, then of every layer.

    Args:
        graph: The full network.
        widths: Units that the subnet keeps in each unit group.
        ranges: Smallest and largest value that each layer writes before its activation, float64 [layers, 2].
        source: The scale of the input.
    """
    stands, least = graph.running(widths).stands, least_steps(graph, widths)
    scales = [LayerScales(source, source)]
    for layer, (low, high) in zip(graph.layers, ranges.tolist(), strict=True):
        reads = [scales[tensor].output for tensor in layer.inputs]
        finest, least_step = finest_step(layer, reads), least[layer.output]
        if layer.output in stands:
            held = scales[stands[layer.output]].output
            scales.append(LayerScales(held, held))
        elif layer.activation is not None:
            output = output_scale(layer, low, high, least_step)
            kernel = reads[0] if layer.kind in COPYING else read_scale(layer, low, high, output, finest)
            scales.append(LayerScales(kernel, output))
        elif layer.kind in COPYING:
            scales.append(LayerScales(reads[0], reads[0]))
        else:
            own = output_scale(layer, low, high, max(finest, least_step))
            scales.append(LayerScales(own, own))
    return scales


def output_scale(layer: Layer, low: float, high: float, least: float = 0.0) -> Scale:
    """Return the scale of a layer's output: from 0 up after a ReLU, else the whole range.

    The range ends at the ReLU's ceiling at the latest, so that saturation at 127 applies the ceiling.

    Args:
        layer: The layer, for its ReLU or its activation.
        low: Smallest value that it writes before its activation.
        high: Largest value.
        least: Smallest step of the scale.
    """
    if layer.activation is not None:
        low, high = output_ends(layer.activation, low, high)
    low = 0.0 if layer.relu else min(low, 0.0)
    return range_scale(low, min(max(high, LEAST_RANGE, low + 2 * LIMIT * least), layer.ceiling))


def read_scale(layer: Layer, low: float, high: float, output: Scale, least: float = 0.0) -> Scale:
    """Return the scale of what a layer writes for its activation table.

    Args:
        layer: The layer; it has an activation.
        low: Smallest value that it writes.
        high: Largest value.
        output: Scale of its output.
        least: Smallest step of the scale.
    """
    assert layer.activation is not None
    low, high = read_ends(layer.activation, low, high, output.scale)
    return range_scale(low, max(high, LEAST_RANGE, low + 2 * LIMIT * least))


def finest_step(layer: Layer, reads: Sequence[Scale]) -> float:
    """Return the finest step of what a layer writes for which its multipliers fit int32, 0 for any.

    Such a step is finer than those of what the layer reads, so that a coarser one loses little.

    Args:
        layer: The layer.
        reads: The scales of its inputs.
    """
    match layer.kind:
        case Kind.MULTIPLY:
            return SPARE * 2 * reads[0].scale * reads[1].scale
        case Kind.CONCAT | Kind.PRELU:
            return SPARE * max(read.scale for read in reads) / (1 << (COPY_BITS - 1))
        case _:
            return 0.0


def least_steps(graph: Graph, widths: Sequence[int]) -> list[float]:
    """Return the smallest step that the scale of each tensor may have, 0 for any.

    A layer norm adds its epsilon to the variance in squared steps of its input. A finer step would lose
    accuracy nowhere but below the epsilon, and make it too large for the integers.
    """
    least, stands = [0.0] * len(graph.tensors), graph.running(widths).stands
    for layer in reversed(graph.layers):
        step, keeps = 0.0, layer.kind in COPYING and layer.activation is None
        if layer.kind is Kind.LAYER_NORM:
            units = graph.tensors[layer.output].channels(widths)
            step = units * (layer.eps / (BIAS_LIMIT - 1)) ** 0.5
        elif keeps or layer.output in stands:
            step = least[layer.output]
        for tensor in (stands[layer.output],) if layer.output in stands else layer.inputs:
            least[tensor] = max(least[tensor], step)
    return least
