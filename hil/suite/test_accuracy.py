"""A board recognizes what the reference recognizes, and no less than the recipe promises."""

import numpy as np
from numpy.typing import NDArray

from hil.boards.board import Outputs
from hil.suite.fixtures import Record
from hil.suite.workload import Workload


def test_accuracy(
    workload: Workload,
    subnet: str,
    truth: NDArray[np.uint8],
    outputs: Outputs,
    expected: Outputs,
    record_measurement: Record,
) -> None:
    right, wanted = (values[: len(truth)].argmax(axis=1) == truth for values in (outputs, expected))
    accuracy = float(right.mean())
    record_measurement(subnet, "accuracy", "fraction", accuracy, right.astype(int).tolist())
    assert accuracy == float(wanted.mean()), f"{subnet}: the reference has {wanted.mean():.4f}"
    assert accuracy >= workload.floors[subnet], f"{subnet}: under the floor that the pack's card states"
