"""Rules, costs and resources of a governor, in the units of governor.h."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from hil.errors import GovernorRefused
from hil.protocol.definition import Policy
from reds.text import printable

MAINS = 2**64 - 1
"""Energy of a store that cannot run empty."""
NO_DEADLINE = 2**32 - 1
"""Deadline of a job that nobody waits for."""
U8, U16, U32, U64 = ((0, 2**bits - 1) for bits in (8, 16, 32, 64))
I16 = -(2**15), 2**15 - 1

Range = tuple[int, int]


@dataclass(frozen=True)
class Rules:
    """Rules of a governor; zeros mean none, where a field allows it.

    Attributes:
        policy: What it chooses by.
        fixed: Subnet of `Policy.FIXED`.
        margin_percent: Time and energy added to those of the costs.
        patience: Decisions in a row that must afford more before a larger subnet is taken.
        hot_celsius: Temperature from which only subnet 0 runs; 0: all do at any.
        period_us: Time from one job to the next, at least 1 for policies of energy.
        horizon_us: Time over which a surplus or a lack of the store is evened out, at least a period.
        target_nj: Energy that the store should hold, at least the reserve.
        reserve_nj: Energy that is never used.

    Raises:
        GovernorRefused: A value is out of its range.
    """

    policy: Policy
    fixed: int = 0
    margin_percent: int = 0
    patience: int = 0
    hot_celsius: int = 0
    period_us: int = 0
    horizon_us: int = 0
    target_nj: int = 0
    reserve_nj: int = 0

    def __post_init__(self) -> None:
        ranges = {"policy": (min(Policy), max(Policy)), "fixed": U16, "margin_percent": U8, "patience": U16}
        ranges |= {"hot_celsius": I16, "period_us": U32, "horizon_us": U32}
        _check_ranges(self, {**ranges, "target_nj": U64, "reserve_nj": U64})


@dataclass(frozen=True)
class Cost:
    """Cost of a job of one subnet: `us` microseconds, rounded up, and `nj` nanojoules.

    Take the 99th percentile of the time, not its median. Raises `GovernorRefused` for a value out of range.
    """

    us: int
    nj: int = 0

    def __post_init__(self) -> None:
        _check_ranges(self, {"us": (1, U32[1]), "nj": U32})


@dataclass(frozen=True)
class Resources:
    """State of a device before a job; by default it lacks nothing.

    Attributes:
        stored_nj: Energy above the voltage at which it browns out, or `MAINS`.
        income_uw: Microwatts that come in, less those drawn while waiting.
        deadline_us: Time until the answer is due, or `NO_DEADLINE`.
        load_percent: Share of the processor that other work takes, at most 99.
        celsius: Temperature.

    Raises:
        GovernorRefused: A value is out of its range.
    """

    stored_nj: int = MAINS
    income_uw: int = 0
    deadline_us: int = NO_DEADLINE
    load_percent: int = 0
    celsius: int = 20

    def __post_init__(self) -> None:
        ranges = {"stored_nj": U64, "income_uw": U32, "deadline_us": U32}
        _check_ranges(self, {**ranges, "load_percent": (0, 99), "celsius": I16})


def _check_ranges(told: object, ranges: Mapping[str, Range]) -> None:
    """Raise `GovernorRefused` unless every field is a whole number in its range."""
    for name, (least, most) in ranges.items():
        value = getattr(told, name)
        if isinstance(value, bool) or not isinstance(value, int | np.integer) or not least <= value <= most:
            got = f"`{name}` of a governor is {printable(repr(value))}"
            raise GovernorRefused(f"{got}; write a whole number from {least:,} to {most:,}")
