"""The axes of a traced tensor stay those of torch, whatever is reshaped, permuted, and copied by layers."""

from itertools import chain
from math import prod

import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, fx

from reds.elastic.from_module.arranging import CannotArrangeError, Steps
from reds.elastic.from_module.layout import reshaped, size
from reds.elastic.from_module.steps import Step, Value, fresh

SIDES = st.tuples(*[st.sampled_from([1, 2, 3, 4, 6]) for _ in range(3)])
BATCH = 5
"""Divides no other size, so that a reshape never splits the batch."""


def shown(value: Value, memory: Tensor) -> Tensor:
    """The torch tensor that a value is over the values of its step."""
    pieces = [*chain.from_iterable(value.axes)]
    sizes, strides = [n for n, _ in pieces], [stride for _, stride in pieces]
    return memory.reshape(-1).as_strided(sizes, strides).reshape(value.shape)


def run(step: Step, source: Step, memory: Tensor) -> Tensor:
    """The values [N, height, width, units] of a step that copies others."""
    if step is source:
        return memory
    before = run(step.inputs[0], source, memory)
    match step.op:
        case "flatten":
            return before.permute(0, 3, 1, 2).reshape(BATCH, *step.dims)
        case "transpose":
            return before.flatten(1, 2).mT.reshape(BATCH, *step.dims)
        case _:
            return before.reshape(BATCH, *step.dims)


def shuffled(data: st.DataObject, value: Value, tensor: Tensor) -> tuple[Value, Tensor]:
    """A value and its tensor after some reshapes and permutations."""
    for _ in range(data.draw(st.integers(0, 4))):
        if data.draw(st.booleans()):
            order = data.draw(st.permutations(range(tensor.ndim)))
            value, tensor = value.with_axes(tuple(value.axes[i] for i in order)), tensor.permute(order)
            continue
        sides = list(tensor.shape)
        at = data.draw(st.integers(0, len(sides) - 1))
        factor = data.draw(st.sampled_from([n for n in (1, 2, 3) if sides[at] % n == 0]))
        sides[at : at + 1] = [factor, sides[at] // factor]
        if data.draw(st.booleans()) and len(sides) > 2:
            at = data.draw(st.integers(0, len(sides) - 2))
            sides[at : at + 2] = [sides[at] * sides[at + 1]]
        axes = reshaped(value.axes, sides)
        if axes is not None:
            value, tensor = value.with_axes(axes), tensor.reshape(sides)
    return value, tensor


def source_of(dims: tuple[int, int, int]) -> tuple[Steps, Step, Tensor]:
    steps, memory = Steps(), torch.arange(float(BATCH * prod(dims))).reshape(BATCH, *dims)
    steps.node = fx.Graph().placeholder("x")
    return steps, steps.add("input", [], dims), memory


@given(SIDES, st.data())
def test_reshapes_and_permutations_are_those_of_torch(
    dims: tuple[int, int, int], data: st.DataObject
) -> None:
    _, source, memory = source_of(dims)
    value, tensor = shuffled(data, fresh(source, BATCH, "nuhw"), memory.permute(0, 3, 1, 2))
    torch.testing.assert_close(shown(value, memory), tensor, atol=0, rtol=0)


@given(SIDES, st.data())
def test_layers_copy_a_tensor_to_the_units_that_are_read(
    dims: tuple[int, int, int], data: st.DataObject
) -> None:
    steps, source, memory = source_of(dims)
    value, tensor = shuffled(data, fresh(source, BATCH, "nuhw"), memory.permute(0, 3, 1, 2))
    at = data.draw(st.sampled_from([i for i, n in enumerate(tensor.shape) if n % BATCH or n == 1]))
    try:
        moved = steps.with_units(value, at)
    except CannotArrangeError:
        return
    assert moved.has_units(at)
    assert moved.step.units == size(value.axes[at])
    torch.testing.assert_close(shown(moved, run(moved.step, source, memory)), tensor, atol=0, rtol=0)


@given(SIDES, st.data())
def test_layers_copy_a_tensor_to_rows_and_columns(dims: tuple[int, int, int], data: st.DataObject) -> None:
    steps, source, memory = source_of(dims)
    value, tensor = shuffled(data, fresh(source, BATCH, "nuhw"), memory.permute(0, 3, 1, 2))
    try:
        moved = steps.spatial(value)
    except CannotArrangeError:
        return
    held = run(moved.step, source, memory)
    torch.testing.assert_close(held.permute(0, 3, 1, 2).reshape(tensor.shape), tensor, atol=0, rtol=0)


def test_a_matrix_of_positions_and_units_is_turned_by_one_layer() -> None:
    steps, source, _ = source_of((4, 1, 6))
    turned = steps.with_units(fresh(source, BATCH, "nuh"), 2)
    assert (turned.step.op, turned.step.dims, turned.step.inputs) == ("transpose", (6, 1, 4), [source])
