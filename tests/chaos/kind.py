"""Define what one run of chaos is and what it finds."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

LEFT = "left "
"""Beginning of a violation that names something that outlived its run."""


@dataclass(frozen=True)
class Outcome:
    """What one run found.

    Attributes:
        kind: Kind of the run, such as "link over a pty".
        fault: What was broken, such as "flip a bit of byte 713 to the host".
        verdict: What the bench made of it, such as "passed" or "DeadlineError".
        violations: The invariants that did not hold, empty if all did.
        overrun: Seconds beyond the deadline, 0 if within.
    """

    kind: str
    fault: str
    verdict: str
    violations: tuple[str, ...] = ()
    overrun: float = 0.0


Kind = Callable[[random.Random, Path], Outcome]
"""Breaks one thing, drawn from the random numbers, in an empty folder of its own."""
Kinds = dict[str, tuple[float, Kind]]
"""Kinds by name, each with how often it is drawn in proportion to the others."""
