"""Name the policies of a replay, and give each its rules for a scenario."""

from collections.abc import Sequence

from hil.boards.governing import Rules
from hil.errors import TraceError
from hil.protocol.definition import Policy
from hil.replay.scenario import Scenario
from reds.spelling import did_you_mean
from reds.text import printable

GOVERNED = {
    "deadline": Policy.DEADLINE,
    "energy-neutral": Policy.ENERGY_NEUTRAL,
    "both": Policy.DEADLINE_AND_ENERGY,
}
"""Policies that choose, by the name that a user writes."""
OWN = "own"
"""The user's policy in the agent; only replayed where it is named, as most agents have none."""
_FIXED = "fixed:"
MARGIN_PERCENT = 5
"""Time and energy that are added to the measured ones."""
PATIENCE = 2
"""Decisions that must afford more before a larger subnet is taken."""
HORIZON_JOBS = 10
"""Jobs over which a surplus or a lack of energy is evened out."""
TARGET_PERCENT = 95
"""Part of the full capacitor that larger subnets leave, for times without income."""
RESERVE_JOBS = 30
"""Jobs whose standby the reserve pays, so that the device stays on."""
RESERVE_PERCENT = 5
"""Most of the full capacitor that it takes, unless the standby until the next job takes more."""


def every_policy(subnets: Sequence[str]) -> tuple[str, ...]:
    """Return the names of all policies for these subnets: each one fixed, then those that choose."""
    return (*(f"{_FIXED}{name}" for name in subnets), *GOVERNED)


def check_policy(name: str, subnets: Sequence[str]) -> str:
    """Return a policy's name. Raises `TraceError` for one that is unknown."""
    known = (*every_policy(subnets), OWN)
    if name not in known:
        raise TraceError(f"--policy is {printable(name)!r}; {did_you_mean(name, known)}")
    return name


def rules(name: str, subnets: Sequence[str], scenario: Scenario) -> Rules:
    """Return the rules of a policy.

    Args:
        name: Its name, of `every_policy`, or `OWN`.
        subnets: Names of the subnets, the smallest first.
        scenario: The trace and the device.
    """
    if name.startswith(_FIXED):
        return Rules(Policy.FIXED, fixed=subnets.index(name.removeprefix(_FIXED)))
    supply = scenario.supply
    standby = supply.standby_uw * supply.period_us
    long = min(-(-RESERVE_JOBS * standby // 1000), supply.full_pj * RESERVE_PERCENT // 100_000)
    reserve = max(-(-standby // 1000), long)
    return Rules(
        Policy.OWN if name == OWN else GOVERNED[name],
        margin_percent=MARGIN_PERCENT,
        patience=PATIENCE,
        period_us=supply.period_us,
        horizon_us=min(HORIZON_JOBS * supply.period_us, 2**32 - 1),
        target_nj=max(reserve, supply.full_pj * TARGET_PERCENT // 100_000),
        reserve_nj=reserve,
    )
