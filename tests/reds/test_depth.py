"""Blocks and widths chosen together, against brute force over every subnet, and what each one costs."""

from itertools import product
from typing import get_args

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from reds.errors import BudgetError, GraphError, SettingsError
from reds.graph import Graph, Widths
from reds.graph.subnets import Budget
from reds.nesting.budgets import TargetProfile, check_budgets
from reds.nesting.cost import flash_bytes, flash_cost, half_blocks_cost, macs_cost, width_grids
from reds.nesting.cost.arena import arena_cost, scratch_bytes
from reds.nesting.cost.latency import latency_cost
from reds.nesting.options import Objective, Order
from reds.nesting.select import select
from reds.pack.layouts import LAYOUTS
from reds.pack.padding import round_up
from reds.zoo.resnet import resnet8
from tests.reds.support.graphs import Scores, are_nested, measured, random_scores, small_residuals

PROVEN: tuple[Order, ...] = ("bottom-up", "top-down", "joint")
MOST = 500
"""Subnets of a net that brute force goes through."""


def whole(graph: Graph, step: int = 1) -> list[Widths]:
    """All widths that leave out whole blocks or none."""
    grids = width_grids(graph, step, 1, depth=True)
    assume(np.prod([len(grid) for grid in grids]) <= MOST)
    found = []
    for each in product(*(grid.tolist() for grid in grids)):
        try:
            graph.running(each)
        except GraphError:
            continue
        found.append(each)
    return found


def alive_together(graph: Graph, widths: Widths, device: TargetProfile) -> int:
    """Bytes of tensors and scratch at the step that needs most, of the net without what is left out."""
    small = graph.resized(widths)
    most, last = 0, len(small.layers)
    ends = [
        max((i for i, x in enumerate(small.layers) if t in x.inputs), default=last) for t in range(last + 1)
    ]
    for i, layer in enumerate(small.layers):
        alive = [t for t in range(i + 2) if ends[t] >= i]
        full = graph.layers[graph.running(widths).layers[i]]
        taken = [scratch_bytes(graph, full, widths[layer.reads[0].group], device.layout)]
        taken += [(s := small.tensors[t]).positions * s.channels(widths) for t in alive]
        most = max(most, sum(round_up(n, 16) for n in taken))
    return most


@given(small_residuals())
@settings(max_examples=30, deadline=None)
def test_costs_are_those_of_the_net_without_the_blocks(graph: Graph) -> None:
    device, grids = measured(graph), width_grids(graph, 2, 1, depth=True)
    costs = [macs_cost(graph, grids), flash_cost(graph, grids), arena_cost(graph, grids, device.layout)]
    assert device.latency is not None
    times = latency_cost(graph, grids, device.latency)
    blocks = half_blocks_cost(graph, grids)
    legal = set(whole(graph, 2))
    for choice in product(*map(range, map(len, grids))):
        widths = tuple(int(grid[k]) for grid, k in zip(grids, choice, strict=True))
        in_part = blocks.evaluate(choice) > 0
        assert in_part == (widths not in legal)
        if in_part:
            continue
        small = graph.resized(widths)
        assert costs[0].evaluate(choice) == small.macs(small.full)
        assert costs[1].evaluate(choice) == sum(flash_bytes(layer, widths) for layer in small.layers)
        assert costs[2].evaluate(choice) == alive_together(graph, widths, device)
        alone = [np.array([n]) for n in widths]
        assert times.evaluate(choice) == latency_cost(small, alone, device.latency).evaluate(
            (0,) * len(alone)
        )
        assert device.costs(graph, widths)["latency"] == times.evaluate(choice)
        assert device.costs(graph, widths)["macs"] == small.macs(small.full)


def gain(graph: Graph, scores: Scores, identity: list[float], widths: Widths, objective: Objective) -> float:
    """The objective that a choice reaches: a power mean, a product or a sum over the groups."""
    shares, kept = [], 0.0
    for score, share, n in zip(scores, identity, widths, strict=True):
        best = float(np.sort(score)[::-1][:n].sum())
        kept += best
        shares.append(share + (1 - share) * best / score.sum())
    each = np.array(shares)
    if objective == "sum":
        return kept
    return float(np.prod(each) if objective == "product" else -(np.maximum(each, 0.01) ** -4.0).sum())


@given(
    small_residuals(),
    st.sampled_from(get_args(Objective)),
    st.lists(st.none() | st.integers(10, 100), min_size=4, max_size=4),
    st.integers(0, 2**16),
)
@settings(max_examples=60, deadline=None)
def test_blocks_and_widths_together_equal_brute_force(
    graph: Graph, objective: Objective, percents: list[int | None], seed: int
) -> None:
    device, scores = measured(graph), random_scores(graph, seed)
    inside = {g for block in graph.blocks for g in block.groups}
    shares = np.random.default_rng(seed).uniform(0, 1, len(scores))
    identity = [float(share) if g in inside else 0.0 for g, share in enumerate(shares)]
    full = device.costs(graph, graph.full)
    names = ("macs", "flash", "arena", "latency")
    most = {n: int(p / 100 * full[n] + 1e-6) for n, p in zip(names, percents, strict=True) if p}
    budget = Budget(
        percents[0] and percents[0] / 100, most.get("flash"), most.get("arena"),
        most["latency"] / 1000 if percents[3] else None,
    )  # fmt: skip
    fitting = [
        widths
        for widths in whole(graph)
        if all(device.costs(graph, widths)[name] <= limit for name, limit in most.items())
    ]
    options = {"step": 1, "least": 1, "profile": device, "depth": True}
    if not fitting:
        with pytest.raises(BudgetError):
            select(graph, scores, [budget], **options)
        return
    check_budgets(graph, [budget], 1, 1, device, depth=True)
    (chosen,) = select(graph, scores, [budget], objective=objective, identity=identity, **options)
    values = [gain(graph, scores, identity, widths, objective) for widths in [*fitting, chosen.widths]]
    assert values[-1] == pytest.approx(max(values), rel=1e-9)
    assert chosen.costs == device.costs(graph, chosen.widths)
    assert chosen.gap == 0.0


@given(
    small_residuals(), st.sampled_from(PROVEN), st.sampled_from(get_args(Objective)), st.integers(0, 2**16)
)
@settings(max_examples=30, deadline=None)
def test_subnets_with_and_without_blocks_are_nested(
    graph: Graph, order: Order, objective: Objective, seed: int
) -> None:
    scores, budgets = random_scores(graph, seed), [Budget(macs=share) for share in (0.5, 0.75, 1.0)]
    try:
        chosen = select(graph, scores, budgets, step=1, least=1, order=order, objective=objective, depth=True)
    except BudgetError:
        return
    assert are_nested(chosen)
    assert chosen[-1].widths == graph.full
    assert {subnet.gap for subnet in chosen} == {0.0}
    runs = [set(graph.running(subnet.widths).layers) for subnet in chosen]
    assert runs[0] <= runs[1] <= runs[2]


def test_a_block_goes_first_whose_identity_has_most() -> None:
    graph = resnet8()
    scores = [np.ones(n) for n in graph.full]
    budgets = (0.5, 1.0)
    left_out = {
        share: select(graph, scores, budgets, depth=True, identity=[share] * 8)[0].widths[2] == 0
        for share in (0.1, 0.5, 0.99)
    }
    assert left_out == {0.1: False, 0.5: False, 0.99: True}
    assert select(graph, scores, budgets, identity=[0.99] * 8)[0].widths[2] > 0


@pytest.mark.parametrize("order", ["bottom-up", "uniform"])
def test_without_depth_and_in_the_baseline_no_block_is_left_out(order: Order) -> None:
    graph = resnet8()
    scores = [np.zeros(n) for n in graph.full]
    smallest = select(graph, scores, [0.05], least=1, step=1, order=order, depth=order == "uniform")[0]
    assert min(smallest.widths) > 0


def test_budgets_too_small_for_widths_alone_fit_without_blocks() -> None:
    graph = resnet8()
    with pytest.raises(BudgetError):
        check_budgets(graph, [0.017], 4, 4)
    check_budgets(graph, [0.017], 4, 4, TargetProfile(LAYOUTS[4]), depth=True)
    (least,) = select(graph, random_scores(graph, 0), [0.017], depth=True)
    assert least.widths[2] == 0


@pytest.mark.parametrize(
    "identity", [[0.5] * 7, [2.0] * 8, [-0.1] * 8, [float("nan")] * 8, "half", [["a"]] * 8, [[0.5, 1], [2]]]
)
def test_shares_that_are_no_shares_are_refused(identity: list[float]) -> None:
    graph = resnet8()
    with pytest.raises(SettingsError):
        select(graph, random_scores(graph, 0), [0.5], depth=True, identity=identity)


def test_depth_is_true_or_false() -> None:
    graph = resnet8()
    with pytest.raises(SettingsError):
        select(graph, random_scores(graph, 0), [0.5], depth=3)  # type: ignore[arg-type]
