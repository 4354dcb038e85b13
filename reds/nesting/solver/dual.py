"""Prices on the costs: what every choice's gain less its priced costs bounds, made as small as it gets.

Column generation (Dantzig and Wolfe, Operations Research 1960): the best mixture of the choices seen so far
that keeps the limits on average gives prices; the best choice at these prices joins the mixture, until none
is better. With one cost this is the search for the one price.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from reds.nesting.solver.problem import Choice, Problem
from reds.nesting.solver.stages import Stage, Values, forward, trace

ROUNDS = 200
CLOSE = 1e-9
"""Share of the gains' range that the bound may still be off when the search ends."""


@dataclass(frozen=True)
class Dual:
    """No choice within the limits gains more than `bound`; proven by `prices`, one a cost."""

    prices: Values
    bound: float
    seen: tuple[Choice, ...]
    """The best choices at the prices tried."""


def minimize(problem: Problem, stages: Sequence[Stage]) -> Dual:
    """The lowest bound over all prices; -inf where no choice is allowed."""
    limits = np.array([float(cost.limit) for cost in problem.limited])
    scale, k = np.maximum(limits, 1), len(limits)
    most, spread = _range(stages)
    # A mixture is k + 1 columns (costs over their limits, 1); at first slacks and one that only fills up.
    basis, gains = np.eye(k + 1), np.array([*[0.0] * k, most - 1e3 * spread])
    bound, best, seen = np.inf, np.zeros(k), dict[Choice, None]()
    for _ in range(ROUNDS):
        *prices, rest = np.linalg.solve(basis.T, gains)
        dear = np.array(prices)
        if k and dear.min() < -CLOSE * spread:
            column, gain = np.eye(k + 1)[dear.argmin()], 0.0
        else:
            dear = dear.clip(0) / scale
            reduced = [stage.reduced(dear) for stage in stages]
            reached = forward(stages, reduced)
            value = float(reached[-1]) + float(dear @ limits)
            if value == -np.inf:
                return Dual(np.zeros(k), -np.inf, ())
            if value < bound:
                bound, best = value, dear
            choice = trace(stages, reduced, reached)
            seen[choice] = None
            over = [(cost.evaluate(choice) - cost.limit) for cost in problem.limited]
            column, gain = np.array([*(over / scale), 1]), problem.value(choice)
            if value - rest <= CLOSE * spread:
                break
        shares, change = np.linalg.solve(basis, np.eye(k + 1)[k]), np.linalg.solve(basis, column)
        steps = np.where(change > 1e-12, shares.clip(0) / np.where(change > 1e-12, change, 1), np.inf)
        out = int(steps.argmin())
        basis[:, out], gains[out] = column, gain
    return Dual(best, bound, tuple(seen))


def _range(stages: Sequence[Stage]) -> tuple[float, float]:
    """The most that a choice may gain, and what two may differ by, costs and rules aside."""
    finite = [gain for stage in stages if (gain := stage.gain[np.isfinite(stage.gain)]).size]
    most = sum(float(gain.max()) for gain in finite)
    return most, max(most - sum(float(gain.min()) for gain in finite), 1e-9)
