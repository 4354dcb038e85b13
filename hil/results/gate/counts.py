"""Judge counts that repeat exactly: instructions and cycles of an emulator, bytes of memory."""

from hil.results.gate.verdict import Direction, Verdict, relative

STACK_SLACK = 64.0
"""Bytes by which a stack differs from process to process, as Linux lets it begin anywhere in a cache line."""


def judge_count(name: str, unit: str, now: float, before: float, slack: float = 0.0) -> Verdict:
    """Compare two counts. Without slack any difference is real: one more is worse and one fewer is better.

    Args:
        name: What texts call the count.
        unit: Unit of both counts.
        now: The count of this run.
        before: The count of the baseline.
        slack: Change that means nothing.
    """
    change = Direction((now > before + slack) - (now < before - slack))
    of = "" if unit == name else f" {unit}"
    moved = f"{now:,.10g}{of}, was {before:,.10g} ({relative(now, before)}, exact)"
    return Verdict(name, change, f"{name} {moved}")
