"""Selection over concatenations, heads of attention and blocks of grouped convolutions, by brute force."""

from itertools import product
from typing import get_args

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from reds.errors import BudgetError
from reds.graph import Graph, Widths, channels
from reds.graph.subnets import Budget
from reds.nesting.budgets import TargetProfile
from reds.nesting.cost import flash_bytes, flash_cost, macs_cost, width_grids
from reds.nesting.cost.arena import arena_bytes, arena_cost, scratch_bytes
from reds.nesting.cost.axes import axes_of
from reds.nesting.cost.latency import latency_cost
from reds.nesting.limits import build_problem
from reds.nesting.options import Order
from reds.nesting.select import select
from reds.nesting.solver import stages
from reds.nesting.solver.bench_graphs import transformer
from reds.pack.padding import round_up
from tests.reds.support.graphs import all_widths, are_nested, kept, measured, random_scores, small_joins


def in_use(graph: Graph, widths: Widths, device: TargetProfile) -> int:
    """The most bytes of tensors and scratch that a layer needs at a time, counted one by one."""
    last = {t: i for i, layer in enumerate(graph.layers) for t in layer.inputs}
    most = 0
    for i, layer in enumerate(graph.layers):
        alive = [t for t in range(i + 2) if t == i + 1 or last.get(t, -1) >= i]
        taken = [scratch_bytes(graph, layer, channels(layer.reads, widths), device.layout)]
        taken += [graph.tensors[t].positions * graph.tensors[t].channels(widths) for t in alive]
        most = max(most, sum(round_up(n, 16) for n in taken))
    return most


@given(small_joins(), st.integers(1, 2))
@settings(max_examples=12, deadline=None)
def test_costs_of_every_choice_are_those_of_its_layers(graph: Graph, step: int) -> None:
    device, grids = measured(graph), width_grids(graph, step, 1)
    assert device.latency
    axes = axes_of(graph, grids)
    problem = build_problem(axes, {}, [])
    macs, flash, arena = (
        macs_cost(graph, grids),
        flash_cost(graph, grids),
        arena_cost(graph, grids, device.layout),
    )
    times = latency_cost(graph, grids, device.latency)
    for choice in product(*(range(len(grid)) for grid in grids)):
        whole = problem.completed((*choice, *[0] * len(axes.sums)))
        widths = axes.widths(whole)
        assert problem.fits(whole)
        assert macs.evaluate(whole) == graph.macs(widths)
        assert flash.evaluate(whole) == sum(flash_bytes(layer, widths) for layer in graph.layers)
        assert (
            arena.evaluate(whole)
            == in_use(graph, widths, device)
            <= arena_bytes(graph, widths, device.layout)
        )
        assert times.evaluate(whole) == device.costs(graph, widths)["latency"]


@pytest.mark.parametrize("largest", [stages.LARGEST, 60], ids=["tables", "no tables"])
def test_any_budgets_together_equal_brute_force(largest: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stages, "LARGEST", largest)

    @given(
        small_joins(), st.lists(st.none() | st.integers(10, 100), min_size=3, max_size=3), st.integers(0, 99)
    )
    @settings(max_examples=8, deadline=None)
    def check(graph: Graph, percents: list[int | None], seed: int) -> None:
        device, scores = measured(graph), random_scores(graph, seed)
        names, full = ("macs", "flash", "latency"), device.costs(graph, graph.full)
        most = {n: int(p / 100 * full[n]) for n, p in zip(names, percents, strict=True) if p}
        budget = Budget(
            macs=float(most["macs"]) if most.get("macs", 0) > 1 else None, flash=most.get("flash"),
            latency=most["latency"] / 1000 if "latency" in most else None,
        )  # fmt: skip
        assume(budget != Budget())
        values = [
            kept(scores, widths)
            for widths in all_widths(graph, 1)
            if all(device.costs(graph, widths)[name] <= limit for name, limit in most.items())
        ]
        options = {"step": 1, "least": 1, "objective": "sum", "profile": device}
        if not values:
            with pytest.raises(BudgetError):
                select(graph, scores, [budget], **options)
            return
        (chosen,) = select(graph, scores, [budget], **options)
        assert chosen.costs == device.costs(graph, chosen.widths)
        assert all(chosen.costs[name] <= limit for name, limit in most.items())
        assert chosen.value == pytest.approx(max(values), rel=1e-7)
        assert chosen.gap < 1e-6

    check()


@pytest.mark.parametrize("cut", [False, True], ids=["stream uncut", "stream cut"])
@pytest.mark.parametrize("order", get_args(Order)[:3])
def test_heads_and_hidden_units_of_a_transformer_equal_brute_force(cut: bool, order: Order) -> None:
    graph = transformer(blocks=1, units=8, heads=4, cut=cut)
    scores, full = random_scores(graph, 3), graph.macs(graph.full)
    widths = all_widths(graph, 4, 4)
    assert {graph.full[g] for g in range(len(graph.groups)) if len({w[g] for w in widths}) > 1} >= {4, 32}
    values = {w: kept(scores, w) for w in widths}
    small, large = ([w for w in widths if graph.macs(w) <= share * full] for share in (0.6, 0.85))
    chosen = select(graph, scores, (0.6, 0.85), order=order, objective="sum")
    assert are_nested(chosen)
    assert {subnet.gap for subnet in chosen} == {0.0}
    nested = [
        values[a] + values[b] for a in small for b in large if all(m <= n for m, n in zip(a, b, strict=True))
    ]
    if order == "joint":
        assert sum(subnet.value for subnet in chosen) == pytest.approx(max(nested))
    elif order == "bottom-up":
        assert chosen[0].value == pytest.approx(max(values[w] for w in small))


def test_steps_count_channels_so_heads_are_cut_one_by_one() -> None:
    graph = transformer(blocks=1, units=24, heads=3)
    heads = next(g for g, group in enumerate(graph.groups) if group.units == 3 and group.cut)
    assert [width_grids(graph, step, 4)[heads].tolist() for step in (1, 4, 16)] == [[1, 2, 3]] * 2 + [[2, 3]]
