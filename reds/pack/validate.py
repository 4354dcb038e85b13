"""Every rule that a model keeps, and with it a pack; the first that is broken is named with its place."""

from collections.abc import Sequence

import numpy as np

from reds.errors import ModelError
from reds.pack import row_encoding
from reds.pack.model import (
    BIAS_LIMIT,
    FACTOR_LIMIT,
    FACTORED,
    LIMIT,
    MAX_FAN_IN,
    MULTIPLIER_STEP,
    REQUANTIZED,
    WEIGHTED,
    WINDOWED,
    IntegerLayer,
    Kind,
    Model,
    Step,
    TensorShape,
    table_rows,
)


def check(model: Model) -> None:
    """Raise `ModelError` at the first rule that does not hold."""
    check_net(model.tensors, model.layers)
    _require(0 < len(model.subnets) <= 64, "a pack holds 1 to 64 subnets")
    _require(0 < len(model.name.encode()) <= 31, "the name takes 1 to 31 bytes")
    for s in range(len(model.subnets)):
        _check_subnet(model, s)


def check_net(tensors: Sequence[TensorShape], layers: Sequence[IntegerLayer]) -> None:
    """The rules of what all subnets share. Raises `ModelError` at the first one that does not hold."""
    _require(0 < len(layers) <= 255, "a pack holds 1 to 255 layers")
    _require(len(tensors) == len(layers) + 1, "each layer writes one tensor of its own")
    for i, tensor in enumerate(tensors):
        sizes = tensor.height, tensor.width, tensor.units
        _require(all(0 < n <= 65_535 for n in sizes), f"tensor {i}: each side takes 1 to 65,535")
    for i, layer in enumerate(layers):
        _check_layer(f"layer {i}", layer, i, tensors)


def _check_subnet(model: Model, index: int) -> None:
    subnet = model.subnets[index]
    where = f"subnet {subnet.name}"
    _require(0 < len(subnet.name.encode()) <= 7, f"{where}: a subnet's name takes 1 to 7 bytes")
    _require(len(subnet.steps) == len(model.layers), f"{where}: one step a layer")
    units = {0: model.tensors[0].units}
    for i, (layer, step) in enumerate(zip(model.layers, subnet.steps, strict=True)):
        place = f"{where}, layer {i}"
        read = {units[tensor] for tensor in layer.inputs}
        _require(read == {step.units_in}, f"{place}: reads other units than were written")
        _check_step(place, model, index, layer, step)
        units[layer.output] = step.units_out
        if index:
            smaller = model.subnets[index - 1].steps[i]
            _require(smaller.units_out <= step.units_out, f"{place}: not nested")
    counted = model.macs(index)
    _require(subnet.macs == counted, f"{where}: MACs {subnet.macs} stated, {counted} counted")


def _check_layer(where: str, layer: IntegerLayer, index: int, tensors: Sequence[TensorShape]) -> None:
    count = 2 if layer.kind is Kind.ADD else 1
    known = len(layer.inputs) == count and all(0 <= tensor <= index for tensor in layer.inputs)
    _require(known, f"{where}: reads a tensor not written yet")
    _require(layer.output == index + 1, f"{where}: tensors are numbered in the order they are written")
    source, target = tensors[layer.inputs[0]], tensors[layer.output]
    if layer.kind not in WINDOWED:
        plain = layer.kernel == layer.stride == (1, 1) and not any(layer.padding)
        _require(plain, f"{where}: only what moves a window has a kernel, a stride or padding")
    if layer.kind in WINDOWED:
        _require(_windows(layer, source) == (target.height, target.width), f"{where}: its windows do not fit")
    elif layer.kind is Kind.FLATTEN:
        flat = TensorShape(1, 1, source.size(source.units))
        _require(target == flat, f"{where}: a flatten writes every site of every unit")
    elif layer.kind is Kind.ADD:
        same = source == target == tensors[layer.inputs[1]]
        _require(same, f"{where}: an addition reads and writes one shape")
    else:
        _require(source.sites == target.sites == 1, f"{where}: dense layers read 1 x 1 tensors")
    if layer.kind not in (Kind.DENSE, Kind.CONV, Kind.FLATTEN):
        _require(source.units == target.units, f"{where}: writes the units it reads")
    _check_weights(where, layer, source, target)


def _windows(layer: IntegerLayer, source: TensorShape) -> tuple[int, int] | None:
    """Rows and columns of windows, or None if a side is out of its bounds."""
    (rows, columns), (down, across), (top, left, bottom, right) = layer.kernel, layer.stride, layer.padding
    pooled = layer.kind in (Kind.AVERAGE_POOL, Kind.MAX_POOL)
    small = all(0 < n <= 255 for n in (rows, columns, down, across))
    if not small or max(top, bottom) >= rows or max(left, right) >= columns or min(layer.padding) < 0:
        return None
    if pooled and any(layer.padding):
        return None
    height, width = source.height + top + bottom - rows, source.width + left + right - columns
    return None if min(height, width) < 0 else (height // down + 1, width // across + 1)


def _check_weights(where: str, layer: IntegerLayer, source: TensorShape, target: TensorShape) -> None:
    _require(layer.weights.dtype == np.int8, f"{where}: weights are int8")
    if layer.kind not in WEIGHTED:
        _require(not layer.weights.size, f"{where}: it has no weights")
        return
    fan_in = layer.taps * (1 if layer.kind is Kind.DEPTHWISE else source.units)
    _require(
        layer.weights.shape == (target.units, fan_in), f"{where}: weights are [{target.units}, {fan_in}]"
    )
    _require(fan_in <= MAX_FAN_IN, f"{where}: a unit reads at most {MAX_FAN_IN:,}")
    _require(int(layer.weights.min()) >= -LIMIT, f"{where}: weights lie in [-127, 127]")


def _check_step(where: str, model: Model, subnet: int, layer: IntegerLayer, step: Step) -> None:
    source, target = model.tensors[layer.inputs[0]], model.tensors[layer.output]
    _require(0 < step.units_out <= target.units, f"{where}: {step.units_out} units of {target.units}")
    if layer.kind not in (Kind.DENSE, Kind.CONV):
        each = source.sites if layer.kind is Kind.FLATTEN else 1
        _require(step.units_out == step.units_in * each, f"{where}: writes the units it reads")
    rows = table_rows(layer.kind, step.units_out)
    for name, values in (("bias", step.bias), ("multiplier", step.multiplier)):
        fits = values.dtype == np.int32 and values.shape == (rows,)
        _require(fits, f"{where}: {name} is int32, {rows} of them")
    _require(
        bool(np.all(np.abs(step.bias.astype(np.int64)) < BIAS_LIMIT)), f"{where}: a bias of 2^30 or more"
    )
    _require(not np.any(step.multiplier % MULTIPLIER_STEP), f"{where}: multipliers are multiples of 256")
    if layer.kind in WEIGHTED:
        _check_narrow(where, step)
    small = max(abs(factor) for factor in step.factors) < FACTOR_LIMIT
    _require(small, f"{where}: a factor of 2^15 or more")
    _require(layer.kind in FACTORED or step.factors == (0, 0), f"{where}: it has no factors")
    if layer.kind is Kind.AVERAGE_POOL:
        reach = abs(step.factors[0]) * layer.taps
        _require(reach <= MAX_FAN_IN and not step.factors[1], f"{where}: a factor that its sum cannot take")
    _require(-LIMIT <= step.zero <= LIMIT, f"{where}: the zero point lies in [-127, 127]")
    _require(not layer.relu or step.zero == -LIMIT, f"{where}: after a ReLU the zero point is -127")
    if layer.kind not in REQUANTIZED:
        moved = step.zero == model.zeros(subnet)[layer.inputs[0]] and not layer.relu
        _require(moved, f"{where}: bytes that only move keep their zero point")


def _check_narrow(where: str, step: Step) -> None:
    try:
        row_encoding.halves(step.bias, row_encoding.BIAS_SHIFTS)
        row_encoding.halves(step.multiplier, row_encoding.MULTIPLIER_SHIFTS)
    except row_encoding.NarrowError as error:
        raise ModelError(f"{where}: its table is {error}") from None


def _require(condition: bool, text: str) -> None:
    if not condition:
        raise ModelError(text)
