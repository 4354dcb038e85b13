"""Test that no subnet is worse than its baseline, an earlier run of the same board (`--baseline`)."""

import numpy as np
import pytest

from hil.boards.board import Outputs
from hil.suite.fixtures import Note
from hil.suite.gating import Gate
from hil.suite.workload import Workload


def test_no_worse_than_baseline(
    workload: Workload,
    subnet: str,
    gate: Gate,
    outputs: Outputs,
    note: Note,
) -> None:
    truth = workload.taken_truth
    classes = workload.task == "classes"
    right = outputs[: len(truth)].argmax(axis=1) == truth if classes else np.zeros(0, np.bool_)
    passed, text = gate.judge(workload.subnets.index(subnet), right.astype(int).tolist())
    note("baseline", f"{gate.measurements.leased.facts().name} {text}")
    if not passed:
        pytest.fail(text, pytrace=False)
