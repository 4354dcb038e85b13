"""Judge counts that repeat exactly: instructions and cycles of an emulator, bytes of memory."""

from hil.results.gate.verdict import Change, Verdict, percent


def judge_count(name: str, unit: str, now: float, before: float) -> Verdict:
    """Compare two counts. Any difference is real, so one more is worse and one fewer is better.

    Args:
        name: What texts call the count.
        unit: Unit of both counts.
        now: The count of this run.
        before: The count of the baseline.
    """
    change = Change((now > before) - (now < before))
    of = "" if unit == name else f" {unit}"
    moved = f"{now:,.10g}{of}, was {before:,.10g} ({percent(now, before)}, exact)"
    return Verdict(name, change, f"{name} {moved}")
