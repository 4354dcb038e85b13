"""What samples prove: the questions that the suite's tests ask of two sets of them."""

from collections.abc import Sequence

from hil.results.samples import median, median_interval

FIRST_FACTOR = 1.02
"""The first inference after a switch may take this much of a steady one, where counts are exact."""


def is_faster(smaller: Sequence[float], larger: Sequence[float], exact: bool) -> bool:
    """Whether the smaller subnet takes less.

    Exact counts repeat, so the medians must differ in the right direction; times on hardware do not, so
    only intervals of the medians that lie apart in the wrong direction count against it.
    """
    if exact:
        return median(smaller) < median(larger)
    return median_interval(smaller)[0] <= median_interval(larger)[1]


def switches_in_time(samples: Sequence[float], limit: float) -> bool:
    """Whether every switch, the worst one too, takes no more than the limit, in the samples' unit."""
    return max(samples) <= limit


def puts_work_off(first: Sequence[float], steady: Sequence[float]) -> bool:
    """Whether inferences after a switch take more than steady ones on the same inputs, worst for worst."""
    return max(first) > FIRST_FACTOR * max(steady)
