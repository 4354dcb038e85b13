"""Bound the gain by prices on the costs.

At any prices no choice within the limits gains more than the best choice's gain minus its priced costs, plus
the priced limits. The lowest such bound is found by column generation (Dantzig and Wolfe, Operations Research
1960): the best mixture of the choices seen so far that keeps the limits on average gives prices. The best
choice at these prices joins the mixture, until none is better. With one cost this searches for one price.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from reds.nesting.solver.problem import Choice, Problem
from reds.nesting.solver.stages import Stage, Values
from reds.nesting.solver.sweeps import forward, trace

ROUNDS = 200
CLOSE = 1e-9
"""The search ends when the bound is off by at most this fraction of the gains' range."""


@dataclass(frozen=True)
class Dual:
    """A proven bound: no choice within the limits gains more than `bound`."""

    prices: Values
    """The price of each cost that proves the bound."""
    bound: float
    seen: tuple[Choice, ...]
    """The best choices at the prices tried."""


def minimize(problem: Problem, stages: Sequence[Stage]) -> Dual:
    """Return the lowest bound over all prices; -inf if no choice is allowed."""
    limits = np.array([float(cost.limit) for cost in problem.limited])
    scale, k = np.maximum(limits, 1), len(limits)
    most, spread = _range(stages)
    # A mixture has k + 1 columns: costs over their limits, then 1. It starts with slack columns, and with one
    # of so low a gain that any choice replaces it.
    basis, gains = np.eye(k + 1), np.array([*[0.0] * k, most - 1e3 * spread])
    bound, best, seen = np.inf, np.zeros(k), dict[Choice, None]()
    for _ in range(ROUNDS):
        *dual_values, rest = np.linalg.solve(basis.T, gains)
        prices = np.array(dual_values)
        if k and prices.min() < -CLOSE * spread:
            column, gain = np.eye(k + 1)[prices.argmin()], 0.0
        else:
            prices = prices.clip(0) / scale
            reduced = [stage.reduced(prices) for stage in stages]
            reached = forward(stages, reduced)
            value = float(reached[-1]) + float(prices @ limits)
            if value == -np.inf:
                return Dual(np.zeros(k), -np.inf, ())
            if value < bound:
                bound, best = value, prices
            choice = trace(stages, reduced, reached)
            seen[choice] = None
            excess = [(cost.evaluate(choice) - cost.limit) for cost in problem.limited]
            column, gain = np.array([*(excess / scale), 1]), problem.value(choice)
            if value - rest <= CLOSE * spread:
                break
        shares, change = np.linalg.solve(basis, np.eye(k + 1)[k]), np.linalg.solve(basis, column)
        steps = np.where(change > 1e-12, shares.clip(0) / np.where(change > 1e-12, change, 1), np.inf)
        leaving = int(steps.argmin())
        basis[:, leaving], gains[leaving] = column, gain
    return Dual(best, bound, tuple(seen))


def _range(stages: Sequence[Stage]) -> tuple[float, float]:
    """Return the most that a choice may gain and that two may differ by, costs and rules ignored."""
    finite = [gain for stage in stages if (gain := stage.gain[np.isfinite(stage.gain)]).size]
    most = sum(float(gain.max()) for gain in finite)
    return most, max(most - sum(float(gain.min()) for gain in finite), 1e-9)
