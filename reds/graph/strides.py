"""Change strides of a graph: the same layers and units at other resolutions."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from reds.errors import GraphError
from reds.graph import Graph, Layer, Tensor, same_padding
from reds.pack.model import WEIGHTED, WINDOWED, Kind
from reds.spelling import did_you_mean
from reds.text import shown

LONGEST = 255
"""Largest stride of the pack format."""


def restrided(graph: Graph, strides: Mapping[str, Sequence[int]]) -> Graph:
    """Return a network whose budgets are shares of this one, with other strides of some layers.

    Padding stays `same` where it is that of TensorFlow, a pool of all positions stays one, and whatever
    follows a flatten reads as many features as there are then.

    Args:
        graph: The network.
        strides: Rows and columns that a window moves by, for the names of layers with windows.

    Raises:
        GraphError: No layer with a window has this name, a stride is none, no window fits any more, or the
            inputs of an addition would differ.
    """
    windows = [layer.name for layer in graph.layers if layer.kind in WINDOWED]
    for name, stride in strides.items():
        if name not in windows:
            raise GraphError(f"strides: no layer {shown(name)} has a window: {did_you_mean(name, windows)}")
        if len(stride) != 2 or not all(1 <= n <= LONGEST for n in stride):
            raise GraphError(
                f"strides, {name}: {shown(list(stride))}: rows and columns are needed, 1 to {LONGEST} each"
            )
    if not strides:
        return graph
    tensors, layers = [graph.tensors[0]], []
    for layer in graph.layers:
        stride = strides.get(layer.name, layer.stride)
        moved, tensor = _moved(layer, graph, tensors, (stride[0], stride[1]))
        layers.append(moved)
        tensors.append(tensor)
    return Graph(graph.groups, tuple(tensors), tuple(layers), graph.whole)


def _moved(
    layer: Layer, graph: Graph, tensors: Sequence[Tensor], stride: tuple[int, int]
) -> tuple[Layer, Tensor]:
    """Return a layer and its output, where its inputs are these tensors."""
    source, before = tensors[layer.inputs[0]], graph.tensors[layer.inputs[0]]
    output = graph.tensors[layer.output]
    if layer.kind is Kind.FLATTEN:
        return layer, replace(output, copies=source.height * source.width * source.copies)
    if layer.kind is Kind.DENSE:
        if (source.height, source.width) != (1, 1):
            raise GraphError(
                f"strides: layer {layer.name} would read {_positions(source)} positions, not 1 x 1"
            )
        return replace(layer, per_pair=source.copies, copies=source.copies), output
    if layer.kind is Kind.ADD:
        other = tensors[layer.inputs[1]]
        if (source.height, source.width) != (other.height, other.width):
            raise GraphError(
                f"strides: layer {layer.name} would add {_positions(source)} and {_positions(other)}"
                " positions: give layers of both branches strides"
            )
        return layer, replace(output, height=source.height, width=source.width)
    sides, old_sides = (source.height, source.width), (before.height, before.width)
    kernel, padding = layer.kernel, layer.padding
    if layer.kind not in WEIGHTED and kernel == old_sides:  # a pool of all positions
        kernel = sides
        stride = kernel if layer.stride == layer.kernel and stride == layer.stride else stride
    elif any(padding) and padding == same_padding(old_sides, kernel, layer.stride):
        padding = same_padding(sides, kernel, stride)
    top, left, bottom, right = padding
    padded = sides[0] + top + bottom, sides[1] + left + right
    height, width = ((n - k) // s + 1 for n, k, s in zip(padded, kernel, stride, strict=True))
    if height < 1 or width < 1:
        raise GraphError(
            f"strides: the window of layer {layer.name}, {kernel[0]} x {kernel[1]}, would not fit its"
            f" {_positions(source)} positions: choose smaller strides"
        )
    per_pair = height * width * kernel[0] * kernel[1] if layer.kind in WEIGHTED else 0
    moved = replace(layer, kernel=kernel, stride=stride, padding=padding, per_pair=per_pair)
    return moved, replace(output, height=height, width=width)


def _positions(tensor: Tensor) -> str:
    return f"{tensor.height} x {tensor.width}"
