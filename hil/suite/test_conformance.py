"""Test that a board's outputs equal those of the reference interpreter, bit for bit."""

import numpy as np

from hil.boards.board import Outputs
from hil.suite.fixtures import Record
from hil.suite.workload import Workload


def test_outputs_equal_the_reference(
    workload: Workload, subnet: str, outputs: Outputs, expected: Outputs, record_measurement: Record
) -> None:
    wrong = np.any(outputs != expected, axis=1)
    record_measurement(subnet, "mismatches", "count", int(wrong.sum()), wrong.astype(int).tolist())
    first = int(wrong.argmax())
    at = int((outputs[first] != expected[first]).argmax())
    where = f"the first on input {workload.taken[first]}"
    assert not wrong.any(), (
        f"{subnet}: {wrong.sum()} of {len(wrong)} outputs differ, {where}: "
        f"its value {at} is {outputs[first][at]}, not {expected[first][at]}"
    )
