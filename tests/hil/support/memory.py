"""Memory of processes over time."""

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from statistics import mean

_FIFTH = 5


def rss(pid: int) -> float:
    """Return the resident memory of a process in MB, 0 if it has ended."""
    with suppress(OSError, StopIteration):
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
        return int(next(line for line in lines if line.startswith("VmRSS:")).split()[1]) / 1024
    return 0.0


class Memory:
    """Samples by what they are of, in the order in which they were taken."""

    def __init__(self) -> None:
        self._samples: dict[str, list[float]] = {}

    def sample(self, what: str, megabytes: float) -> None:
        self._samples.setdefault(what, []).append(megabytes)

    def summary(self) -> Mapping[str, Mapping[str, float]]:
        """Return the mean of the second and of the last fifth, and the largest: the first fifth warms up."""
        return {what: _summary(values) for what, values in self._samples.items()}


def _summary(values: list[float]) -> Mapping[str, float]:
    part = max(1, len(values) // _FIFTH)
    early, late = mean(values[part : 2 * part] or values), mean(values[-part:])
    found = {"early": early, "late": late, "growth": late - early, "max": max(values)}
    return {name: round(value, 1) for name, value in found.items()}
