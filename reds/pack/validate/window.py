"""Check the window that a layer slides over its input, and count the values that its windows read."""

from collections.abc import Sequence

from reds.pack.model import MOST_WINDOW_VALUES, WINDOWED, IntegerLayer, Kind, TensorShape
from reds.pack.validate.expect import expect

LARGEST_SIDE = 255
"""Largest side of a kernel, a stride and a dilation."""
DILATED = frozenset({Kind.CONV, Kind.DEPTHWISE, Kind.GROUPED})
"""Kinds whose windows may skip positions."""


def validate_window(where: str, layer: IntegerLayer, tensors: Sequence[TensorShape]) -> None:
    """Check kernel, stride, padding and dilation of a layer.

    Args:
        where: The layer as errors name it.
        layer: The layer.
        tensors: All tensors of the network.

    Raises:
        ModelError: A rule is broken.
    """
    name, dilation = layer.kind.name.lower(), layer.dilation
    expect(
        layer.kind in DILATED or dilation == (1, 1),
        f"{where} ({name}) has dilation {dilation}: only a convolution may skip positions",
    )
    if layer.kind in WINDOWED:
        _validate_sides(where, layer, tensors)
        return
    padded = layer.padding[layer.kind is Kind.EMBED :]
    expect(
        layer.kernel == (1, 1) and not any(padded),
        f"{where} ({name}) has kernel {layer.kernel} and padding {layer.padding}: only a layer that slides a"
        " window may have them",
    )
    if layer.kind is Kind.UPSAMPLE:
        times = f"{where} writes each row and column {layer.stride} times"
        expect(all(0 < n <= LARGEST_SIDE for n in layer.stride), f"{times}: 1 to {LARGEST_SIDE} are possible")
    else:
        expect(layer.stride == (1, 1), f"{where} ({name}) has stride {layer.stride}: it slides no window")


def inference_values(tensors: Sequence[TensorShape], layers: Sequence[IntegerLayer]) -> int:
    """Return the values that all tensors hold and all windows read, in the full network."""
    return sum(t.size(t.units) for t in tensors) + sum(window_values(layer, tensors) for layer in layers)


def window_values(layer: IntegerLayer, tensors: Sequence[TensorShape]) -> int:
    """Return the values that all windows of a layer read, or the scores of an attention; else 0."""
    source, target = tensors[layer.inputs[0]], tensors[layer.output]
    if layer.kind is Kind.ATTENTION:
        return source.positions * tensors[layer.inputs[1]].positions * layer.groups
    return target.positions * layer.taps * source.units if layer.kind in WINDOWED else 0


def validate_values(where: str, layer: IntegerLayer, tensors: Sequence[TensorShape]) -> None:
    """Check that the windows of a layer read no more values than a device has time for.

    Args:
        where: The layer as errors name it.
        layer: The layer.
        tensors: All tensors of the network.

    Raises:
        ModelError: There are more.
    """
    values = window_values(layer, tensors)
    read = "computes {:,} scores" if layer.kind is Kind.ATTENTION else "reads {:,} values in its windows"
    expect(
        values <= MOST_WINDOW_VALUES,
        f"{where} {read.format(values)}: at most {MOST_WINDOW_VALUES:,} are possible",
    )


def _validate_sides(where: str, layer: IntegerLayer, tensors: Sequence[TensorShape]) -> None:
    source, target = tensors[layer.inputs[0]], tensors[layer.output]
    (rows, columns), (top, left, bottom, right) = layer.span, layer.padding
    expect(
        all(0 < n <= LARGEST_SIDE for n in (*layer.kernel, *layer.stride)),
        f"{where} has kernel {layer.kernel} and stride {layer.stride}: each side is 1 to {LARGEST_SIDE}",
    )
    expect(
        all(0 < n <= LARGEST_SIDE for n in layer.dilation),
        f"{where} has dilation {layer.dilation}: each side is 1 to {LARGEST_SIDE}",
    )
    expect(
        min(layer.padding) >= 0 and max(top, bottom) < rows and max(left, right) < columns,
        f"{where} has padding {layer.padding}: each side is 0 or more and less than its window of"
        f" {rows} x {columns}",
    )
    if layer.kind is Kind.TRANSPOSED:
        height = (source.height - 1) * layer.stride[0] + rows - top - bottom
        width = (source.width - 1) * layer.stride[1] + columns - left - right
        expect(height > 0 and width > 0, f"{where} has padding {layer.padding}: it leaves nothing to write")
    else:
        height, width = source.height + top + bottom, source.width + left + right
        expect(
            height >= rows and width >= columns,
            f"{where} has a window of {rows} x {columns}: it does not fit its padded input of"
            f" {height} x {width}",
        )
        height = (height - rows) // layer.stride[0] + 1
        width = (width - columns) // layer.stride[1] + 1
    expect(
        (height, width) == (target.height, target.width),
        f"{where} writes {target.height} x {target.width} positions: its windows give {height} x {width}",
    )
