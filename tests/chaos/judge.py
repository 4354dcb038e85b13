"""Judge operations: each ends in time, and passes or raises an error of hil in one printable line."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from hil.errors import HilError
from tests.chaos import isolation

GRACE_SECONDS = 2.0
"""Seconds by which an operation may exceed its deadline."""
HANG_SECONDS = 4.0
"""Seconds beyond its deadline after which an operation is ended, as it hangs."""
_LONGEST_LINE = 500


class Wrong(Exception):  # noqa: N818, it is a finding, not a bug of chaos
    """An operation passed with a result that cannot be right."""


@dataclass
class Judge:
    """Collects what the operations of one run do.

    Attributes:
        right: The errors that the fault may cause.
        verdict: "passed", or the name of the first error.
        violations: The invariants that did not hold.
        overrun: The most seconds beyond a deadline.
    """

    right: tuple[type[HilError], ...]
    verdict: str = "passed"
    violations: list[str] = field(default_factory=list)
    overrun: float = 0.0

    def judged(self, name: str, seconds: float, work: Callable[[], object]) -> HilError | None:
        """Do the work of an operation, judge it, and return the error that it raised, if any.

        Args:
            name: Name of the operation, for violations.
            seconds: Its deadline from now. The process of this run ends if it takes much longer.
            work: The operation. It raises `Wrong` if its result cannot be right.
        """
        isolation.limit(name, seconds + HANG_SECONDS)
        begun, error = time.monotonic(), None
        try:
            work()
        except HilError as caught:
            error = caught
            self._check(name, caught)
        except Wrong as wrong:
            self.violate(f"{name}: {wrong}")
        except Exception as raw:
            self._note(f"raw {type(raw).__name__}")
            where = isolation.raised_at(raw)
            self.violate(f"{name} raised {type(raw).__name__}: {str(raw)[:200]!r} ({where})")
        self.late(name, time.monotonic() - begun - seconds)
        return error

    def late(self, name: str, over: float) -> None:
        """Note that an operation took so many seconds beyond its deadline."""
        self.overrun = max(self.overrun, over)
        if over > GRACE_SECONDS:
            self.violate(f"{name} took {over:.1f} s more than its deadline")

    def violate(self, text: str) -> None:
        """Note that an invariant did not hold, and say it in one printable line."""
        self.violations.append(isolation.one_line(text))

    def _check(self, name: str, error: HilError) -> None:
        kind, text = type(error).__name__, str(error)
        self._note(kind)
        if not isinstance(error, self.right):
            self.violate(f"{name} raised {kind}, which this fault cannot cause: {text}")
        if not text.isprintable():
            self.violate(f"{name} raised {kind} with an unprintable text: {text!r}")
        if len(text) > _LONGEST_LINE:
            self.violate(f"{name} raised {kind} with a text of {len(text)} characters: {text[:60]}...")

    def _note(self, verdict: str) -> None:
        if self.verdict == "passed":
            self.verdict = verdict
