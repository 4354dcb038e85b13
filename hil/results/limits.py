"""Decide from the samples of one run whether a board meets its limits. `gate/` compares runs.

No limit passes without information. Without samples each raises `ValueError`. A smaller subnet is not faster
if all samples of both are equal. `plausible.py` has refused samples of a clock that does not run.
"""

from collections.abc import Sequence

from hil.results.statistics.quantiles import median, median_interval

FIRST_FACTOR = 1.02
"""Limit of the first inference after a switch, relative to a steady one, where counts are exact."""


def is_faster(smaller: Sequence[float], larger: Sequence[float], exact: bool) -> bool:
    """Return whether the smaller subnet is faster.

    Args:
        smaller: Samples of the smaller subnet.
        larger: Samples of the larger subnet, in the same unit.
        exact: Whether samples repeat exactly. Then the medians must differ in the right direction. Times on
            hardware do not repeat, so only disjoint intervals in the wrong direction count against it, and
            samples that are all equal, of a clock that cannot tell the subnets apart.
    """
    if exact:
        return median(smaller) < median(larger)
    in_order = median_interval(smaller)[0] <= median_interval(larger)[1]
    return in_order and min(smaller) < max(larger)


def switches_in_time(samples: Sequence[float], limit: float) -> bool:
    """Return whether every switch, the slowest included, keeps the limit, in the unit of the samples."""
    return max(samples) <= limit


def puts_work_off(first: Sequence[float], steady: Sequence[float]) -> bool:
    """Return whether the slowest inference after a switch takes more than the slowest steady one."""
    return max(first) > FIRST_FACTOR * max(steady)
