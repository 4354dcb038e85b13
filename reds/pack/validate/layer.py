"""Check the rules of one layer of the full network: its tensors, its window and its weights."""

from collections.abc import Sequence

import numpy as np

from reds.errors import ModelError
from reds.pack.model import (
    LIMIT,
    MAX_FAN_IN,
    MOST_WINDOW_VALUES,
    WEIGHTED,
    WINDOWED,
    IntegerLayer,
    Kind,
    TensorShape,
)
from reds.pack.validate.expect import expect

LARGEST_KERNEL = 255


def validate_layer(where: str, layer: IntegerLayer, index: int, tensors: Sequence[TensorShape]) -> None:
    """Check the rules of one layer.

    Args:
        where: The layer as errors name it.
        layer: The layer.
        index: Its position in the order that layers run.
        tensors: All tensors of the network.

    Raises:
        ModelError: A rule is broken.
    """
    kind, count = _name(layer), 2 if layer.kind is Kind.ADD else 1
    expect(
        len(layer.inputs) == count,
        f"{where} ({kind}) reads {len(layer.inputs)} tensors: it must read {count}",
    )
    expect(
        all(0 <= tensor <= index for tensor in layer.inputs),
        f"{where} reads tensor {max(layer.inputs)}, which is not written yet: it may read 0 to {index}",
    )
    expect(
        layer.output == index + 1,
        f"{where} writes tensor {layer.output}: layers write in order, so it must write {index + 1}",
    )
    source, target = tensors[layer.inputs[0]], tensors[layer.output]
    if layer.kind in WINDOWED:
        _validate_window(where, layer, tensors)
    else:
        expect(
            layer.kernel == layer.stride == (1, 1) and not any(layer.padding),
            f"{where} ({kind}) has kernel {layer.kernel}, stride {layer.stride} and padding {layer.padding}:"
            " only a layer that slides a window may have them",
        )
    if layer.kind is Kind.FLATTEN:
        flat = TensorShape(1, 1, source.size(source.units))
        expect(
            target == flat,
            f"{where} writes {_shape(target)}: a flatten of {_shape(source)} writes {_shape(flat)}",
        )
    elif layer.kind is Kind.ADD:
        other = tensors[layer.inputs[1]]
        expect(
            source == target == other,
            f"{where} adds {_shape(source)} and {_shape(other)} into {_shape(target)}: all must be equal",
        )
    elif layer.kind is Kind.DENSE:
        expect(
            source.positions == target.positions == 1,
            f"{where} reads {_shape(source)} and writes {_shape(target)}: a dense layer has 1 x 1"
            " positions; flatten its input",
        )
    if layer.kind not in (Kind.DENSE, Kind.CONV, Kind.FLATTEN):
        expect(
            source.units == target.units,
            f"{where} writes {target.units} units but reads {source.units}: {kind} must keep the count",
        )
    _validate_weights(where, layer, source, target)


def inference_values(tensors: Sequence[TensorShape], layers: Sequence[IntegerLayer]) -> int:
    """Return the values that all tensors hold and all windows read, in the full network."""
    return sum(t.size(t.units) for t in tensors) + sum(window_values(layer, tensors) for layer in layers)


def window_values(layer: IntegerLayer, tensors: Sequence[TensorShape]) -> int:
    """Return the values that all windows of a layer read; 0 for one that slides no window."""
    if layer.kind not in WINDOWED:
        return 0
    return tensors[layer.output].positions * layer.taps * tensors[layer.inputs[0]].units


def _validate_window(where: str, layer: IntegerLayer, tensors: Sequence[TensorShape]) -> None:
    source, target = tensors[layer.inputs[0]], tensors[layer.output]
    (rows, columns), (down, across), (top, left, bottom, right) = layer.kernel, layer.stride, layer.padding
    expect(
        all(0 < n <= LARGEST_KERNEL for n in (rows, columns, down, across)),
        f"{where} has kernel {layer.kernel} and stride {layer.stride}: each side is 1 to {LARGEST_KERNEL}",
    )
    pooled = layer.kind in (Kind.AVERAGE_POOL, Kind.MAX_POOL)
    expect(not (pooled and any(layer.padding)), f"{where} has padding {layer.padding}: a pool must have none")
    expect(
        min(layer.padding) >= 0 and max(top, bottom) < rows and max(left, right) < columns,
        f"{where} has padding {layer.padding}: each side is 0 or more and less than kernel {layer.kernel}",
    )
    height, width = source.height + top + bottom, source.width + left + right
    expect(
        height >= rows and width >= columns,
        f"{where} has kernel {layer.kernel}: it does not fit its padded input of {height} x {width}",
    )
    written = (height - rows) // down + 1, (width - columns) // across + 1
    expect(
        written == (target.height, target.width),
        f"{where} writes {target.height} x {target.width} positions: its windows give"
        f" {written[0]} x {written[1]}",
    )
    values = window_values(layer, tensors)
    expect(
        values <= MOST_WINDOW_VALUES,
        f"{where} reads {values:,} values in its windows: at most {MOST_WINDOW_VALUES:,} are possible",
    )


def _validate_weights(where: str, layer: IntegerLayer, source: TensorShape, target: TensorShape) -> None:
    weights, weighted = layer.weights, layer.kind in WEIGHTED
    fan_in = layer.taps * (1 if layer.kind is Kind.DEPTHWISE else source.units)
    fits = weights.shape == (target.units, fan_in) if weighted else not weights.size
    if weights.dtype != np.int8 or not fits:
        needed = f"int8 [{target.units}, {fan_in}] is needed" if weighted else f"{_name(layer)} has none"
        raise ModelError(f"{where} has weights {weights.dtype} {list(weights.shape)}: {needed}")
    if weighted:
        most, lowest = f"at most {MAX_FAN_IN:,} is possible", int(weights.min())
        expect(fan_in <= MAX_FAN_IN, f"{where} has a fan-in of {fan_in:,}: {most}")
        expect(lowest >= -LIMIT, f"{where} has a weight of {lowest}: weights lie in [-127, 127]")


def _name(layer: IntegerLayer) -> str:
    return layer.kind.name.lower()


def _shape(tensor: TensorShape) -> str:
    return f"{tensor.height} x {tensor.width} x {tensor.units}"
