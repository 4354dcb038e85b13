"""Problems beyond chains and trees: sums of groups, rules with prices, and CP-SAT, against brute force."""

from dataclasses import replace
from itertools import combinations, pairwise, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reds.errors import CoupledError
from reds.nesting.solver import coupled, linear, narrow, stages
from reds.nesting.solver.coupled import solve_coupled
from reds.nesting.solver.exact import InfeasibleError, solve_exactly
from reds.nesting.solver.joint import solve_jointly
from reds.nesting.solver.problem import Limited, Problem
from reds.nesting.solver.solve import solve
from tests.reds.support.problems import all_that_fit, problems, with_sums

SOLVED = settings(max_examples=25, deadline=None)
CLOSE = {"rel": 1e-7, "abs": 1e-7}
"""What rounding to integers may hide."""


@given(with_sums())
@settings(max_examples=50, deadline=None)
def test_sums_of_groups_are_solved_exactly(problem: Problem) -> None:
    fitting = all_that_fit(problem)
    if not fitting:
        with pytest.raises(InfeasibleError):
            solve_exactly(problem)
        return
    solution = solve_exactly(problem)
    assert solution.choice in fitting
    assert solution.bound == solution.value == pytest.approx(max(map(problem.value, fitting)), rel=1e-9)


def solved(problem: Problem) -> float | None:
    """The exact solver's gain, None if nothing fits."""
    try:
        return solve_exactly(problem).value
    except InfeasibleError:
        return None


@pytest.mark.parametrize(
    "largest", [stages.LARGEST, 16, 1], ids=["widths narrowed", "some tables", "no tables"]
)
def test_coupled_groups_agree_with_brute_force_and_with_the_exact_solver(
    largest: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(coupled, "AROUND", (0,))
    monkeypatch.setattr(narrow, "BUCKETS", (2, 1))
    monkeypatch.setattr(linear, "COMBINED", 4)

    @given(problems() | with_sums())
    @SOLVED
    def check(problem: Problem) -> None:
        fitting, exact = all_that_fit(problem), solved(problem)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(stages, "LARGEST", largest)
            found = solve_coupled([problem])
        if not fitting:
            assert found == coupled.Bounded(None, -np.inf)
            return
        best = max(map(problem.value, fitting))
        assert found.choices
        assert found.choices[0] in fitting
        assert problem.value(found.choices[0]) == pytest.approx(best, **CLOSE)
        assert best - 1e-9 <= found.bound <= best + 1e-6 * max(1, abs(best))
        assert exact == pytest.approx(best, **CLOSE)

    check()


@pytest.mark.parametrize("largest", [8, 1], ids=["some tables fit", "no table fits"])
def test_a_problem_too_wide_for_tables_is_solved_all_the_same(
    largest: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stages, "LARGEST", 12 * largest)

    @given(with_sums())
    @SOLVED
    def check(problem: Problem) -> None:
        fitting = all_that_fit(problem)
        if not fitting:
            with pytest.raises(InfeasibleError):
                solve(problem)
            return
        best, solution = max(map(problem.value, fitting)), solve(problem)
        assert solution.choice in fitting
        assert solution.value == pytest.approx(best, **CLOSE)
        assert solution.bound >= best - 1e-9

    check()


@given(st.integers(0, 2**16))
@settings(max_examples=20, deadline=None)
def test_rules_over_many_groups_get_prices_where_the_best_choice_breaks_them(seed: int) -> None:
    """Six groups in a chain, and three rules over all: tabulated they would be too wide."""
    rng = np.random.default_rng(seed)
    gains = {(g,): np.sort(rng.random(3)) for g in range(6)}
    cost = Limited({pair: rng.integers(0, 9, (3, 3)).cumsum(0).cumsum(1) for pair in pairwise(range(6))}, 90)
    rules = tuple(
        Limited({(g,): rng.integers(0, 9, 3).cumsum() for g in range(6)}, int(rng.integers(40, 80)))
        for _ in range(3)
    )
    problem = Problem((3,) * 6, gains, (cost,), rules)
    fitting = all_that_fit(problem)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stages, "LARGEST", 3**5)
        with pytest.raises(CoupledError):
            solve_exactly(problem)
        if fitting:
            solution = solve(problem)
            assert solution.value == solution.bound == pytest.approx(max(map(problem.value, fitting)))
            assert problem.fits(solution.choice)


@given(problems(costs=1, groups=3) | with_sums(), st.integers(0, 100))
@settings(max_examples=40, deadline=None)
def test_nested_subnets_by_cp_sat_equal_brute_force(problem: Problem, percent: int) -> None:
    small = replace(
        problem, limited=tuple(Limited(c.tables, c.limit * percent // 100) for c in problem.limited)
    )
    nested = [
        (inner, outer)
        for inner, outer in product(all_that_fit(small), all_that_fit(problem))
        if all(a <= b for a, b in zip(inner, outer, strict=True))
    ]
    if not nested:
        return
    best = max(small.value(inner) + problem.value(outer) for inner, outer in nested)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stages, "LARGEST", 1)
        found = solve_jointly([small, problem], [nested[0]])
    assert found.choices in nested
    assert found.value == pytest.approx(best, **CLOSE)
    assert best - 1e-9 <= found.bound <= best + 1e-6 * max(1, abs(best))


@given(problems() | with_sums(), st.integers(0), st.sampled_from([(1,), (2,), (3, 1)]))
@settings(max_examples=50, deadline=None)
def test_no_better_choice_is_narrowed_away(problem: Problem, seed: int, buckets: tuple[int, ...]) -> None:
    fitting = all_that_fit(problem)
    if not fitting:
        return
    floor = problem.value(fitting[seed % len(fitting)])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(narrow, "BUCKETS", buckets)
        kept, bound = narrow.narrowed(problem, floor)
    for choice in fitting:
        if problem.value(choice) > floor + 1e-6:
            assert problem.value(choice) <= bound + 1e-6
            assert all(k in indices for k, indices in zip(choice, kept, strict=True))


def wide(groups: int, widths: int, seed: int = 0) -> Problem:
    """Groups that are all coupled with each other by products, under half of their costs."""
    rng = np.random.default_rng(seed)
    gains = {(g,): rng.random(widths).cumsum() for g in range(groups)}
    units = np.arange(1, widths + 1)
    cost = {pair: np.outer(units, units) * int(rng.integers(1, 9)) for pair in combinations(range(groups), 2)}
    most = sum(int(table.max()) for table in cost.values())
    return Problem((widths,) * groups, gains, (Limited(cost, most // 2),))


def test_groups_coupled_with_each_other_have_a_choice_and_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stages, "LARGEST", 10**3)
    monkeypatch.setattr(coupled, "EFFORTS", (0.1,))
    problem = wide(5, 20)
    with pytest.raises(CoupledError, match=r"group 0, .*group 1") as raised:
        solve_exactly(problem)
    assert raised.value.sizes == (20,) * len(raised.value.groups)
    one, two = solve(problem), solve(problem)
    assert one == two, "the effort is counted, not timed"
    assert problem.fits(one.choice)
    assert one.value <= one.bound <= 1.1 * one.value


def test_without_effort_the_bound_still_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(coupled, "EFFORTS", (1e-9,))
    for seed in range(5):
        problem = wide(3, 6, seed)
        found = solve_coupled([problem])
        best = max(map(problem.value, all_that_fit(problem)))
        assert found.choices
        assert problem.fits(found.choices[0])
        assert problem.value(found.choices[0]) <= best <= found.bound + 1e-9


def test_tables_too_large_even_for_cp_sat_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stages, "LARGEST", 100)
    monkeypatch.setattr(linear, "LARGEST", 100)
    rng = np.random.default_rng(0)
    gains = {pair: rng.random((20, 20)) for pair in combinations(range(3), 2)}
    with pytest.raises(CoupledError, match="`step`"):
        solve(Problem((20,) * 3, gains, ()))
