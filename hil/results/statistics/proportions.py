"""Bound an accuracy, and compare two accuracies, exactly."""

from collections.abc import Sequence

from hil.results.statistics.quantiles import CONFIDENCE


def proportion_interval(right: int, n: int, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Return the bounds of Clopper and Pearson for a proportion: exact, so never too narrow.

    Args:
        right: Number of right answers.
        n: Number of answers, 1 or more.
        confidence: Least probability that the true proportion is within the bounds.

    Raises:
        ValueError: The numbers are impossible.
    """
    from scipy.special import betaincinv  # imported here: it takes longer than most runs judge

    if not 0 <= right <= n or not n:
        raise ValueError(f"{right} of {n} answers: 0 to n right ones of 1 or more are needed")
    either = (1 - confidence) / 2
    low = float(betaincinv(right, n - right + 1, either)) if right else 0.0
    high = float(betaincinv(right + 1, n - right, 1 - either)) if right < n else 1.0
    return low, high


def lost_and_gained(now: Sequence[bool], before: Sequence[bool]) -> tuple[int, int]:
    """Return how many clips were right before and are wrong now, and the reverse."""
    both = list(zip(now, before, strict=True))
    return sum(was and not is_ for is_, was in both), sum(is_ and not was for is_, was in both)


def paired_p(now: Sequence[bool], before: Sequence[bool]) -> float:
    """Return the probability that chance alone loses so many clips: McNemar's test, exact and one-sided.

    Only clips whose answer changed count. Without a change of accuracy each is lost or gained alike.

    Args:
        now: Whether each clip was right, in this run or by this subnet.
        before: Whether the same clips were right before, or by another subnet.

    Raises:
        ValueError: The numbers of clips differ.
    """
    from scipy.special import bdtrc

    lost, gained = lost_and_gained(now, before)
    return float(bdtrc(lost - 1, lost + gained, 0.5)) if lost else 1.0


def unpaired_p(right: int, n: int, right_before: int, n_before: int) -> float:
    """Return the probability that chance alone makes an accuracy so much lower: Fisher's exact test.

    Args:
        right: Number of right answers now.
        n: Number of answers now.
        right_before: Number of right answers before, on other clips.
        n_before: Number of answers before.
    """
    from scipy.stats import hypergeom  # imported here: it takes a second

    return float(hypergeom.cdf(right, n + n_before, right + right_before, n))
