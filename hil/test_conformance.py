"""A board's outputs are the reference's, bit for bit: on every labelled clip, or on seeded random inputs."""

import numpy as np

from hil.boards.board import Outputs
from hil.conftest import Record
from hil.pack import Pack


def test_outputs_equal_the_reference(
    pack: Pack, subnet: int, outputs: Outputs, expected: Outputs, record: Record
) -> None:
    label = pack.subnets[subnet]
    wrong = np.any(outputs != expected, axis=1)
    record(label, "mismatches", "count", int(wrong.sum()), wrong.astype(int).tolist())
    first = int(wrong.argmax())
    assert not wrong.any(), (
        f"{label}: {wrong.sum()} of {len(wrong)} outputs differ; the first on input {first}: "
        f"{outputs[first].tolist()}, not {expected[first].tolist()}"
    )
