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
    for metric, limit in budgets.items():
        if metric in found:
            size = found[metric]
            assert hold(subnet, metric, "bytes", limit, size <= limit), (
                f"{subnet}: an inference takes {size:,} bytes of {metric}, "
                f"over the limit in the boards file, {limit:,g}"
            )
