"""Sum the energy of the times in which the agent's marker was high."""

import numpy as np
from numpy.typing import NDArray


def marked(joules: NDArray[np.float64], high: NDArray[np.bool_]) -> tuple[float, ...]:
    """Return the energy of each time that the marker was high, whole ones only.

    Args:
        joules: Energy of each sample, float64 [n].
        high: Whether the marker is high, bool [n].
    """
    edges = np.diff(high.astype(np.int8))
    rises, falls = np.flatnonzero(edges == 1) + 1, np.flatnonzero(edges == -1) + 1
    if len(rises):
        falls = falls[falls > rises[0]]
    sums = np.concatenate([[0.0], np.cumsum(joules)])
    return tuple(float(sums[b] - sums[a]) for a, b in zip(rises, falls, strict=False))
