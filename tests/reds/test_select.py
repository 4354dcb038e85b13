"""Selection against brute force and against another solver, and what nesting promises."""

from fractions import Fraction
from typing import get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from ortools.sat.python import cp_model

from reds.errors import BudgetError, CoupledError
from reds.graph import Graph, Widths
from reds.graph.builder import Builder
from reds.graph.subnets import Budget
from reds.nesting.budgets import TargetProfile, check_budgets
from reds.nesting.cost import width_grids
from reds.nesting.gains import gains_of
from reds.nesting.options import Objective, Order
from reds.nesting.select import select
from reds.nesting.solver import linear, stages
from reds.nesting.solver.bench import measured as measured_row
from reds.pack.layouts import LAYOUTS
from reds.zoo.dnn import dnn
from reds.zoo.ds_cnn import ds_cnn
from reds.zoo.resnet import resnet8
from tests.reds.support.graphs import all_widths, are_nested, kept, measured, random_scores, small_chains

PROVEN: tuple[Order, ...] = ("bottom-up", "top-down", "joint")
SHARES = st.none() | st.integers(10, 100).map(lambda percent: percent / 100)


@given(small_chains(), st.lists(SHARES, min_size=4, max_size=4), st.integers(1, 3), st.integers(0, 2**16))
@settings(max_examples=150)
def test_any_budgets_together_equal_brute_force(
    graph: Graph, shares: list[float | None], step: int, seed: int
) -> None:
    device, scores = measured(graph), random_scores(graph, seed)
    names = ("macs", "flash", "arena", "latency")
    full = device.costs(graph, graph.full)
    most = {name: int(share * full[name] + 1e-6) for name, share in zip(names, shares, strict=True) if share}
    budget = Budget(shares[0], *(most.get(name) for name in names[1:3]), shares[3] and most["latency"] / 1000)
    best = max(
        (
            kept(scores, widths)
            for widths in all_widths(graph, step)
            if all(device.costs(graph, widths)[name] <= limit for name, limit in most.items())
        ),
        default=None,
    )
    if best is None:
        with pytest.raises(BudgetError):
            select(graph, scores, [budget], step=step, least=1, profile=device)
        return
    check_budgets(graph, [budget], step, 1, device)
    (chosen,) = select(graph, scores, [budget], step=step, least=1, objective="sum", profile=device)
    assert chosen.costs == device.costs(graph, chosen.widths)
    assert all(chosen.costs[name] <= limit for name, limit in most.items())
    assert chosen.value == pytest.approx(best, rel=1e-9)
    assert chosen.gap == 0.0


@given(small_chains(), st.integers(10, 59), st.integers(60, 100), st.integers(0, 2**16))
@settings(max_examples=60)
def test_joint_selection_equals_brute_force(graph: Graph, one: int, two: int, seed: int) -> None:
    scores, full = random_scores(graph, seed), graph.macs(graph.full)
    widths = all_widths(graph, 2)
    values, macs = np.array([kept(scores, w) for w in widths]), np.array([graph.macs(w) for w in widths])
    small, large = (100 * macs <= percent * full for percent in (one, two))
    if not small.any():
        with pytest.raises(BudgetError):
            select(graph, scores, (one / 100, two / 100), step=2, least=1, order="joint")
        return
    inside = np.array(widths)
    best = max(values[i] + values[large & (inside >= inside[i]).all(1)].max() for i in np.flatnonzero(small))
    chosen = select(graph, scores, (one / 100, two / 100), step=2, least=1, order="joint", objective="sum")
    assert are_nested(chosen)
    assert sum(subnet.value for subnet in chosen) == pytest.approx(best, rel=1e-9)
    assert {subnet.gap for subnet in chosen} == {0.0}


def test_joint_selection_finds_more_than_either_order() -> None:
    graph = dnn("s").resized((2, 6, 6, 6, 3))
    scores = random_scores(graph, 3)
    up, down, joint = (
        sum(
            subnet.value
            for subnet in select(
                graph, scores, (0.3, 0.5, 0.7), step=1, least=1, order=order, objective="sum"
            )
        )
        for order in ("bottom-up", "top-down", "joint")
    )
    assert joint > max(up, down) + 0.1


def test_kernels_count_where_both_of_their_units_are_kept() -> None:
    rng, graph = np.random.default_rng(2), dnn("s").resized((2, 6, 7, 5, 3))
    scores = random_scores(graph, 2)
    kernels = {pair: rng.lognormal(0, 1, [graph.full[g] for g in pair]) for pair in [(1, 2), (3, 2)]}
    alone = [score.copy() for score in scores]
    for (_, b), table in kernels.items():
        scores[b] += table.sum(0)
    orders = [np.argsort(-score) for score in scores]

    def value(widths: Widths) -> float:
        deployed = [order[:n] for order, n in zip(orders, widths, strict=True)]
        pairs = sum(float(table[np.ix_(deployed[a], deployed[b])].sum()) for (a, b), table in kernels.items())
        return pairs + sum(float(alone[g][units].sum()) for g, units in enumerate(deployed))

    limit = 0.5 * graph.macs(graph.full)
    (chosen,) = select(graph, scores, [0.5], step=1, least=1, objective="sum", kernels=kernels)
    assert chosen.value == pytest.approx(value(chosen.widths))
    best = max(value(widths) for widths in all_widths(graph, 1) if graph.macs(widths) <= limit)
    assert chosen.value == pytest.approx(best)


def test_uniform_widths_of_many_units_round_as_they_should() -> None:
    graph = dnn("l")
    for n in (111, 222, 249):  # n / 436 * 436 is less than n in floating point
        widths = (250, n, n, n, 12)
        (chosen,) = select(
            graph,
            random_scores(graph, 0),
            [Budget(flash=_flash(graph, widths))],
            step=1,
            least=1,
            order="uniform",
        )
        assert chosen.widths == widths


def _flash(graph: Graph, widths: Widths) -> int:
    return TargetProfile().costs(graph, widths)["flash"]


def test_kernels_of_layers_that_join_groups_both_ways_all_count() -> None:
    net = Builder(3, 6, 6)
    x = net.conv(net.input, 8, (3, 3))
    y = net.conv(net.depthwise(net.conv(x, 12, (1, 1)), (3, 3)), 8, (1, 1), relu=False)
    net.dense(net.flatten(net.pool(net.add(x, y))), 4, relu=False, norm=False)
    graph = net.build()
    rng = np.random.default_rng(0)
    kernels = {pair: rng.random([graph.full[g] for g in pair]) for pair in [(1, 2), (2, 1)]}
    scores = random_scores(graph, 1)
    for (_, b), table in kernels.items():
        scores[b] += table.sum(0)
    (full,) = select(graph, scores, [1.0], objective="sum", kernels=kernels)
    assert full.widths == graph.full
    assert full.value == pytest.approx(sum(score.sum() for score in scores))


def test_the_rounding_residue_of_kernels_counts_as_no_importance() -> None:
    rng, graph = np.random.default_rng(5), dnn("s").resized((2, 6, 7, 5, 3))
    table = rng.random((6, 7)) / 3
    scores = random_scores(graph, 2)
    scores[2] = np.array([sum(column.tolist()[::-1]) for column in table.T])  # added up in another order
    assert (scores[2] > table.sum(0)).any()
    grids = width_grids(graph, 1, 1)
    assert not gains_of(scores, {(1, 2): table}, grids, "product", np.zeros(5))[2,].any()


@given(st.integers(0, 2**32 - 1), st.integers(10, 90), st.integers(1, 3))
def test_uniform_widths_are_the_largest_share_that_fits(seed: int, percent: int, step: int) -> None:
    rng = np.random.default_rng(seed)
    graph = dnn("s").resized((2, *rng.integers(2, 60, 3).tolist(), 3))
    full, grids = graph.macs(graph.full), width_grids(graph, step, 1)
    units = [grid.tolist() for grid in grids]
    shares = sorted({Fraction(n, g[-1]) for g in units for n in g})
    each = [tuple(max([n for n in g if n <= a * g[-1]], default=g[0]) for g in units) for a in shares]
    fitting = [widths for widths in each if graph.macs(widths) <= percent * full // 100]
    budgets = [percent / 100, 1.0]
    if not fitting:
        with pytest.raises(BudgetError):
            select(graph, random_scores(graph, seed), budgets, step=step, least=1, order="uniform")
        return
    small, large = select(graph, random_scores(graph, seed), budgets, step=step, least=1, order="uniform")
    assert (small.widths, large.widths) == (fitting[-1], graph.full)


@pytest.mark.parametrize(
    ("graph", "flash"), [(dnn("s"), 40_000), (ds_cnn("s"), 12_000)], ids=["dnn", "ds-cnn"]
)
def test_an_independent_solver_finds_the_same_optimum(graph: Graph, flash: int) -> None:
    scores = [np.floor(1e6 * score) for score in random_scores(graph, 7)]
    budget = Budget(macs=0.5, flash=flash)
    (ours,) = select(graph, scores, [budget], objective="sum")

    problem = cp_model.CpModel()
    grids = width_grids(graph, 4, 4)
    widths = [problem.new_int_var_from_domain(cp_model.Domain.from_values(g.tolist()), "") for g in grids]
    value: list[cp_model.LinearExpr] = []
    for width, grid, score in zip(widths, grids, scores, strict=True):
        holds = [problem.new_bool_var("") for _ in grid]
        problem.add_exactly_one(holds)
        problem.add(width == cp_model.LinearExpr.weighted_sum(holds, grid.tolist()))
        sums = np.cumsum(np.sort(score)[::-1]).astype(int)[grid - 1]
        value.append(cp_model.LinearExpr.weighted_sum(holds, sums.tolist()))
    macs, held = [], []
    for layer in graph.layers:
        if not layer.per_pair:
            held.append(32 if layer.kind.name == "AVERAGE_POOL" else 0)
            continue
        taps = layer.kernel[0] * layer.kernel[1]
        pair = widths[layer.writes[0].group]
        if layer.kind.name != "DEPTHWISE":
            pair = problem.new_int_var(0, 10**6, "")
            problem.add_multiplication_equality(
                pair, [widths[layer.reads[0].group], widths[layer.writes[0].group]]
            )
        macs.append(layer.per_pair * pair)
        held.append(taps * pair + 8 * widths[layer.writes[0].group])
    problem.add(sum(macs) <= int(0.5 * graph.macs(graph.full)))
    problem.add(sum(held) <= flash)
    problem.maximize(sum(value))
    solver = cp_model.CpSolver()
    solver.parameters.num_workers = 1
    solver.parameters.random_seed = 0
    assert solver.solve(problem) == cp_model.OPTIMAL
    assert ours.value == solver.objective_value
    assert ours.costs["flash"] <= flash


@pytest.mark.parametrize("order", PROVEN)
@pytest.mark.parametrize("objective", get_args(Objective))
def test_subnets_are_nested_within_budget_and_end_full(order: Order, objective: Objective) -> None:
    graph, budgets = dnn("s"), (0.25, 0.5, 0.75, 1.0)
    subnets = select(graph, random_scores(graph, 3), budgets, order=order, objective=objective)
    for subnet, budget in zip(subnets, budgets, strict=True):
        assert subnet.costs["macs"] == graph.macs(subnet.widths) <= budget * 79_200
        assert subnet.costs["macs"] > (budget - 0.02) * 79_200
        assert all(n % 4 == 0 for n in subnet.widths[1:4])
    assert are_nested(subnets)
    assert subnets[-1].widths == graph.full


@pytest.mark.parametrize("order", get_args(Order))
def test_nesting_holds_where_the_best_subnets_are_not_nested(order: Order) -> None:
    graph, budgets = dnn("s"), (0.25, 0.5, 0.75, 1.0)
    scores = random_scores(graph, 57)
    assert not are_nested([select(graph, scores, [budget], objective="sum")[0] for budget in budgets])
    assert are_nested(select(graph, scores, budgets, order=order, objective="sum"))


SCORES = st.lists(st.integers(0, 20), min_size=6, max_size=6)


@given(SCORES, SCORES, st.sampled_from(get_args(Order)), st.sampled_from(get_args(Objective)))
@settings(max_examples=100)
def test_any_scores_give_nested_subnets(
    one: list[int], two: list[int], order: Order, objective: Objective
) -> None:
    graph = dnn("s").resized((2, 6, 6, 6, 3))
    scores = [np.array(score, float) for score in ([0, 0], one, two, one, [0, 0, 0])]
    assert are_nested(
        select(graph, scores, (0.2, 0.4, 0.6, 0.8), step=1, least=1, order=order, objective=objective)
    )


def test_the_first_budget_solved_is_optimal_on_its_own() -> None:
    graph, scores = dnn("s"), random_scores(dnn("s"), 5)
    up = select(graph, scores, (0.25, 0.5, 0.75), order="bottom-up")
    down = select(graph, scores, (0.25, 0.5, 0.75), order="top-down")
    assert up[0].value >= down[0].value
    assert down[-1].value >= up[-1].value


def test_balanced_keeps_most_of_the_costly_group_and_sum_least() -> None:
    graph = dnn("s")
    scores = [np.linspace(2, 1, group.units) for group in graph.groups]
    of = {each: select(graph, scores, [0.25], objective=each)[0].widths for each in get_args(Objective)}
    assert of["sum"][1] < of["product"][1] < of["balanced"][1]


@given(small_chains(), st.integers(20, 90), st.integers(0, 2**16))
@settings(max_examples=60)
def test_balanced_widths_have_the_largest_mean_of_shares(graph: Graph, percent: int, seed: int) -> None:
    """Of all that fit; the mean is the power mean of exponent -4 over the groups that are cut."""
    scores, full = random_scores(graph, seed), graph.macs(graph.full)
    cut = [g for g, group in enumerate(graph.groups) if group.cut]

    def mean(widths: Widths) -> float:
        shares = [np.sort(scores[g])[::-1][: widths[g]].sum() / scores[g].sum() for g in cut]
        return float(np.mean(np.maximum(shares, 0.01) ** -4.0) ** -0.25)

    fitting = [w for w in all_widths(graph, 1) if 100 * graph.macs(w) <= percent * full]
    if fitting:
        (chosen,) = select(graph, scores, [percent / 100], step=1, least=1)
        assert mean(chosen.widths) == pytest.approx(max(map(mean, fitting)), rel=1e-9)
        assert chosen.gap == 0.0


@pytest.mark.parametrize("objective", ["balanced", "product"])
def test_a_budget_of_one_keeps_units_of_no_importance(objective: Objective) -> None:
    graph = dnn("s")
    scores = [np.zeros(group.units) for group in graph.groups]
    assert [s.widths for s in select(graph, scores, (0.5, 1.0), objective=objective)][1] == graph.full


@pytest.mark.parametrize("order", PROVEN)
def test_budgets_of_all_kinds_nest_on_a_residual_net(order: Order) -> None:
    graph, device = resnet8(), TargetProfile(LAYOUTS[4])
    full = device.costs(graph, graph.full)
    shares = (0.4, 0.6, 0.8)
    budgets = [Budget(s, int(s * full["flash"]), int((0.5 + s / 2) * full["arena"])) for s in shares]
    chosen = select(graph, random_scores(graph, 1), budgets, order=order, profile=device)
    assert are_nested(chosen)
    for subnet, budget in zip(chosen, budgets, strict=True):
        assert subnet.costs["macs"] <= (budget.macs or 0) * full["macs"]
        assert subnet.costs["flash"] <= (budget.flash or 0)
        assert subnet.costs["arena"] <= (budget.arena or 0)
        assert subnet.gap == 0.0


def test_widths_too_many_for_tables_are_narrowed_down_and_proven() -> None:
    """A residual stack as wide as ResNet-18, at steps of 1: tables of three groups are too large."""
    small = resnet8()
    graph = small.resized([640 if group.cut else group.units for group in small.groups])
    (chosen,) = select(graph, random_scores(graph, 0), [0.5], step=1)
    assert 0.49 * graph.macs(graph.full) < chosen.costs["macs"] <= 0.5 * graph.macs(graph.full)
    assert chosen.gap == 0.0


def test_widths_too_many_even_for_cp_sat_name_layers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stages, "LARGEST", 100)
    monkeypatch.setattr(linear, "LARGEST", 100)
    graph = resnet8()
    scores = random_scores(graph, 0)
    kernels: dict[tuple[int, ...], NDArray[np.float64]] = {
        (1, 2): np.outer(scores[1], scores[2]) / scores[1].sum()
    }
    with pytest.raises(CoupledError, match=r"conv\d, .*conv\d.*`step`") as raised:
        select(graph, scores, [0.5], step=1, kernels=kernels)
    assert raised.value.sizes == (13, 13)


def test_ten_subnets_at_once_end_and_say_their_gap() -> None:
    """Too many to be proven: no worse than in turn, and the gap no more than what each alone leaves."""
    graph, budgets = ds_cnn("s"), [n / 10 for n in range(1, 11)]
    scores = random_scores(graph, 0)
    joint, in_turn = (
        select(graph, scores, budgets, step=8, least=8, order=order, objective="sum")
        for order in ("joint", "bottom-up")
    )
    assert are_nested(joint)
    assert sum(s.value for s in joint) >= sum(s.value for s in in_turn)
    alone = sum(
        select(graph, scores, [budget], step=8, least=8, objective="sum")[0].value for budget in budgets
    )
    assert 0 <= joint[0].gap <= 1 - sum(s.value for s in joint) / alone + 1e-9


def test_the_bench_of_selection_measures_a_row() -> None:
    row = measured_row("ds-cnn-s", True, 4, "bottom-up", "sum")
    assert row["gap"] == 0.0
    assert row["seconds"] > 0
