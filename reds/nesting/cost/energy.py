"""Turn the latency of an inference into its energy, by the energy that the device spends in a cycle."""

import numpy as np

from reds.errors import BudgetError
from reds.nesting.cost import Cost
from reds.nesting.cost.latency import Latency

PICOJOULES = 1_000_000
"""Picojoules of a microjoule. The solver adds integers, so it counts picojoules."""


def energy_cost(latency_cost: Cost, latency: Latency, nanojoules: float) -> Cost:
    """Return the picojoules of an inference.

    Args:
        latency_cost: Its nanoseconds.
        latency: The times that they come from.
        nanojoules: Energy of a cycle.

    Raises:
        BudgetError: The board of the times counts no cycles.
    """
    if latency.hz is None:
        raise BudgetError(
            f"an energy budget needs cycles, which {latency.board} does not count: limit its latency"
        )
    each = latency.hz * nanojoules * 1e-6  # cycles in a nanosecond times picojoules in a cycle
    tables = {groups: np.rint(table * each).astype(np.int64) for groups, table in latency_cost.tables.items()}
    return Cost("uJ", tables, digits=6)
