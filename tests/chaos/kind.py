"""Define a kind of fault: what it does, and what it reports."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Outcome:
    """The result of one fault.

    Attributes:
        kind: What was disturbed, as `kill in a cold build`.
        fault: The fault, with all that its repetition needs.
        verdict: How the disturbed run ended, as `killed` or `healed`.
        violations: The invariants that did not hold, one sentence each.
        overrun: Seconds beyond the deadline, 0 if within.
    """

    kind: str
    fault: str
    verdict: str
    violations: tuple[str, ...] = ()
    overrun: float = 0.0


Kind = Callable[[random.Random, Path], Outcome]
"""Makes one fault in an empty folder of its own."""
