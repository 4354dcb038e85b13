"""Check the rules of one layer of the full network: its tensors, its window and its weights."""

from collections.abc import Sequence

import numpy as np

from reds.errors import ModelError
from reds.pack.model import BLOCKED, LIMIT, MAX_FAN_IN, MOST_INPUTS, WEIGHTED, IntegerLayer, Kind, TensorShape
from reds.pack.validate.expect import expect
from reds.pack.validate.shapes import validate_shapes
from reds.pack.validate.window import validate_values, validate_window

INPUTS = {Kind.ADD: (2,), Kind.MULTIPLY: (2,), Kind.ATTENTION: (3,), Kind.CONCAT: range(2, MOST_INPUTS + 1)}
"""Numbers of tensors that a layer may read; other kinds read one."""
MOST_GROUPS = 65_535
MOST_HEAD_UNITS = 32_768
"""Units of a head of an attention, so that a score fits int32."""


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
    kind, counts = layer.kind.name.lower(), INPUTS.get(layer.kind, (1,))
    expect(
        len(layer.inputs) in counts,
        f"{where} ({kind}) reads {len(layer.inputs)} tensors: it must read {' or '.join(map(str, counts))}",
    )
    expect(
        all(0 <= tensor <= index for tensor in layer.inputs),
        f"{where} reads tensor {max(layer.inputs)}, which is not written yet: it may read 0 to {index}",
    )
    expect(
        layer.output == index + 1,
        f"{where} writes tensor {layer.output}: layers write in order, so it must write {index + 1}",
    )
    _validate_groups(where, layer, tensors)
    validate_window(where, layer, tensors)
    validate_shapes(where, layer, [tensors[i] for i in layer.inputs], tensors[layer.output])
    validate_values(where, layer, tensors)
    _validate_weights(where, layer, tensors)


def _validate_groups(where: str, layer: IntegerLayer, tensors: Sequence[TensorShape]) -> None:
    groups, source = layer.groups, tensors[layer.inputs[0]]
    if layer.kind not in BLOCKED:
        only = "only a grouped convolution and an attention have several"
        expect(groups == 1, f"{where} ({layer.kind.name.lower()}) has {groups} groups: {only}")
        return
    expect(0 < groups <= MOST_GROUPS, f"{where} has {groups} groups: 1 to {MOST_GROUPS:,} are possible")
    for units in (source.units, tensors[layer.output].units):
        expect(
            units % groups == 0,
            f"{where} has {groups} groups of {units} units: all must have the same number",
        )
    head = source.units // groups
    expect(
        layer.kind is Kind.GROUPED or head <= MOST_HEAD_UNITS,
        f"{where} has heads of {head:,} units: at most {MOST_HEAD_UNITS:,} are possible",
    )


def _validate_weights(where: str, layer: IntegerLayer, tensors: Sequence[TensorShape]) -> None:
    weights, shape = layer.weights, layer.weight_shape(tensors)
    if weights.dtype != np.int8 or (weights.shape != shape if shape[0] else weights.size > 0):
        kind = layer.kind.name.lower()
        needed = f"int8 {list(shape)} is needed" if shape[0] else f"{kind} has none"
        raise ModelError(f"{where} has weights {weights.dtype} {list(weights.shape)}: {needed}")
    if weights.size:
        fan_in, lowest = shape[1] if layer.kind in WEIGHTED else 1, int(weights.min())
        expect(
            fan_in <= MAX_FAN_IN, f"{where} has a fan-in of {fan_in:,}: at most {MAX_FAN_IN:,} is possible"
        )
        expect(lowest >= -LIMIT, f"{where} has a weight of {lowest}: weights lie in [-127, 127]")
