"""Test that no subnet is worse than its baseline, an earlier run of the same board (`--baseline`)."""

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
    right = outputs[: len(truth)].argmax(axis=1) == truth
    passed, text = gate.judge(workload.subnets.index(subnet), right.astype(int).tolist())
    note("baseline", f"{gate.measurements.leased.facts().name} {text}")
    if not passed:
        pytest.fail(text, pytrace=False)
