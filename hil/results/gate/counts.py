"""Judge counts that repeat exactly: instructions and cycles of an emulator, bytes of memory."""

from hil.results.gate.verdict import Change, Verdict, percent


def judge_count(metric: str, unit: str, now: float, before: float) -> Verdict:
    """Compare two counts. Any difference is real, so one more is worse and one fewer is better.

    Args:
        metric: Name of the metric.
        unit: Unit of both counts.
        now: The count of this run.
        before: The count of the baseline.
    """
    change = Change((now > before) - (now < before))
    moved = f"{now:,.10g} {unit}, was {before:,.10g} ({percent(now, before)}, exact)"
    return Verdict(metric, change, f"{metric.replace('_', ' ')} {moved}")
