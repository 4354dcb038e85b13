"""Choose the interval of a figure that the suite measures."""

from collections.abc import Sequence

from hil.results.statistics.proportions import proportion_interval
from hil.results.statistics.quantiles import percentile_interval

_MEDIANS = ("latency", "cycles", "instructions", "first", "energy", "tflite")
"""Metrics whose value is the median of their samples; `first_latency` and the like are counted as `first`."""


def interval(metric: str, samples: Sequence[float], exact: bool) -> tuple[float | None, float | None]:
    """Return the bounds of a figure with 95 % confidence; None for a bound that it does not have.

    The slowest switch has none, as no number of switches bounds the next one.

    Args:
        metric: Name of the metric.
        samples: Its samples.
        exact: Whether the samples repeat exactly, so that only the inputs vary them. Then a median has no
            interval.
    """
    if not samples:
        return None, None
    if metric == "accuracy":
        return proportion_interval(sum(sample > 0 for sample in samples), len(samples))
    if metric.partition("_")[0] in _MEDIANS and not exact:
        return percentile_interval(samples, 50)
    return None, None
