"""Change strides of a graph: the same layers and units at other resolutions."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from reds.errors import GraphError
from reds.graph import Graph, Layer, Tensor, same_padding
from reds.graph.geometry import Pair, positions, reach, spread
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
        GraphError: No layer with a window has this name, a stride is none, no window fits any more, the
            inputs of an addition would differ, or a layer has constants for each position.
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
        read = layer.inputs if layer.kind is Kind.CONCAT else layer.inputs[:1]
        layers.append(replace(moved, reads=tuple(span for x in read for span in tensors[x].spans)))
        tensors.append(tensor)
    return Graph(graph.groups, tuple(tensors), tuple(layers), graph.whole)


def _moved(
    layer: Layer, graph: Graph, tensors: Sequence[Tensor], stride: Pair
) -> tuple[Layer, Tensor]:  # fmt: skip
    """Return a layer and its output, where its inputs are these tensors."""
    source, before = tensors[layer.inputs[0]], graph.tensors[layer.inputs[0]]
    output = graph.tensors[layer.output]
    match layer.kind:
        case Kind.FLATTEN:
            spans = tuple(
                replace(span, copies=source.positions * read.copies)
                for span, read in zip(output.spans, source.spans, strict=True)
            )
            return replace(layer, writes=spans), replace(output, spans=spans)
        case Kind.DENSE:
            if source.positions != 1:
                raise GraphError(
                    f"strides: layer {layer.name} would read {_positions(source)} positions, not 1 x 1"
                )
            return layer, output
        case Kind.ADD | Kind.MULTIPLY | Kind.CONCAT | Kind.PRELU | Kind.LAYER_NORM:
            _check_fits(layer, graph.tensors, tensors)
            return layer, replace(output, height=source.height, width=source.width)
        case Kind.EMBED | Kind.TRANSPOSE | Kind.RESHAPE:
            if _sides(source) != _sides(before):
                raise GraphError(
                    f"strides: layer {layer.name} would read {_positions(source)} positions, and needs"
                    f" {_positions(before)}: keep the strides before it"
                )
            return layer, output
        case Kind.ATTENTION:
            pairs = source.positions * tensors[layer.inputs[1]].positions
            return replace(layer, per_pair=2 * pairs), replace(
                output, height=source.height, width=source.width
            )
        case Kind.UPSAMPLE:
            sides = source.height * layer.stride[0], source.width * layer.stride[1]
            return layer, replace(output, height=sides[0], width=sides[1])
        case Kind.TRANSPOSED:
            sides = spread(_sides(source), layer.kernel, stride, layer.padding)
            per_pair = source.positions * layer.kernel[0] * layer.kernel[1]
            moved = replace(layer, stride=stride, per_pair=per_pair)
            return moved, replace(output, height=sides[0], width=sides[1])
        case _:
            return _slid(layer, source, before, output, stride)


def _slid(
    layer: Layer, source: Tensor, before: Tensor, output: Tensor, stride: Pair
) -> tuple[Layer, Tensor]:  # fmt: skip
    """Return a layer that slides a window over `source`, which was `before`, and its output."""
    sides, old_sides = _sides(source), _sides(before)
    kernel, padding = layer.kernel, layer.padding
    window = reach(kernel, layer.dilation)
    if layer.kind not in WEIGHTED and kernel == old_sides:  # a pool of all positions
        kernel = window = sides
        stride = kernel if layer.stride == layer.kernel and stride == layer.stride else stride
    elif layer.kind is Kind.MAX_POOL and kernel == (1, 1) and layer.stride == old_sides:  # the first position
        stride = sides
    elif any(padding) and padding == same_padding(old_sides, window, layer.stride):
        padding = same_padding(sides, window, stride)
    height, width = positions(sides, window, stride, padding)
    if height < 1 or width < 1:
        raise GraphError(
            f"strides: the window of layer {layer.name}, {kernel[0]} x {kernel[1]}, would not fit its"
            f" {_positions(source)} positions: choose smaller strides"
        )
    per_pair = height * width * kernel[0] * kernel[1] * layer.block if layer.kind in WEIGHTED else 0
    moved = replace(layer, kernel=kernel, stride=stride, padding=padding, per_pair=per_pair)
    return moved, replace(output, height=height, width=width)


def _check_fits(layer: Layer, before: Sequence[Tensor], now: Sequence[Tensor]) -> None:
    """Raise `GraphError` unless the inputs of a layer have equal sides where they had equal ones before."""
    first, *others = layer.inputs
    for other in others:
        old = zip(_sides(before[first]), _sides(before[other]), strict=True)
        new = zip(_sides(now[first]), _sides(now[other]), strict=True)
        if not all(m == n or (m == 1 and was != each) for (n, m), (was, each) in zip(new, old, strict=True)):
            does = {Kind.ADD: "add", Kind.MULTIPLY: "multiply"}.get(layer.kind, "join")
            raise GraphError(
                f"strides: layer {layer.name} would {does} {_positions(now[first])} and"
                f" {_positions(now[other])} positions: give layers of both branches strides"
            )


def _sides(tensor: Tensor) -> Pair:
    return tensor.height, tensor.width


def _positions(tensor: Tensor) -> str:
    return f"{tensor.height} x {tensor.width}"
