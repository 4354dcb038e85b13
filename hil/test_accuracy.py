"""A board recognises what the reference recognises, and no less than the recipe promises."""

import numpy as np
from numpy.typing import NDArray

from hil.boards.board import Outputs
from hil.conftest import Record
from hil.pack import Pack


def test_accuracy(
    pack: Pack,
    subnet: int,
    truth: NDArray[np.uint8],
    outputs: Outputs,
    expected: Outputs,
    record: Record,
) -> None:
    label = pack.subnets[subnet]
    right, wanted = (values[: len(truth)].argmax(axis=1) == truth for values in (outputs, expected))
    accuracy = float(right.mean())
    record(label, "accuracy", "fraction", accuracy, right.astype(int).tolist())
    assert accuracy == float(wanted.mean()), f"{label}: the reference has {wanted.mean():.4f}"
    assert accuracy >= pack.floors[label], f"{label}: under the floor that the pack's card states"
