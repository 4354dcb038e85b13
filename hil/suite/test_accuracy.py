"""Test that a board is as accurate as the reference interpreter, and reaches the floors of the card."""

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
    answers = outputs[: len(truth)].argmax(axis=1)
    right, wanted = answers == truth, expected[: len(truth)].argmax(axis=1) == truth
    accuracy = float(right.mean())
    record_measurement(subnet, "accuracy", "fraction", accuracy, right.astype(int).tolist())
    for metric, classes in (("answer", answers), ("label", truth)):
        record_measurement(subnet, metric, "class", len(classes), classes.tolist())
    assert accuracy == float(wanted.mean()), (
        f"{subnet}: accuracy is {accuracy:.4f}, the reference has {wanted.mean():.4f}"
        "; test_conformance shows the outputs that differ"
    )
    floor = f"{workload.floors[subnet]:.4f}, the floor in the pack's card"
    assert accuracy >= workload.floors[subnet], f"{subnet}: accuracy is {accuracy:.4f}, below {floor}"
