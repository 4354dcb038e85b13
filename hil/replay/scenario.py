"""Set up a replay: capacitor, harvester, jobs and power of a device, fitted to a pack where nothing is said.

| key | what | without it |
| --- | --- | --- |
| `period_ms` | from one job to the next | 20 jobs of the largest subnet, for at most 2,000 jobs or an hour |
| `runs` | inferences of a job, of the same input | as many as take the smallest subnet 100 us |
| `deadline_ms` | from arrival to answer, where the trace has none | 1.5 times the job of the largest subnet |
| `power_mw` | power of the computing board beyond standby | by the costs on the card, else 10, an nRF52840 |
| `standby_uw` | power that is always drawn | 10 |
| `efficiency_percent` | part of the harvested energy that reaches the capacitor | 80 |
| `farads` | the capacitor | one that holds 30 jobs of the largest subnet |
| `volts_full`, `volts_on`, `volts_off` | when full, when switching on, at the brown-out | 3.3, 2.2, 1.8 |
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

from hil.boards.governing import MAINS, Cost, Resources
from hil.errors import TraceError
from hil.replay.generators import Natural
from hil.replay.model import MOST_PJ, Supply
from hil.replay.numbers import Key, read_numbers
from hil.replay.source import Source
from hil.replay.trace import Trace

KEYS: Mapping[str, Key] = {
    "period_ms": Key.of("0.01", "3600000"),
    "runs": Key.of("1", "65535", whole=True),
    "deadline_ms": Key.of("0.001", "4000000"),
    "power_mw": Key.of("0.001", "100000"),
    "standby_uw": Key.of("0", "1000000", whole=True),
    "efficiency_percent": Key.of("1", "100", whole=True),
    "farads": Key.of("1e-9", "10000"),
    **{name: Key.of("0.1", "1000") for name in ("volts_full", "volts_on", "volts_off")},
}
"""Numbers of a scenario."""
DEFAULTS: Mapping[str, Fraction] = {
    name: Fraction(text)
    for name, text in {
        "power_mw": "10",
        "standby_uw": "10",
        "efficiency_percent": "80",
        "volts_full": "3.3",
        "volts_on": "2.2",
        "volts_off": "1.8",
    }.items()
}
MOST_JOBS = 2000
"""Jobs of a trace whose period is not said."""
LIMIT_JOBS = 50_000
"""Most jobs of a replay."""
_PERIODS, _DEADLINES, _HELD = 20, Fraction(3, 2), 30
"""Period and deadline in times of a job of the largest subnet, and its jobs that the capacitor holds."""
_LONGEST_US = int(KEYS["period_ms"].most * 1000)
"""Longest period that is not said, as that of one that is: a governor counts its microseconds in 32 bits."""
_PAID = Fraction(1, 2)
"""Part of the largest subnet's energy that a trace without `mw` brings in."""


@dataclass(frozen=True)
class Scenario:
    """A trace and a device, ready to replay.

    Attributes:
        trace: The resources.
        supply: Capacitor, harvester and jobs.
        deadline_us: Deadline of a job where the trace has none.
        power_uw: Power of the computing board beyond standby.
        lost_pj: Energy that the harvester loses over the trace.
    """

    trace: Trace
    supply: Supply
    deadline_us: int
    power_uw: int
    lost_pj: int

    def resources(self, job: int, stored_pj: int) -> Resources:
        """Return what the device knows when a job arrives. Its income is the mean since the last job."""
        supply = self.supply
        row = self.trace.row(job * supply.period_us)
        income = supply.income[max(0, job - 1)] // supply.period_us - supply.standby_uw
        deadlines = self.trace.deadline_us
        return Resources(
            stored_nj=MAINS if supply.mains else stored_pj // 1000,
            income_uw=max(0, income),
            deadline_us=self.deadline_us if deadlines is None else int(deadlines[row]),
            load_percent=int(self.trace.load_percent[row]),
            celsius=int(self.trace.celsius[row]),
        )

    @property
    def start_pj(self) -> int:
        """Return the energy at the start: the device has just switched on."""
        return self.supply.on_pj


def read_scenario(text: str) -> dict[str, Fraction]:
    """Return the numbers of a scenario that a user writes. Raises `TraceError` if one cannot be used."""
    try:
        given = read_numbers(text, KEYS)
    except ValueError as error:
        raise TraceError(f"--scenario: {error}") from None
    settled = {**DEFAULTS, **given}
    off, on, full = (float(settled[name]) for name in ("volts_off", "volts_on", "volts_full"))
    if not off < on <= full:
        raise TraceError(
            f"--scenario: volts_off {off:g}, volts_on {on:g}, volts_full {full:g}; write them rising"
        )
    return given


def scenario(source: Source, given: Mapping[str, Fraction], costs: Sequence[Cost]) -> Scenario:
    """Fit a trace and a device to the measured costs of a pack.

    Args:
        source: The source of the trace.
        given: Numbers of the scenario, of `read_scenario`.
        costs: Costs of a job of each subnet on the board, the smallest first; only their times count.

    Raises:
        TraceError: The trace has no job, or more than a replay can have, or the capacitor holds too much.
    """
    numbers = {**DEFAULTS, **given}
    largest_us, power_uw = costs[-1].us, int(numbers["power_mw"] * 1000)
    standby_uw, percent = int(numbers["standby_uw"]), int(numbers["efficiency_percent"])
    given_us = int(given["period_ms"] * 1000) if "period_ms" in given else 0
    usual_us = given_us or _PERIODS * largest_us
    needed = standby_uw + _PAID * power_uw * largest_us / usual_us
    trace = source(Natural(usual_us, needed * 100 / percent))
    period_us = given_us or max(usual_us, min(-(-trace.length_us // MOST_JOBS), _LONGEST_US))
    jobs = trace.length_us // period_us
    if not 1 <= jobs <= LIMIT_JOBS:
        lasts = f"{trace.name} lasts {trace.length_us / 1e6:g} s: {jobs:,} jobs of {period_us / 1e3:g} ms"
        remedy = f"write a period_ms, or a length in seconds, for 1 to {LIMIT_JOBS:,} jobs"
        raise TraceError(f"{lasts}; {remedy}")
    offered = [trace.energy_pj(job * period_us) for job in range(jobs + 1)]
    each = [after - before for before, after in pairwise(offered)]
    income = tuple(energy * percent // 100 for energy in each)
    off, on, full = (numbers[name] ** 2 for name in ("volts_off", "volts_on", "volts_full"))
    full_pj = _HELD * largest_us * power_uw
    if "farads" in given:
        full_pj = int(given["farads"] * (full - off) / 2 * 10**12)
    if max(full_pj, *income) > MOST_PJ:
        raise TraceError(
            f"--scenario: the capacitor or a period holds over {MOST_PJ / 1e12:,.0f} J; write a smaller one"
        )
    supply = Supply(
        period_us,
        income,
        full_pj,
        int(full_pj * (on - off) / (full - off)),
        standby_uw,
        mains=trace.microwatts is None,
    )
    deadline = int(given["deadline_ms"] * 1000) if "deadline_ms" in given else int(_DEADLINES * largest_us)
    return Scenario(trace, supply, deadline, power_uw, sum(each) - sum(income))
