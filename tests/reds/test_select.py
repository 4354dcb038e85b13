"""The solver against brute force and against another solver, and what nesting promises."""

from collections.abc import Sequence
from itertools import pairwise, product
from typing import get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from ortools.sat.python import cp_model

from reds.chain import Chain
from reds.cost import Grid, macs_tables, total, width_grids
from reds.nets.builder import Builder
from reds.nets.dnn import dnn
from reds.select import BudgetError, Objective, Order, Selected, nested, solve

Scores = list[NDArray[np.float64]]


def random_scores(chain: Chain, seed: int) -> Scores:
    rng = np.random.default_rng(seed)
    return [rng.lognormal(0, 1, group.units) for group in chain.groups]


@st.composite
def small_chains(draw: st.DrawFn) -> Chain:
    """Up to four groups of up to six units; residuals, depthwise layers, flattened outputs."""
    sizes = st.integers(1, 6)
    net, units = Builder(draw(st.integers(1, 3)), 4, 4), draw(sizes)
    x = net.conv(net.input, units, (3, 3))
    for _ in range(draw(st.integers(0, 2))):
        match draw(st.sampled_from(["conv", "depthwise", "residual"])):
            case "conv":
                units = draw(sizes)
                x = net.conv(x, units, (1, 1))
            case "depthwise":
                x = net.depthwise(x, (3, 3), (2, 2))
            case _:
                inner = net.conv(x, draw(sizes), (1, 1))
                x = net.add(x, net.conv(inner, units, (3, 3)))
    net.dense(net.flatten(x), 3, relu=False, norm=False)
    return net.build()


def are_nested(subnets: Sequence[Selected]) -> bool:
    """Whether each subnet, smallest first, keeps no more units of any group than the next."""
    return all(a <= b for one, two in pairwise(subnets) for a, b in zip(one.widths, two.widths, strict=True))


def prefix_sums(scores: Scores, grids: Sequence[Grid]) -> Scores:
    return [np.cumsum(np.sort(s)[::-1])[grid - 1] for s, grid in zip(scores, grids, strict=True)]


def brute_force(
    gains: Scores, chain: Chain, grids: Sequence[Grid], limit: int, low: list[int], high: list[int]
) -> float:
    best = -np.inf
    for chosen in product(*[range(a, b + 1) for a, b in zip(low, high, strict=True)]):
        widths = [int(grid[k]) for grid, k in zip(grids, chosen, strict=True)]
        if chain.macs(widths) <= limit:
            best = max(best, sum(gain[k] for gain, k in zip(gains, chosen, strict=True)))
    return best


@given(small_chains(), st.floats(0.05, 1), st.integers(1, 3), st.integers(0, 2**16), st.data())
@settings(max_examples=150, deadline=None)
def test_solver_equals_brute_force(
    chain: Chain, share: float, step: int, seed: int, data: st.DataObject
) -> None:
    grids = width_grids(chain, step, 1)
    tables = macs_tables(chain, grids)
    gains = prefix_sums(random_scores(chain, seed), grids)
    high = [data.draw(st.integers(0, len(grid) - 1)) for grid in grids]
    low = [data.draw(st.integers(0, k)) for k in high]
    limit = int(share * chain.macs(chain.full))
    best = brute_force(gains, chain, grids, limit, low, high)
    if best == -np.inf:
        with pytest.raises(BudgetError):
            solve(gains, tables, limit, low, high)
        return
    chosen = solve(gains, tables, limit, low, high)
    assert all(a <= k <= b for a, k, b in zip(low, chosen, high, strict=True))
    widths = [int(grid[k]) for grid, k in zip(grids, chosen, strict=True)]
    assert total(tables, chosen) == chain.macs(widths) <= limit
    assert sum(gain[k] for gain, k in zip(gains, chosen, strict=True)) == pytest.approx(best, rel=1e-12)


@pytest.mark.parametrize("budget", [0.25, 0.5])
def test_another_solver_agrees_on_the_dense_net(budget: float) -> None:
    chain = dnn("s")
    scores = [np.floor(1e6 * score) for score in random_scores(chain, 7)]
    grids = width_grids(chain, 4, 4)
    tables, limit = macs_tables(chain, grids), int(budget * chain.macs(chain.full))
    gains = prefix_sums(scores, grids)
    ours = solve(gains, tables, limit, [0] * len(grids), [len(grid) - 1 for grid in grids])

    problem = cp_model.CpModel()
    widths = [problem.new_int_var_from_domain(cp_model.Domain.from_values(g.tolist()), "") for g in grids]
    value, cost = [], []
    for width, grid, gain in zip(widths, grids, gains, strict=True):
        holds = [problem.new_bool_var("") for _ in grid]
        problem.add_exactly_one(holds)
        problem.add(width == cp_model.LinearExpr.weighted_sum(holds, grid.tolist()))
        value.append(cp_model.LinearExpr.weighted_sum(holds, gain.astype(int).tolist()))
    for layer in chain.layers:
        pair = problem.new_int_var(0, limit, "")
        problem.add_multiplication_equality(pair, [widths[layer.reads], widths[layer.writes]])
        cost.append(pair)
    problem.add(sum(cost) <= limit)
    problem.maximize(sum(value))
    solver = cp_model.CpSolver()
    solver.parameters.num_workers = 1
    solver.parameters.random_seed = 0
    assert solver.solve(problem) == cp_model.OPTIMAL
    assert sum(gain[k] for gain, k in zip(gains, ours, strict=True)) == solver.objective_value


@pytest.mark.parametrize("order", ["bottom-up", "top-down"])
@pytest.mark.parametrize("objective", ["sum", "product"])
def test_subnets_are_nested_within_budget_and_end_full(order: Order, objective: Objective) -> None:
    chain, budgets = dnn("s"), (0.25, 0.5, 0.75, 1.0)
    subnets = nested(chain, random_scores(chain, 3), budgets, 4, 4, order, objective)
    for subnet, budget in zip(subnets, budgets, strict=True):
        assert subnet.macs == chain.macs(subnet.widths) <= budget * 79_200
        assert subnet.macs > (budget - 0.02) * 79_200
        assert all(n % 4 == 0 for n in subnet.widths[1:4])
    assert are_nested(subnets)
    assert subnets[-1].widths == chain.full


@pytest.mark.parametrize("order", ["bottom-up", "top-down"])
def test_nesting_holds_where_the_best_subnets_are_not_nested(order: Order) -> None:
    chain, budgets = dnn("s"), (0.25, 0.5, 0.75, 1.0)
    scores = random_scores(chain, 57)
    assert not are_nested([nested(chain, scores, [budget])[0] for budget in budgets])
    assert are_nested(nested(chain, scores, budgets, order=order))


SCORES = st.lists(st.integers(0, 20), min_size=6, max_size=6)


@given(SCORES, SCORES, st.sampled_from(get_args(Order)), st.sampled_from(get_args(Objective)))
@settings(max_examples=200, deadline=None)
def test_any_scores_give_nested_subnets(
    one: list[int], two: list[int], order: Order, objective: Objective
) -> None:
    chain = dnn("s").resized((2, 6, 6, 6, 3))
    scores = [np.array(score, float) for score in ([0, 0], one, two, one, [0, 0, 0])]
    assert are_nested(nested(chain, scores, (0.2, 0.4, 0.6, 0.8), 1, 1, order, objective))


def test_the_first_budget_solved_is_optimal_on_its_own() -> None:
    chain, scores = dnn("s"), random_scores(dnn("s"), 5)
    up = nested(chain, scores, (0.25, 0.5, 0.75), order="bottom-up")
    down = nested(chain, scores, (0.25, 0.5, 0.75), order="top-down")
    assert up[0].value >= down[0].value
    assert down[-1].value >= up[-1].value


def test_the_product_does_not_starve_the_dear_group() -> None:
    chain = dnn("s")
    scores = [np.linspace(2, 1, group.units) for group in chain.groups]
    by_sum = nested(chain, scores, [0.25], objective="sum")[0].widths
    by_product = nested(chain, scores, [0.25], objective="product")[0].widths
    assert by_sum[1] < by_product[1]


def test_a_budget_of_one_keeps_units_of_no_importance() -> None:
    chain = dnn("s")
    scores = [np.zeros(group.units) for group in chain.groups]
    assert [s.widths for s in nested(chain, scores, (0.5, 1.0), objective="product")][1] == chain.full


def test_a_width_that_is_no_multiple_keeps_its_full_net() -> None:
    net = Builder(5)
    net.dense(net.dense(net.input, 10), 3)
    chain = net.build()
    assert [list(grid) for grid in width_grids(chain, 4, 4)] == [[5], [4, 8, 10], [3]]
    assert [list(grid) for grid in width_grids(chain, 4, 99)] == [[5], [10], [3]]


def test_a_budget_too_small_names_the_smallest_that_fits() -> None:
    chain = dnn("s")
    least = chain.macs((250, 4, 4, 4, 12))
    with pytest.raises(BudgetError, match=rf"budget 0.01 .*needs {least} MACs, 0.0137"):
        nested(chain, random_scores(chain, 0), (0.01, 1.0))
