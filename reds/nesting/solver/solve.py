"""Solve a problem by the first way that its couplings allow.

- Dynamic programming takes all rules into its tables.
- Rules over many groups, as those of an arena, may be too wide for that. Then they are left out at first, and
  each that the best choice breaks joins the costs, which have prices instead of tables.
- CP-SAT solves what remains.
"""

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import TypeVar

from reds.errors import CoupledError
from reds.nesting.solver.coupled import solve_coupled
from reds.nesting.solver.exact import InfeasibleError, Solution, solve_exactly
from reds.nesting.solver.problem import Choice, Limited, Problem

NARROW = 2
"""The most groups of a rule that is always taken into tables."""
Solved = TypeVar("Solved")


def solve(problem: Problem, known: Iterable[Choice] = ()) -> Solution:
    """Return the choice of the largest gain that was found, and a bound on every gain.

    Args:
        problem: Gains, costs and limits.
        known: Choices to beat; those that do not fit are ignored.

    Raises:
        InfeasibleError: Nothing fits, or nothing that fits was found.
        CoupledError: The tables over the widths of coupled groups are too large even for CP-SAT.
    """
    known = [choice for choice in known if problem.fits(choice)]
    with suppress(CoupledError):
        return solve_exactly(problem, known)
    with suppress(CoupledError):
        return with_priced_rules(
            [problem], lambda parts: solve_exactly(parts[0], known), lambda solution: [solution.choice]
        )
    found = solve_coupled([problem], [[choice] for choice in known])
    if found.choices is None:
        fitting = "is" if found.bound == -float("inf") else "was found"
        raise InfeasibleError(f"no choice of widths within the limits {fitting}")
    (choice,) = found.choices
    return Solution(choice, problem.value(choice), found.bound)


def with_priced_rules(
    problems: Sequence[Problem],
    solve_all: Callable[[Sequence[Problem]], Solved],
    choices_of: Callable[[Solved], Sequence[Choice]],
) -> Solved:
    """Solve problems without their wide rules, then with each that is broken among the costs.

    Args:
        problems: The problems.
        solve_all: Solves them.
        choices_of: Returns the choices of a solution, one for each problem.
    """
    wide = [[rule for rule in problem.rules if len(rule.groups) > NARROW] for problem in problems]
    parts = [
        replace(problem, rules=tuple(rule for rule in problem.rules if len(rule.groups) <= NARROW))
        for problem in problems
    ]
    while True:
        solution = solve_all(parts)
        kept = True
        for i, choice in enumerate(choices_of(solution)):
            worst = max(wide[i], key=lambda rule: _excess(rule, choice), default=None)
            if worst and _excess(worst, choice) > 0:
                parts[i], kept = replace(parts[i], limited=(*parts[i].limited, worst)), False
        if kept:
            return solution


def _excess(rule: Limited, choice: Choice) -> float:
    return (rule.evaluate(choice) - rule.limit) / max(rule.limit, 1)
