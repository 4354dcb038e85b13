"""Judge an accuracy by an exact test: paired on the same clips, else unpaired."""

from collections.abc import Sequence

from hil.results.gate.verdict import Change, Verdict
from hil.results.statistics.proportions import paired_p, unpaired_p

ALPHA = 0.01
"""Probability that chance alone calls an unchanged accuracy worse."""


def judge_accuracy(now: Sequence[float], before: Sequence[float], same_clips: bool) -> Verdict:
    """Compare the answers of this run with those of the baseline.

    Args:
        now: 1 for each right answer of this run, 0 for each wrong one.
        before: The same of the baseline.
        same_clips: Whether both answered the same clips in the same order.
    """
    right, was = [a > 0 for a in now], [a > 0 for a in before]
    if same_clips:
        lost = sum(b and not a for a, b in zip(right, was, strict=True))
        gained = sum(a and not b for a, b in zip(right, was, strict=True))
        down, up = paired_p(right, was), paired_p(was, right)
        how = f"lost {lost:,} clips and gained {gained:,}"
    else:
        down = unpaired_p(sum(right), len(right), sum(was), len(was))
        up = unpaired_p(sum(was), len(was), sum(right), len(right))
        how = "other clips, so unpaired"
    change = Change.WORSE if down < ALPHA else Change.BETTER if up < ALPHA else Change.NONE
    p = min(down, up)
    moved = f"accuracy {sum(right) / len(right):.1%}, was {sum(was) / len(was):.1%}".replace("%", " %")
    return Verdict("accuracy", change, f"{moved} ({how}, p = {p:.2g})")
