"""Refuse samples that no board can have taken, so that no gate passes on figures without information.

- A sample includes one reading of the clock. So the longest sample takes at least what readings take.
- An inference does arithmetic on every weight, so the clock sees at least every second one: their median is
  never 0. A switch only sets a pointer: on a coarse clock it may truly take 0 ticks, and the inferences
  beside it prove that the clock runs.
- On a real board all samples together take no longer than the host waited for them.
"""

from collections.abc import Mapping, Sequence

from hil.errors import ProtocolError
from hil.protocol.hello import Clock
from hil.results.statistics.quantiles import median

INFERENCES = "inferences"
_TOLERANCE = 1.25
"""Factor by which the clocks of board and host may differ."""


def check_ticks(clock: Clock, overhead: int, ticks: Mapping[str, Sequence[int]]) -> None:
    """Raise `ProtocolError` if these samples do not fit the overhead, or the clock stands still.

    Args:
        clock: The clock of the board.
        overhead: Ticks of reading the clock.
        ticks: Raw samples, by the plural of what was timed.
    """
    for what, taken in ticks.items():
        longest, several = max(taken), f"{len(taken):,} {what}"
        if overhead > longest:
            reading = f"reading its clock {clock.name} takes {overhead:,} ticks"
            raise ProtocolError(
                f"{reading}, but the longest of {several} {longest:,}; upload the agent again"
            )
        if what == INFERENCES and median(taken) <= overhead:
            stands = f"its clock {clock.name} counted nothing during most of {several}"
            raise ProtocolError(f"{stands}; check that it runs or bench a larger pack")


def check_time(clock: Clock, ticks: int, seconds: float) -> None:
    """Raise `ProtocolError` if samples take longer than the host waited for all of them.

    Args:
        clock: A clock of a real board that counts time.
        ticks: Sum of all samples.
        seconds: Seconds that the host waited.
    """
    if (told := ticks / clock.hz) > _TOLERANCE * seconds:
        samples = f"its samples take {told:.3g} s by its clock {clock.name}"
        raise ProtocolError(f"{samples}, but they arrived within {seconds:.3g} s; upload the agent again")
