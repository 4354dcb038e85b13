"""Solve a problem: exactly, or by CP-SAT where its groups couple too closely for that."""

from collections.abc import Iterable

from reds.errors import CoupledError
from reds.nesting.solver.coupled import solve_coupled
from reds.nesting.solver.exact import InfeasibleError, Solution, solve_exactly
from reds.nesting.solver.problem import Choice, Problem


def solve(problem: Problem, known: Iterable[Choice] = ()) -> Solution:
    """Return the choice of the largest gain that was found, and a bound on every gain.

    Args:
        problem: Gains, costs and limits.
        known: Choices to beat; those that do not fit are ignored.

    Raises:
        InfeasibleError: Nothing fits, or nothing that fits was found.
        CoupledError: The tables over the widths of coupled groups are too large even for CP-SAT.
    """
    known = list(known)
    try:
        return solve_exactly(problem, known)
    except CoupledError:
        found = solve_coupled([problem], [[choice] for choice in known])
    if found.choices is None:
        fitting = "is" if found.bound == -float("inf") else "was found"
        raise InfeasibleError(f"no choice of widths within the limits {fitting}")
    (choice,) = found.choices
    return Solution(choice, problem.value(choice), found.bound)
