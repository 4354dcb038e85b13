"""The solver against brute force: chains, trees and triangles, any costs, rules and gains."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reds.nesting.solver import exact as solving
from reds.nesting.solver import joint
from reds.nesting.solver.dual import minimize
from reds.nesting.solver.exact import InfeasibleError
from reds.nesting.solver.exact import solve_exactly as solve
from reds.nesting.solver.joint import solve_jointly
from reds.nesting.solver.problem import Choice, Limited, Problem
from reds.nesting.solver.stages import stages_of
from reds.nesting.solver.sweeps import ceilings
from tests.reds.support.problems import all_that_fit, problems


@pytest.mark.parametrize("widths", [(1 << 16,), (2, 8, 1 << 16)], ids=["at once", "in rounds"])
def test_solve_equals_brute_force(widths: tuple[int, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(solving, "BEAMS", widths)
    seen = set()

    @given(problems())
    @settings(max_examples=300)
    def check(problem: Problem) -> None:
        fitting = all_that_fit(problem)
        seen.add(bool(fitting))
        if not fitting:
            with pytest.raises(InfeasibleError):
                solve(problem)
            return
        solution = solve(problem)
        assert problem.fits(solution.choice)
        assert solution.bound == solution.value == problem.value(solution.choice)
        assert solution.value == pytest.approx(max(map(problem.value, fitting)), rel=1e-9, abs=1e-9)

    check()
    assert seen == {True, False}


@pytest.mark.parametrize(("widths", "work"), [((1,), solving.WORK), (solving.BEAMS, 1)], ids=["few", "work"])
def test_without_enough_work_the_bound_still_holds(
    widths: tuple[int, ...], work: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(solving, "BEAMS", widths)

    @given(problems())
    @settings(max_examples=100)
    def check(problem: Problem) -> None:
        fitting = all_that_fit(problem)
        if fitting:
            solution = solve(problem, fitting[:1], work)
            best = max(map(problem.value, fitting))
            assert problem.fits(solution.choice)
            assert solution.value - 1e-9 <= best <= solution.bound + 1e-9

    check()


@given(problems())
@settings(max_examples=100)
def test_prices_bound_every_width(problem: Problem) -> None:
    stages = stages_of(problem)
    dual = minimize(problem, stages)
    paid = sum(price * cost.limit for price, cost in zip(dual.prices, problem.limited, strict=True))
    most = ceilings(stages, [stage.reduced(dual.prices) for stage in stages])
    for choice in all_that_fit(problem):
        assert problem.value(choice) <= dual.bound + 1e-6
        for g, k in enumerate(choice):
            assert problem.value(choice) <= most[g][k] + paid + 1e-6


def are_nested(choices: Sequence[Choice]) -> bool:
    return all(a <= b for one, two in pairwise(choices) for a, b in zip(one, two, strict=True))


@pytest.mark.parametrize("lowered", ["nothing", "LARGEST", "ENTRIES", "WORK"])
def test_the_joint_solution_equals_brute_force(lowered: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if lowered != "nothing":
        monkeypatch.setattr(joint, lowered, {"LARGEST": 2, "ENTRIES": 8, "WORK": 1}[lowered])
    closed = set()

    @given(problems(costs=1, groups=3), st.data())
    @settings(max_examples=100)
    def check(problem: Problem, data: st.DataObject) -> None:
        shares = sorted(data.draw(st.lists(st.floats(0.3, 1), min_size=2, max_size=3)))
        each = [
            replace(problem, limited=tuple(Limited(c.tables, int(share * c.limit)) for c in problem.limited))
            for share in shares
        ]
        fitting = [choices for choices in product(*map(all_that_fit, each)) if are_nested(choices)]
        if not fitting:
            return
        value = [sum(p.value(c) for p, c in zip(each, choices, strict=True)) for choices in fitting]
        found = solve_jointly(each, [fitting[0], fitting[-1]])
        assert found.choices in fitting
        assert found.value - 1e-9 <= max(value) <= found.bound + 1e-9
        closed.add(found.value == found.bound)
        if found.value == found.bound:
            assert found.value == pytest.approx(max(value), abs=1e-9)

    check()
    assert True in closed


@pytest.mark.parametrize(("lowered", "to"), [("LARGEST", 4), ("ENTRIES", 250), ("WORK", 1)])
def test_a_joint_solution_without_enough_work_bounds_the_best(
    lowered: str, to: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Never over brute force, nor its bound under it; the halves bound it closer than each alone does."""
    monkeypatch.setattr(joint, lowered, to)
    proven, closer = set(), set()
    for seed in range(40):
        rng = np.random.default_rng(seed)
        tables = [(0,), (1,), (2,), (0, 1), (1, 2)]
        gains = {groups: rng.normal(0, 3, [3] * len(groups)) for groups in tables}
        costs = {groups: rng.integers(0, 30, [3] * len(groups)) for groups in tables}
        each = [Problem((3,) * 3, gains, (Limited(costs, limit),)) for limit in (50, 60, 75)]
        fitting = [all_that_fit(problem) for problem in each]
        nested = [choices for choices in product(*fitting) if are_nested(choices)]
        if not nested:
            continue
        found = solve_jointly(each, nested[:1])
        best = max(sum(p.value(c) for p, c in zip(each, choices, strict=True)) for choices in nested)
        assert found.value - 1e-9 <= best <= found.bound + 1e-9
        proven.add(found.value == found.bound)
        closer.add(found.bound < sum(solve(problem).bound for problem in each) - 1e-9)
    assert False in proven
    assert True in closer
