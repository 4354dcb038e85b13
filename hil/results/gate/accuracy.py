"""Judge an accuracy by an exact test: paired on the same clips, else unpaired."""

from collections.abc import Sequence

from hil.results.gate.verdict import Direction, Verdict
from hil.results.statistics.proportions import lost_and_gained, paired_p, unpaired_p
from reds.text import percent

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
        lost, gained = lost_and_gained(right, was)
        down, up = paired_p(right, was), paired_p(was, right)
        how = f"lost {lost:,} clips and gained {gained:,}"
    else:
        down = unpaired_p(sum(right), len(right), sum(was), len(was))
        up = unpaired_p(sum(was), len(was), sum(right), len(right))
        how = "other clips, so unpaired"
    change = Direction.WORSE if down < ALPHA else Direction.BETTER if up < ALPHA else Direction.NONE
    p = min(down, up)
    moved = f"accuracy {percent(sum(right) / len(right))}, was {percent(sum(was) / len(was))}"
    return Verdict("accuracy", change, f"{moved} ({how}, p = {p:.2g})")
