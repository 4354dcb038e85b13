"""Say how a run ended: its verdict, its failures, what was absent, and what makes its figures doubtful."""

from collections import Counter
from dataclasses import dataclass

from hil.report.taken import Taken
from hil.results.conditions import warnings
from hil.results.listing import facts
from hil.results.measurement import INFRASTRUCTURE_ERRORS
from hil.results.run import BAD, FAILED, PASSED, TestOutcome

GOOD, WRONG, OPEN = "good", "bad", "open"
"""Kinds of a verdict."""


@dataclass(frozen=True)
class Verdict:
    """Verdict on a run, with its failures and doubts.

    Attributes:
        kind: `good`, `bad` or `open`, for a run without an end or without figures.
        text: The verdict in one line.
        failures: Tests that failed.
        skipped: Tests that were skipped, one for each board and reason.
        doubts: Lines on what disturbed the figures.
        facts: What the run is, by name.
    """

    kind: str
    text: str
    failures: tuple[TestOutcome, ...]
    skipped: tuple[TestOutcome, ...]
    doubts: tuple[str, ...]
    facts: tuple[tuple[str, str], ...]


def verdict(taken: Taken) -> Verdict:
    """Return the verdict on a run."""
    counts = Counter(test.outcome for test in taken.tests)
    failures = tuple(test for test in taken.tests if test.outcome in BAD)
    said = ", ".join(
        f"{counts[outcome]} {outcome}" for outcome in (*BAD, "passed", "skipped") if counts[outcome]
    )
    ended = taken.run.status
    kind = GOOD if ended == PASSED else WRONG if ended == FAILED or failures else OPEN
    if not taken.benches:
        kind, said = (
            (WRONG if failures else OPEN),
            f"nothing was measured, {said}" if said else "nothing was measured",
        )
    skipped = {(test.board, test.why): test for test in taken.tests if test.outcome == "skipped"}
    lost = [
        f"{m.board} was {'recovered' if m.value == 1 else 'quarantined'} in the run"
        for m in taken.measurements
        if m.metric == INFRASTRUCTURE_ERRORS and m.value
    ]
    doubts = warnings([m.plain() for m in taken.measurements])
    return Verdict(
        kind,
        f"{ended}: {said}" if said else ended,
        failures,
        tuple(skipped.values()),
        (*doubts, *dict.fromkeys(lost)),
        tuple(facts(taken.run, taken.boards).items()),
    )
