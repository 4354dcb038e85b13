"""Describe what a latency depends on besides the program, and judge whether it disturbed a measurement."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

_THROTTLED = 0xF
"""Bits of a Pi's firmware flags that are set while it slows down: voltage, frequency, temperature."""
_WAS_THROTTLED = 0xF0000
"""Bits of the same flags that are set if that happened since the start."""
_SAME_CLOCK = 0.01
"""Relative change of the clock that still counts as no change."""


@dataclass(frozen=True)
class Conditions:
    """State of a board during a measurement; None for what the board does not report.

    Attributes:
        machine: Processor architecture, as `uname -m` prints it.
        core: Core that the agent is pinned to; `mhz` is the clock of this core, or of the first.
        celsius: Temperature of the first thermal zone.
        throttled: Flags of a Pi's firmware.
        build: Fingerprint of an Android build.
        thermal: Android's thermal status, 0 if it is not throttled.
        battery: Charge of an Android battery in percent; `charge` says whether it is charging.
    """

    machine: str
    model: str | None = None
    cpu: str | None = None
    core: int | None = None
    governor: str | None = None
    mhz: float | None = None
    celsius: float | None = None
    throttled: int | None = None
    build: str | None = None
    abi: str | None = None
    thermal: int | None = None
    battery: int | None = None
    charge: str | None = None


@dataclass(frozen=True)
class Span:
    """The conditions of a board before all measurements, and after the latest one."""

    before: Conditions
    after: Conditions


def doubts(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """Return the reasons to doubt latencies taken between two conditions, empty if there are none."""
    found = []
    governors = dict.fromkeys(c["governor"] for c in (before, after) if c["governor"])
    if slow := [governor for governor in governors if governor != "performance"]:
        found.append(f"its governor is {', '.join(slow)}, not performance")
    if None not in (was := before["mhz"], now := after["mhz"]) and abs(now - was) > _SAME_CLOCK * was:
        found.append(f"its clock went from {was:,.0f} to {now:,.0f} MHz")
    earlier, later = (c["throttled"] or 0 for c in (before, after))
    if (flags := earlier | later) & _THROTTLED or later & ~earlier & _WAS_THROTTLED:
        found.append(f"it was throttled (flags {flags:#x})")
    if hot := max(before["thermal"] or 0, after["thermal"] or 0):
        found.append(f"it was throttled (thermal status {hot})")
    return found


def warnings(measurements: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return a line for each board whose conditions at any measurement make its latencies doubtful.

    Doubts that begin with the same two words differ in their figures only, so the last of them is shown.
    """
    found: dict[str, dict[tuple[str, ...], str]] = {}
    for m in measurements:
        if when := m.get("conditions"):
            of_board = found.setdefault(m["board"], {})
            of_board |= {tuple(why.split()[:2]): why for why in doubts(when["before"], when["after"])}
    return [
        f"WARNING: {board}: latencies are doubtful: {'; '.join(why.values())}"
        for board, why in found.items()
        if why
    ]
