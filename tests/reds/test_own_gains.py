"""A user's own gains: the solver maximizes their sum, and mistakes in them are refused."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reds.errors import SettingsError
from reds.graph import Graph
from reds.nesting.cost import width_grids
from reds.nesting.own_gains import own_gains
from reds.nesting.select import select
from reds.zoo import by_name
from tests.reds.support.graphs import all_widths, random_scores, small_chains


def first_writers(graph: Graph) -> dict[int, str]:
    return {layer.writes[0].group: layer.name for layer in reversed(graph.layers)}


def drawn_gains(graph: Graph, seed: int) -> dict[str, dict[int, float]]:
    """Gains of every number of units of every group that can be cut, which rise with it."""
    rng = np.random.default_rng(seed)
    return {
        name: dict(enumerate(np.sort(rng.integers(0, 50, graph.full[g])).astype(float).tolist(), 1))
        for g, name in first_writers(graph).items()
        if graph.groups[g].cut and graph.full[g] > 1
    }


@given(small_chains(), st.integers(20, 100), st.integers(0, 2**16))
@settings(max_examples=80, deadline=None)
def test_the_sum_of_own_gains_is_the_largest_that_fits(graph: Graph, percent: int, seed: int) -> None:
    tables, limit = drawn_gains(graph, seed), int(percent / 100 * graph.macs(graph.full) + 1e-6)
    group = {name: g for g, name in first_writers(graph).items()}

    def worth(widths: tuple[int, ...]) -> float:
        return sum(table[widths[group[name]]] for name, table in tables.items())

    fitting = [worth(widths) for widths in all_widths(graph, 1) if graph.macs(widths) <= limit]
    if fitting:
        scores = random_scores(graph, seed)  # choose no width
        (subnet,) = select(graph, scores, [percent / 100], step=1, least=1, gains=tables)
        assert worth(subnet.widths) == max(fitting)
        assert subnet.value == max(fitting)
        assert subnet.gap == 0.0


NET = by_name("dnn-s-1x1x16", 4)
GOOD: dict[str, Any] = {
    name: {"0": 0.0, "144": 1.0} for g, name in first_writers(NET).items() if NET.groups[g].cut
}
FIRST = next(iter(GOOD))


def test_gains_between_two_numbers_of_units_are_linear() -> None:
    grids = width_grids(NET, 4, 4)
    for (g,), gains in own_gains(NET, GOOD, grids).items():
        assert np.allclose(gains, grids[g] / 144)


@pytest.mark.parametrize(
    "wrong",
    [
        [], 3, {}, {FIRST: GOOD[FIRST]}, GOOD | {"nolayer": {"4": 1.0}}, GOOD | {FIRST: {}},
        GOOD | {FIRST: {"8": 0.0, "144": 1.0}}, GOOD | {FIRST: {"0": 0.0, "140": 1.0}},
        GOOD | {FIRST: {"0": 0.0, "200": 1.0}}, GOOD | {FIRST: {"0": 1.0, "144": 0.5}},
        GOOD | {FIRST: {"0": -1.0, "144": 1.0}}, GOOD | {FIRST: {"0": 0.0, "144": float("nan")}},
        GOOD | {FIRST: {"0": 0.0, "144": "1"}}, GOOD | {FIRST: {"many": 0.0, "144": 1.0}},
        GOOD | {FIRST: {"4": 0.1, 4: 0.1, "144": 1.0}}, GOOD | {FIRST: [0, 1]},
        GOOD | {NET.layers[-1].name: {"0": 0.0, "4": 1.0}},
    ],
)  # fmt: skip
def test_gains_that_do_not_say_what_each_width_is_worth_are_refused(wrong: Any) -> None:
    with pytest.raises(SettingsError, match=r"^gains") as caught:
        select(NET, random_scores(NET, 0), [0.5, 1.0], gains=wrong)
    assert "\n" not in str(caught.value)
