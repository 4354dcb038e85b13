"""Resources over time: power, deadlines, load and temperature, each held until the next row."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Column = NDArray[np.int64]
CELSIUS = 20
"""Temperature of a trace that states none."""


@dataclass(frozen=True)
class Trace:
    """Resources over time. A row holds until the next one; the last row only ends the trace.

    Attributes:
        name: What tables and figures call it: a file, or a generator with its numbers.
        us: Start of each row in microseconds, int64 [N], rising from 0; N is at least 2.
        microwatts: Power that the harvester offers, int64 [N]; None for a device on the mains.
        deadline_us: Microseconds that a job has from its arrival, int64 [N]; None where the scenario says it.
        load_percent: Share of the processor that other work takes, int64 [N], 0 to 99.
        celsius: Temperature of the device, int64 [N].
    """

    name: str
    us: Column
    microwatts: Column | None
    deadline_us: Column | None
    load_percent: Column
    celsius: Column

    @property
    def length_us(self) -> int:
        """Return the microseconds from the first row to the last."""
        return int(self.us[-1])

    def row(self, us: int) -> int:
        """Return the row that holds at a time."""
        return int(np.searchsorted(self.us, us, side="right")) - 1

    def energy_pj(self, us: int) -> int:
        """Return the energy offered from the start of the trace to a time, in picojoules; a uW us is one."""
        if self.microwatts is None:
            return 0
        row = self.row(us)
        return self._before[row] + int(self.microwatts[row]) * (us - int(self.us[row]))

    @cached_property
    def _before(self) -> list[int]:
        """Return the energy offered before each row; Python's integers, as the sum may exceed 63 bits."""
        assert self.microwatts is not None
        total, sums = 0, [0]
        for microwatts, us in zip(self.microwatts.tolist(), np.diff(self.us).tolist(), strict=False):
            total += microwatts * us
            sums.append(total)
        return sums
