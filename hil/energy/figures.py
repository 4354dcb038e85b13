"""Compute the energy of an inference from captures: pure functions.

A capture holds n inferences and, between them, time in which the board only talks. Without a marker that
time is counted as idle, and the energy of an inference is (joules - idle watts * idle seconds) / n. It
includes the board's idle power while the inference runs, as MLPerf Tiny has it. Each request to the board
begins with an inference that warms it up, without a time or a mark: n includes these, and they take as long
as the others.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from hil.energy.meter import Window
from hil.errors import MeterError

IDLE_DRIFT = 0.1
"""Largest relative difference of the idle power before and after the inferences."""
_LONGER = 1.05
"""Most that the inferences of a capture may take by the board's clock, relative to the capture."""


@dataclass(frozen=True)
class Turn:
    """A capture in which inferences ran.

    Attributes:
        window: The capture.
        inferences: Number of timed inferences.
        busy: Seconds of all timed inferences, by the board's clock.
        warm_ups: Number of inferences that were neither timed nor marked.
    """

    window: Window
    inferences: int
    busy: float
    warm_ups: int = 0


@dataclass(frozen=True)
class Energy:
    """Energy of inferences of one subnet.

    Attributes:
        millijoules: Samples: one for each inference with a marker, else the mean of each turn.
        milliwatts: Mean power during inferences, by turn.
        idle_milliwatts: Power of the idle board, before and after.
    """

    millijoules: tuple[float, ...]
    milliwatts: tuple[float, ...]
    idle_milliwatts: tuple[float, float]


def energy(turns: Sequence[Turn], before: Window, after: Window, marker: bool) -> Energy:
    """Return the energy of inferences.

    Args:
        turns: Captures in which inferences ran.
        before: Capture of the idle board before them.
        after: Capture of the idle board after them.
        marker: Whether the meter sees the agent's marker.

    Raises:
        MeterError: The captures contradict each other.
    """
    idle = before.watts, after.watts
    if not min(idle) > 0 or max(idle) > (1 + IDLE_DRIFT) * min(idle):
        held = f"the idle board drew {idle[0] * 1000:.3g} mW before and {idle[1] * 1000:.3g} mW after"
        raise MeterError(
            f"{held}, more than {IDLE_DRIFT:.0%} apart; let it rest, end its other work, run again"
        )
    usual, samples, watts = sum(idle) / 2, [], []
    for turn in turns:
        if turn.busy > _LONGER * turn.window.seconds:
            longer = f"{turn.inferences:,} inferences take {turn.busy:.3g} s by the board's clock"
            shorter = f"the capture {turn.window.seconds:.3g} s by the meter's"
            raise MeterError(f"{longer}, {shorter}; run again with less load on this machine")
        if marker:
            rose = len(turn.window.marks)
            if rose != turn.inferences:
                told = f"the marker rose {rose:,} times in {turn.inferences:,} inferences"
                raise MeterError(f"{told}; check its wire, or leave `marker` out")
            each = list(turn.window.marks)
        else:
            ran = turn.inferences + turn.warm_ups
            rest = max(0.0, turn.window.seconds - turn.busy * ran / turn.inferences)
            each = [(turn.window.joules - usual * rest) / ran]
        drawn = sum(each) / len(each) * turn.inferences
        if not drawn > 0:
            less = f"the board draws {turn.window.watts * 1000:.3g} mW with inferences"
            raise MeterError(f"{less}, {usual * 1000:.3g} mW without; check that the meter is in its supply")
        samples += [1000 * joules for joules in each]
        watts.append(1000 * drawn / turn.busy)
    return Energy(tuple(samples), tuple(watts), (1000 * idle[0], 1000 * idle[1]))
