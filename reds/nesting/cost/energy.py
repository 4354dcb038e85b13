"""Turn the latency of an inference into its energy, by the energy that the device spends in a cycle."""

import numpy as np

from reds.nesting.cost import Cost

PICOJOULES = 1_000_000
"""Picojoules of a microjoule. The solver adds integers, so it counts picojoules."""


def energy_cost(latency_cost: Cost, hz: float, nanojoules: float) -> Cost:
    """Return the picojoules of an inference.

    Args:
        latency_cost: Its nanoseconds.
        hz: Cycles in a second.
        nanojoules: Energy of a cycle.
    """
    each = hz * nanojoules * 1e-6  # cycles in a nanosecond times picojoules in a cycle
    (times,) = latency_cost.rows
    tables = {groups: np.rint(table * each).astype(np.int64) for groups, table in times.items()}
    return Cost("uJ", (tables,), digits=6)
