"""Hold how fast a board is emulated, by which the duration of a bench is told before it begins."""

from dataclasses import dataclass

from hil.firmware.bare_metal import BareMetal


@dataclass(frozen=True)
class Speed:
    """Speed of an emulated board on one core of a usual machine.

    Attributes:
        macs: MACs that it computes in a second.
        start: Seconds until it has the pack.
        clocks: Clocks that each latency and switch is measured with.
        agent: Its agent, as `hil.firmware.build` names it; None if its build is not known.
        alone: Whether no more emulators of it can be started, as of one on another machine.
    """

    macs: float
    start: float
    clocks: int
    agent: str | BareMetal | None = None
    alone: bool = False


UNKNOWN = Speed(75e6, 12.0, 2)
"""Speed of an emulated board whose target names none."""
