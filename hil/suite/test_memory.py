"""Test that an inference keeps the limits of stack and RAM in the boards file."""

from collections.abc import Mapping

from hil.results.memory import Memory
from hil.suite.fixtures import Hold, Record
from hil.suite.measurements import Measurements


def test_memory(
    subnet: str,
    memory: Memory,
    measurements: Measurements,
    budgets: Mapping[str, float],
    record_measurement: Record,
    hold: Hold,
) -> None:
    found = {"arena": memory.arena, "stack": memory.stack, "ram": memory.ram}
    flash, arena = measurements.leased.do(lambda board: board.room)
    for metric, size in {**found, "room_flash": flash, "room_arena": arena}.items():
        record_measurement(subnet, metric, "bytes", size, [size])
    over = []
    for metric in sorted(found.keys() & budgets.keys()):
        limit, size = budgets[metric], found[metric]
        if not hold(subnet, metric, "bytes", limit, size <= limit):
            told = f"{subnet}: an inference takes {size:,} bytes of {metric}"
            over.append(f"{told}, over the limit in the boards file, {limit:,g}")
    assert not over, "; ".join(over)
