"""The baselines of selection that need no scores: even widths against brute force."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reds.errors import BudgetError
from reds.graph import Graph, Widths
from reds.graph.subnets import Budget
from reds.nesting.budgets import TargetProfile
from reds.nesting.cost.latency import Latency, LayerTimes
from reds.nesting.select import select
from reds.pack.layouts import LAYOUTS
from reds.zoo.dnn import dnn
from reds.zoo.mobilenet import mobilenet
from reds.zoo.resnet import resnet8
from tests.reds.support.graphs import all_widths, are_nested, measured, random_scores, small_chains

COSTS = ("macs", "flash", "arena", "latency")


def shuffled_times(graph: Graph, seed: int) -> TargetProfile:
    """Return a board on which more units may take less time."""
    rng, times = np.random.default_rng(seed), {}
    for layer in graph.layers:
        axes = tuple(
            np.arange(1, graph.full[g] + 1)
            for g in dict.fromkeys((layer.reads[0].group, layer.writes[0].group))
        )
        times[layer.name] = LayerTimes(axes, rng.integers(1, 99, [len(axis) for axis in axes]).astype(float))
    return TargetProfile(LAYOUTS[5], Latency("desk", times))


def evenness(graph: Graph, widths: Widths) -> list[tuple[Fraction, int]]:
    """Return the shares of all groups, smallest first; of equal ones that of the earlier group first."""
    return sorted((Fraction(n, full), g) for g, (n, full) in enumerate(zip(widths, graph.full, strict=True)))


@given(
    small_chains(),
    st.lists(st.none() | st.integers(10, 99), min_size=4, max_size=4),
    st.integers(1, 2),
    st.none() | st.integers(0, 2**16),
)
@settings(max_examples=80)
def test_even_widths_within_any_budgets_equal_brute_force(
    graph: Graph, percents: list[int | None], step: int, shuffled: int | None
) -> None:
    device = measured(graph) if shuffled is None else shuffled_times(graph, shuffled)
    costs = {widths: device.costs(graph, widths) for widths in all_widths(graph, step)}
    full = costs[graph.full]
    most = {c: int(p * full[c] / 100 + 1e-6) for c, p in zip(COSTS, percents, strict=True) if p}
    small = Budget(
        percents[0] and percents[0] / 100, most.get("flash"), most.get("arena"),
        most["latency"] / 1000 if "latency" in most else None,
    )  # fmt: skip
    budgets, scores = [small, Budget(1.0)], random_scores(graph, 0)
    fitting = [widths for widths, cost in costs.items() if all(cost[c] <= most[c] for c in most)]
    if not fitting:
        with pytest.raises(BudgetError):
            select(graph, scores, budgets, step=step, least=1, order="even", profile=device)
        return
    best = max(fitting, key=lambda widths: evenness(graph, widths))
    if best == graph.full:  # two subnets of one name
        return
    chosen, last = select(graph, scores, budgets, step=step, least=1, order="even", profile=device)
    assert (chosen.widths, last.widths) == (best, graph.full)


@given(small_chains(), st.integers(10, 60), st.integers(61, 99))
@settings(max_examples=40)
def test_larger_even_subnets_keep_the_smaller_ones_and_are_the_most_even_of_those(
    graph: Graph, one: int, two: int
) -> None:
    macs = {widths: graph.macs(widths) for widths in all_widths(graph, 1)}
    scores, full = random_scores(graph, 0), graph.macs(graph.full)
    if 100 * min(macs.values()) > one * full:
        return
    small, large = select(graph, scores, [one / 100, two / 100], step=1, least=1, order="even")
    containing = [
        widths for widths, cost in macs.items()
        if 100 * cost <= two * full and all(a <= b for a, b in zip(small.widths, widths, strict=True))
    ]  # fmt: skip
    assert large.widths == max(containing, key=lambda widths: evenness(graph, widths))


def test_even_widths_go_on_where_one_group_has_no_room() -> None:
    graph = resnet8()
    arena = TargetProfile().costs(graph, graph.full)["arena"] // 2
    scores, budgets = random_scores(graph, 0), [Budget(macs=0.5, arena=arena), Budget(1.0)]
    even, uniform = (
        select(graph, scores, budgets, step=1, least=1, order=order)[0] for order in ("even", "uniform")
    )
    assert even.costs["arena"] <= arena
    assert 0.49 * graph.macs(graph.full) < even.costs["macs"] <= 0.5 * graph.macs(graph.full)
    assert uniform.costs["macs"] < 0.4 * graph.macs(graph.full)
    assert all(a >= b for a, b in zip(even.widths, uniform.widths, strict=True))


def test_even_subnets_of_a_large_net_are_nested_and_end_full() -> None:
    graph = mobilenet(0.25)
    subnets = select(graph, random_scores(graph, 0), [0.1, 0.25, 0.5, 1.0], order="even")
    assert are_nested(subnets)
    assert subnets[-1].widths == graph.full


def test_where_no_uniform_share_fits_the_error_names_the_order_that_does() -> None:
    graph = dnn("s").resized((2, 2, 2, 2, 3))
    times = {
        layer.name: LayerTimes(
            tuple(np.arange(1, graph.full[g] + 1) for g in (layer.reads[0].group, layer.writes[0].group)),
            np.full([graph.full[g] for g in (layer.reads[0].group, layer.writes[0].group)], 1.0),
        )
        for layer in graph.layers
    }
    between = next(
        layer.name for layer in graph.layers if (layer.reads[0].group, layer.writes[0].group) == (1, 2)
    )
    times[between].us[:] = [[90.0, 1.0], [90.0, 90.0]]  # fast with one unit before it and two after it
    device = TargetProfile(latency=Latency("desk", times))
    budgets, scores = [Budget(latency=50.0), Budget(1.0)], random_scores(graph, 0)
    with pytest.raises(BudgetError, match="`even`"):
        select(graph, scores, budgets, step=1, least=1, order="uniform", profile=device)
    (even, _) = select(graph, scores, budgets, step=1, least=1, order="even", profile=device)
    assert even.widths == (2, 1, 2, 2, 3)
