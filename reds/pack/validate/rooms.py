"""Check which layers a subnet runs, and which tensors it leaves out or has stand for others."""

from collections.abc import Sequence
from itertools import pairwise

from reds.pack.model import Model, Room
from reds.pack.validate.expect import expect


def validate_rooms(where: str, model: Model, index: int) -> None:
    """Check the order of a subnet's steps and the tensors that stand for others.

    Args:
        where: The subnet as errors name it.
        model: The integer network.
        index: The index of the subnet.

    Raises:
        ModelError: A rule is broken.
    """
    subnet, count = model.subnets[index], len(model.layers)
    runs = [step.layer for step in subnet.steps]
    for layer in runs:
        expect(0 <= layer < count, f"{where} has a step of layer {layer}: there are {count} layers")
    for before, after in pairwise(runs):
        order = f"{where} has a step of layer {after} after one of layer {before}"
        expect(before < after, f"{order}: steps run in the order of the layers")
    last = f"{where} leaves out layer {count - 1}, which writes the output: every subnet runs it"
    expect(runs[-1:] == [count - 1], last)
    written = {0, *(layer + 1 for layer in runs)}
    for tensor, held in subnet.stands.items():
        stands = f"{where} has tensor {tensor} stand for tensor {held}"
        expect(0 < tensor <= count, f"{stands}: it must be one of 1 to {count}")
        expect(tensor not in written, f"{stands}, but layer {tensor - 1} writes it")
        expect(0 <= held < tensor, f"{stands}: it must be an earlier one")
        expect(held in written, f"{stands}, which no step writes")
        expect(model.tensors[tensor] == model.tensors[held], f"{stands}, which has another shape")


def validate_nested(where: str, smaller: Sequence[Room], rooms: Sequence[Room]) -> None:
    """Check that a subnet contains the next smaller one: its layers, and its units of each tensor.

    Args:
        where: The subnet as errors name it.
        smaller: The tensors of the smaller subnet.
        rooms: The tensors of the subnet.

    Raises:
        ModelError: A rule is broken.
    """
    for tensor, (before, room) in enumerate(zip(smaller, rooms, strict=True)):
        expect(
            before.units <= room.units,
            f"{where} is not nested: it keeps {room.units} units of tensor {tensor}, a smaller one"
            f" {before.units}",
        )
        ran = before.units > 0 and before.holds == tensor
        expect(
            not ran or room.holds == tensor,
            f"{where} is not nested: it leaves out layer {tensor - 1}, which a smaller one runs",
        )
