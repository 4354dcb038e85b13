"""Costs are what the finished pack takes: counted independently, of nets made whole."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from reds import pack
from reds.errors import GraphError, LatencyError
from reds.graph import Graph
from reds.graph.builder import Builder
from reds.nesting.cost import Cost, flash_cost, macs_cost, width_grids
from reds.nesting.cost.arena import arena_bytes, arena_cost
from reds.nesting.cost.axes import Grid
from reds.nesting.cost.latency import Latency, LayerTimes, latency_cost, load
from reds.pack import layouts
from reds.pack.extract import extract_subnet
from reds.pack.layouts import LAYOUTS
from reds.zoo import by_name
from reds.zoo.dnn import dnn
from reds.zoo.random_weights import with_random_weights

NETS = ["dnn-s", "ds-cnn-s", "mobilenet-0.25", "resnet8"]


def some(graph: Graph, grids: list[Grid], n: int) -> list[tuple[int, ...]]:
    rng = np.random.default_rng(0)
    return [tuple(int(rng.integers(len(grid))) for grid in grids) for _ in range(n)]


def widths_of(grids: list[Grid], choice: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(int(grid[k]) for grid, k in zip(grids, choice, strict=True))


@pytest.mark.parametrize("name", NETS)
def test_macs_and_flash_are_those_of_the_subnet_alone(name: str) -> None:
    graph = by_name(name)
    grids = width_grids(graph, 4, 4)
    macs, flash = macs_cost(graph, grids), flash_cost(graph, grids)
    for choice in some(graph, grids, 2):
        widths = widths_of(grids, choice)
        model = extract_subnet(with_random_weights(name, graph, {"50%": widths}), 0)
        sizes = pack.sizes(model)
        assert macs.evaluate(choice) == graph.macs(widths) == model.macs(0)
        assert flash.evaluate(choice) == sizes.weights + sizes.tables


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=lambda layout: layout.name)
@pytest.mark.parametrize("name", NETS)
def test_arena_is_what_the_pack_plans(name: str, layout: layouts.Layout) -> None:
    graph = by_name(name)
    grids = width_grids(graph, 4, 4)
    cost = arena_cost(graph, grids, layout)
    for choice in some(graph, grids, 2):
        widths = widths_of(grids, choice)
        model = with_random_weights(name, graph, {"50%": widths, "100%": graph.full})
        planned = layouts.plan(model, 0, layouts.preferring(model, layout)).size
        assert cost.evaluate(choice) == arena_bytes(graph, widths, layout) == planned


def test_a_peak_is_the_largest_and_a_sum_adds_up() -> None:
    tables = {(0,): np.array([3, 9]), (0, 1): np.array([[1, 2], [4, 5]])}
    rows = tuple({groups: table} for groups, table in tables.items())
    assert [Cost("", each).evaluate((1, 0)) for each in ((tables,), rows)] == [13, 9]


def test_widths_keep_the_least_and_the_step_of_each_group() -> None:
    net = Builder(5)
    net.dense(net.dense(net.dense(net.input, 10), 10), 3)
    graph = net.build()
    assert [list(grid) for grid in width_grids(graph, 4, 4)] == [[5], [4, 8, 10], [4, 8, 10], [3]]
    assert [list(grid) for grid in width_grids(graph, 4, 99)] == [[5], [10], [10], [3]]
    grids = width_grids(graph, [1, 5, 3, 1], [1, 4, 7, 1])
    assert [list(grid) for grid in grids] == [[5], [5, 10], [9, 10], [3]]


def times(graph: Graph, grids: list[Grid]) -> Mapping[str, LayerTimes]:
    """Measured at the ends only, of a board on which a layer takes (2 + reads) * (3 + writes) us."""
    ends = [np.unique(grid[[0, -1]]) for grid in grids]
    return {
        layer.name: LayerTimes((m, n), np.outer(2.0 + m, 3.0 + n))
        for layer in graph.layers
        for m, n in [(ends[layer.reads[0].group], ends[layer.writes[0].group])]
    }


def test_latencies_between_measured_widths_are_in_proportion() -> None:
    graph = dnn("s")
    grids = width_grids(graph, 4, 4)
    cost = latency_cost(graph, grids, Latency("desk", times(graph, grids)))
    for choice in some(graph, grids, 5):
        w = widths_of(grids, choice)
        us = sum((2 + w[layer.reads[0].group]) * (3 + w[layer.writes[0].group]) for layer in graph.layers)
        assert cost.evaluate(choice) == 1000 * us


def test_a_width_between_steps_takes_what_the_next_step_does() -> None:
    graph, coarse = dnn("s"), width_grids(dnn("s"), 4, 4)
    fine = width_grids(graph, 1, 1)
    table = Latency("desk", times(graph, coarse))
    at = {units: i for i, units in enumerate(fine[1].tolist())}
    odd, even = (latency_cost(graph, fine, table).evaluate((0, at[n], at[n], at[n], 0)) for n in (49, 52))
    first, second = (latency_cost(graph, fine, table).evaluate((0, at[n], at[n], at[n], 0)) for n in (1, 4))
    assert (odd, first) == (even, second)


def test_times_that_are_missing_are_named() -> None:
    graph = dnn("s")
    grids = width_grids(graph, 4, 4)
    measured = dict(times(graph, grids))
    narrow = LayerTimes((np.array([8, 144]), np.array([4, 144])), np.ones((2, 2)))
    with pytest.raises(GraphError, match=r"desk.*dense1.* 8 .* 144 "):
        latency_cost(graph, grids, Latency("desk", measured | {"dense1": narrow}))
    del measured["dense2"]
    with pytest.raises(GraphError, match=r"desk.*dense2"):
        latency_cost(graph, grids, Latency("desk", measured))


@pytest.mark.parametrize(
    ("units", "us", "says"),
    [
        ([[4, 8], [4]], [[1.0], [float("nan")]], "NaN"),
        ([[4, 8], [4]], [[1.0], [-1.0]], "microseconds"),
        ([[8, 4], [4]], [[1.0], [2.0]], "units"),
        ([[4, 8], [4]], [[1.0, 2.0]], r"\(1, 2\)"),
        ([4, 8], [[1.0], [2.0]], r"\(2, 1\)"),
    ],
)
def test_a_file_without_usable_times_is_refused(
    units: list[Any], us: list[Any], says: str, tmp_path: Path
) -> None:
    path = tmp_path / "times.json"
    path.write_text(json.dumps({"board": "desk", "layers": {"dense0": {"units": units, "us": us}}}))
    with pytest.raises(LatencyError, match=rf"times\.json: .*{says}"):
        load(path)
