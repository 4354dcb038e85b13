"""Budgets that cannot be met are refused: whose they are, and the smallest that can."""

from dataclasses import replace
from typing import Any, get_args

import numpy as np
import pytest

from reds.errors import BudgetError, GraphError, SettingsError
from reds.graph.builder import Builder
from reds.graph.subnets import Budget
from reds.nesting.budgets import TargetProfile, as_budgets, check_budgets
from reds.nesting.cost.latency import Latency, LayerTimes
from reds.nesting.options import Order
from reds.nesting.select import select
from reds.pack.layouts import CANONICAL
from reds.zoo.dnn import dnn
from tests.reds.support.graphs import are_nested, measured, random_scores


def test_a_budget_too_small_names_the_smallest_that_fits() -> None:
    graph = dnn("s")
    least = graph.macs((250, 4, 4, 4, 12))
    with pytest.raises(BudgetError, match=rf"subnet 1.*792 MACs.*{least} MACs.*0\.0137"):
        select(graph, random_scores(graph, 0), (0.01, 1.0))


@pytest.mark.parametrize(
    ("budget", "name", "least"),
    [
        (Budget(flash=1000), "bytes of flash", 4 * (250 + 4 + 4 + 12) + 8 * (3 * 4 + 12)),
        (Budget(macs=1.0, arena=200), "bytes of arena", 256 + 16),
        (Budget(latency=1.5), "us", f"{257 * 5 + 2 * 11 * 5 + 11 * 13}.000"),
    ],
    ids=["flash", "arena", "latency"],
)
def test_the_smallest_feasible_budget_of_each_kind_is_named(budget: Budget, name: str, least: object) -> None:
    device = TargetProfile(CANONICAL, measured(dnn("s")).latency)
    for attempt in (
        lambda: select(dnn("s"), random_scores(dnn("s"), 0), [budget], profile=device),
        lambda: check_budgets(dnn("s"), [budget], 4, 4, device),
    ):
        with pytest.raises(BudgetError, match=rf"{least} {name}"):
            attempt()


def test_budgets_that_exclude_each_other_are_named_together() -> None:
    """The wider middle is the faster one, so what is fast is not small."""
    net = Builder(4)
    net.dense(net.dense(net.input, 8), 3)
    graph = net.build()
    ends = np.array([4, 8])
    times = {
        "dense0": LayerTimes((np.array([4]), ends), np.array([[9.0, 1.0]])),
        "dense1": LayerTimes((ends, np.array([3])), np.array([[1.0], [1.0]])),
    }
    budget = Budget(macs=0.5, latency=4.0)
    with pytest.raises(BudgetError, match=r"4\.000 us.* 28 MACs.*10\.000 us"):
        select(
            graph, random_scores(graph, 0), [budget], profile=TargetProfile(latency=Latency("desk", times))
        )


@pytest.mark.parametrize("order", get_args(Order))
def test_a_later_budget_that_is_tighter_holds_for_the_subnets_inside(order: Order) -> None:
    """Else the first one takes what the second may not keep."""
    graph = dnn("s")
    chosen = select(
        graph, random_scores(graph, 0), [Budget(macs=0.5), Budget(macs=0.6, flash=20_000)], order=order
    )
    assert are_nested(chosen)
    assert max(subnet.costs["flash"] for subnet in chosen) <= 20_000
    with pytest.raises(BudgetError, match=r"subnet 2.*1000 bytes of flash"):
        check_budgets(graph, [Budget(macs=0.5), Budget(flash=1000), 1.0], 4, 4)


@pytest.mark.parametrize(
    ("budgets", "given"),
    [([0.5, 0.25, 1.0], "0.5, 0.25, 1"), ([1e5, 4e5], "100000, 400000"), ([0.0, 1.0], "not 0.0"),
     ([float("nan")], "nan")],
)  # fmt: skip
def test_budgets_that_are_not_ascending_fractions_are_refused(budgets: list[float], given: str) -> None:
    with pytest.raises(BudgetError, match=rf"budgets.*{given}"):
        select(dnn("s"), random_scores(dnn("s"), 0), budgets)


def test_steps_and_leasts_that_leave_nothing_to_cut_are_refused() -> None:
    graph, scores = dnn("s"), random_scores(dnn("s"), 0)
    with pytest.raises(BudgetError, match=r"79200 MACs.*`least`"):
        select(graph, scores, [0.5], least=4000)
    for step, least in ((4, 0), (0, 4)):
        with pytest.raises(GraphError):
            select(graph, scores, [0.5], step=step, least=least)


def test_budgets_of_latency_and_energy_need_what_the_device_tells() -> None:
    graph, timed = dnn("s"), measured(dnn("s"))
    assert timed.latency is not None
    for budget, device, lacks in (
        (Budget(latency=1.0), TargetProfile(), "times"),
        (Budget(energy=1.0), TargetProfile(energy_per_cycle=0.2), "times"),
        (Budget(energy=1.0), timed, "energy_per_cycle"),
        (Budget(energy=1.0), replace(timed, energy_per_cycle=0.2), "counts cycles"),
    ):
        with pytest.raises(BudgetError, match=lacks):
            select(graph, random_scores(graph, 0), [budget], profile=device)


@pytest.mark.parametrize("energy", [0, -1.0, float("nan"), "0.2 nJ", True])
def test_an_energy_of_a_cycle_that_cannot_be_is_refused(energy: Any) -> None:
    with pytest.raises(SettingsError, match="energy_per_cycle"):
        TargetProfile(energy_per_cycle=energy)


def test_a_budget_of_energy_is_one_of_time_in_other_units() -> None:
    """At 64 MHz and 0.25 nJ a cycle, 16 uJ are a millisecond."""
    graph, timed = dnn("s"), measured(dnn("s"))
    assert timed.latency is not None
    device = replace(timed, latency=replace(timed.latency, hz=64e6), energy_per_cycle=0.25)
    scores = random_scores(graph, 1)
    by_time, by_energy = (
        select(graph, scores, [budget, 1.0], profile=device)
        for budget in (Budget(latency=20_000.0), Budget(energy=320.0))
    )
    assert [each.widths for each in by_time] == [each.widths for each in by_energy]
    costs = by_energy[0].costs
    assert costs["energy"] <= 320e6
    assert costs["energy"] == pytest.approx(costs["latency"] * 16, rel=1e-6)


def test_macs_are_a_fraction_or_their_number() -> None:
    graph, scores = dnn("s"), random_scores(dnn("s"), 0)
    share, count = (
        select(graph, scores, [Budget(macs=macs), 1.0]) for macs in (0.25, graph.macs(graph.full) // 4)
    )
    assert share[0].widths == count[0].widths
    assert share[0].name == "25%"
    assert count[0].name == f"{100 * count[0].costs['macs'] / graph.macs(graph.full):.4g}%"
    with pytest.raises(BudgetError, match="MACs: 39600, 30000"):
        select(graph, scores, [Budget(macs=0.5), Budget(macs=30_000)])


def test_subnets_without_a_share_get_names_of_their_own() -> None:
    graph, scores = dnn("s"), random_scores(dnn("s"), 0)
    budgets = [Budget(flash=20_000, name="fast"), Budget(flash=40_000), Budget(flash=40_001), Budget()]
    fast, one, other, full = select(graph, scores, budgets)
    assert fast.name == "fast"
    assert one.name == f"{100 * one.costs['macs'] / graph.macs(graph.full):.4g}%"
    assert other.name == f"{one.name}a", "of the same widths"
    assert full.name == "100%"
    assert full.widths == graph.full


@pytest.mark.parametrize(
    "budgets",
    [
        [],
        0.5,
        "25%",
        ["25%"],
        [True],
        [0.25001, 0.25002, 1.0],
        [Budget(macs=0.5, arena=1000), 0.5],
        [Budget(latency=9.0), Budget(latency=8.0)],
        [Budget(energy=9.0), 0.5, Budget(energy=8.0)],
        [Budget(energy=float("nan"))],
        [Budget(arena=-1)],
        [Budget(latency=float("inf"))],
        [Budget(flash=0)],
        [Budget(macs=float("nan"))],
        [Budget(macs=-2.0)],
        [Budget(macs=float("inf"))],
        [Budget(name="12345678")],
        [Budget(name="")],
        [Budget(name="a\n")],
        [Budget(name="a", flash=9), Budget(name="a")],
        [Budget(name="50%", flash=9), 0.5],
    ],
    ids=str,
)
def test_budgets_that_give_no_subnets_of_their_own_names_are_refused(budgets: Any) -> None:
    with pytest.raises(BudgetError):
        as_budgets(budgets)


@pytest.mark.parametrize("kind", ["macs", "flash", "arena", "latency", "energy"])
@pytest.mark.parametrize("limit", ["20 kB", True, [1], 0, -1, float("nan"), float("inf"), 1e306, 10**400])
def test_a_limit_that_no_cost_can_have_is_refused(kind: str, limit: Any) -> None:
    graph, budget = dnn("s"), Budget(**{kind: limit})
    with pytest.raises(BudgetError, match=f"budgets, {kind}"):
        select(graph, random_scores(graph, 0), [budget, 1.0], profile=measured(graph))


def test_a_name_that_is_no_text_is_refused() -> None:
    with pytest.raises(BudgetError, match="budgets, name"):
        as_budgets([Budget(0.5, name=5)])  # type: ignore[arg-type]


def test_the_smallest_feasible_share_of_a_wider_net_is_one_of_the_net_itself() -> None:
    graph = dnn("s").widened(4)
    scores = random_scores(graph, 0)
    with pytest.raises(BudgetError, match=r"the smallest subnet needs .* 0\.0137 of the full net"):
        select(graph, scores, [0.01])
    assert select(graph, scores, [0.0137])
