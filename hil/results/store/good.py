"""Choose the earlier runs that set the level of a figure."""

from collections.abc import Sequence

from hil.results.gate.times import MOST_RUNS
from hil.results.measurement import Measurement
from hil.results.store.store import Past


def good(past: Sequence[Past], baseline: str = "", oldest: str = "") -> list[Measurement]:
    """Return the measurements of good runs, newest first, back to the last run that was accepted.

    Args:
        past: All runs, newest first.
        baseline: Id of the run that counts are compared with; it is good in any case.
        oldest: Id of the oldest run that counts.
    """
    found = []
    for one in past:
        if one.run.id < oldest:
            break
        if one.good or one.run.accepted or one.run.id == baseline:
            found.append(one.measurement)
        if one.run.accepted:
            break
    return found[:MOST_RUNS]
