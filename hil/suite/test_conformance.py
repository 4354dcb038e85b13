"""A board's outputs are the reference's, bit for bit: on every labeled clip, or on seeded random inputs."""

import numpy as np

from hil.boards.board import Outputs
from hil.suite.measurements import Record
from hil.suite.workload import Workload


def test_outputs_equal_the_reference(
    workload: Workload, subnet: int, outputs: Outputs, expected: Outputs, record: Record
) -> None:
    name = workload.subnets[subnet]
    wrong = np.any(outputs != expected, axis=1)
    record(name, "mismatches", "count", int(wrong.sum()), wrong.astype(int).tolist())
    first = int(wrong.argmax())
    assert not wrong.any(), (
        f"{name}: {wrong.sum()} of {len(wrong)} outputs differ; the first on input {first}: "
        f"{outputs[first].tolist()}, not {expected[first].tolist()}"
    )
