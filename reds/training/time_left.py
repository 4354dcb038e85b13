"""Estimate how long a training takes, from its first minibatches on."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

WARM_UP = 2
"""Minibatches of a phase that are not timed: the first ones allocate memory and choose kernels."""
MEASURED = 3
"""Fewest minibatches that are timed before an estimate is given."""
MEASURED_SECONDS = 1.0
"""Least time of these minibatches, so that one disturbance does not decide; a whole epoch is enough too."""


@dataclass(frozen=True)
class Phase:
    """Describe a phase of training that is to come."""

    title: str
    epochs: int
    work: float = 1.0
    """Work of one epoch, in epochs of the full net."""


class TimeLeft:
    """Estimate the time of all planned phases. Until a phase is timed, the rate of the one before it counts.

    Attributes:
        known: Whether enough minibatches were timed for an estimate.
    """

    def __init__(self, phases: Sequence[Phase] = (), clock: Callable[[], float] = time.monotonic) -> None:
        """Plan phases in the order in which they run; `clock` returns seconds."""
        self.known = False
        self._left, self._clock, self._rate = list(phases), clock, 0.0
        self._now = Phase("", 0)
        self._steps = self._done = self._counted = 0
        self._begun = self._timed_from = 0.0

    def begin(self, phase: Phase, done: int, steps: int) -> None:
        """Begin a phase, planned or not, after `done` epochs; an epoch has `steps` minibatches."""
        titles = [each.title for each in self._left]
        if phase.title in titles:
            at = titles.index(phase.title)
            phase, self._left = self._left[at], self._left[at + 1 :]
        self._now = Phase(phase.title, phase.epochs - done, phase.work)
        self._steps, self._done, self._counted = steps, 0, 0
        self._begun = self._timed_from = self._clock()

    def step(self) -> None:
        """Time a minibatch."""
        self._counted += 1
        if self._counted <= WARM_UP:
            self._timed_from = self._clock()
        elif not self._done:
            timed, seconds = self._counted - WARM_UP, self._clock() - self._timed_from
            self._rate = seconds / timed * self._steps / self._now.work
            self.known |= timed >= MEASURED and seconds >= MEASURED_SECONDS

    def epoch(self) -> None:
        """Time an epoch, its validation included."""
        self._done += 1
        self._rate = (self._clock() - self._begun) / self._done / self._now.work
        self.known = True

    @property
    def seconds(self) -> dict[str, float]:
        """Return the seconds that are left, by the title of each phase."""
        spent = self._done or (self._counted / self._steps if self._steps else 0)
        left = {self._now.title: max(self._now.epochs - spent, 0) * self._now.work * self._rate}
        for phase in self._left:
            left[phase.title] = left.get(phase.title, 0) + phase.epochs * phase.work * self._rate
        return left


def in_words(seconds: float) -> str:
    """Return a time for people: `8 s`, `12 min`, `3.5 h`."""
    if seconds < 90:
        return f"{max(seconds, 1):.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 90 * 60 else f"{seconds / 3600:.1f} h"
