"""What a latency depends on beside the program: kept with the figures, and judged."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

_THROTTLED = 0xF
"""Bits of the flags that a Pi's firmware sets while it slows down: voltage, frequency, heat."""
_WAS_THROTTLED = 0xF0000
"""The same since it was started."""
_SAME_CLOCK = 0.01
"""What a clock may move and still count as the same."""


@dataclass(frozen=True)
class Conditions:
    """`machine` is what `uname -m` prints. None is what the board does not tell.

    `mhz` and `celsius` are of the core that the agent is pinned to, or the first, and of the first thermal
    zone; `throttled` holds the flags of a Pi's firmware. The rest is of an Android device: its
    `build` by fingerprint, `thermal` status (0: not throttled), `battery` in percent and its `charge`.
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

    def plain(self) -> dict[str, Any]:
        """As JSON holds it."""
        return asdict(self)


def doubts(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """Why latencies taken between two plain conditions are doubtful; empty where nothing says so."""
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
