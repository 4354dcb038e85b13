"""The hidden command that measures what selection takes."""

import pytest

from reds.nesting.solver import bench
from tests.reds.support.command import run


def test_each_net_has_a_row_without_and_with_an_arena_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench, "NETS", ("dnn-s",))
    monkeypatch.setattr(bench, "GRAPHS", {})
    status, output = run("bench-selection", "--step", 8)
    assert status == 0, output
    title, _, _, _, *rows = output.splitlines()
    assert title == "bottom-up, balanced, multiples of 8"
    assert [row.split(" | ")[:2] for row in rows] == [["| dnn-s", "MACs"], ["| dnn-s", "MACs, arena"]]


def test_the_best_subnets_of_graphs_in_no_zoo_are_proven() -> None:
    for graph in ("densenet-bc-40", "vit-ti, stream cut"):
        assert bench.measured(graph, False, 6, "bottom-up", "balanced")["gap"] == 0.0


def test_command_is_not_in_the_help_of_users() -> None:
    assert "bench-selection" not in run("--help")[1]
