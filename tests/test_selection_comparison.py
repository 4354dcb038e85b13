"""The comparison of selections: its recipes are what its plan says, and planted differences are found."""

import json
import runpy
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from reds.experiment.prepare import check_recipe
from tests.selection_comparison.tables import compared, judge
from tests.selection_comparison.train import CONTENDERS, SELECTIONS, Trained, recipe_path

LATENCY_SHARES = 0.2, 0.35, 0.6
ARENA_SHARES = {"resnet8-latency": (0.26, 0.35, 0.55), "mobilenet-latency": (0.69, 0.69, 0.69)}


@pytest.mark.parametrize("part", CONTENDERS)
def test_a_part_has_a_recipe_that_starts_with_the_knapsack(part: str) -> None:
    recipe = check_recipe(recipe_path(part)).recipe
    first = SELECTIONS[CONTENDERS[part][0]](recipe.selection)
    assert (first.objective, first.order) == ("balanced", "bottom-up")


@pytest.mark.parametrize("part", ARENA_SHARES)
def test_budgets_of_the_device_are_the_shares_that_the_plan_names(part: str) -> None:
    checked = check_recipe(recipe_path(part))
    full = checked.profile.costs(checked.graph, checked.graph.full)
    small = checked.recipe.subnet[:-1]
    for subnet, latency, arena in zip(small, LATENCY_SHARES, ARENA_SHARES[part], strict=True):
        assert subnet.latency == pytest.approx(latency * full["latency"] / 1000, abs=0.1)
        assert subnet.arena == pytest.approx(arena * full["arena"], abs=1)


def results(right: float, seed: int, labels: NDArray[np.uint8]) -> Trained:
    """Return two subnets that answer a share of examples rightly, each as sure as it should be."""
    rng = np.random.default_rng(seed)
    answer = np.where(rng.random((2, len(labels))) < right, labels, (labels + 1) % 3)
    logits = 5 * np.eye(3)[answer] + rng.normal(0, 0.1, (2, len(labels), 3))
    none = np.zeros((2, 1), np.int64)
    return Trained(none, none, logits.astype(np.float32), logits.astype(np.float32), 1.0)


def test_a_planted_difference_is_found_in_accuracy_and_in_loss() -> None:
    labels = np.random.default_rng(0).integers(0, 3, 800).astype(np.uint8)
    trained = {
        name: [results(right, seed + 10 * k, labels) for seed in range(3)]
        for k, (name, right) in enumerate({"balanced": 0.8, "uniform": 0.6, "even": 0.8}.items())
    }
    row = compared(judge(trained, (labels, labels), 2))
    assert row["accuracy"] == pytest.approx({"balanced": 80, "uniform": 60, "even": 80}, abs=2)
    mean, low, high = row["points"]["uniform"]
    assert 15 < low < mean < high < 25
    assert row["nats"]["uniform"][2] < 0
    for of in ("points", "nats"):
        _, low, high = row[of]["even"]
        assert low < 0 < high


def test_a_kept_part_becomes_a_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = runpy.run_path(str(Path(__file__).parents[1] / "ci" / "figures.py"))
    row = {
        "part": "mine", "subnet": "10%", "accuracy": {"balanced": 40.0, "even": 39.5},
        "points": {"even": [0.5, -1, 2]}, "nats": {"even": [-0.01, -0.02, 0]},
        "costs": {"balanced": [1000, 96, 2e6], "even": [990, 90, 0]},
        "widths": {"balanced": [[3, 4], [3, 5]], "even": [[3, 3]]}, "measured_us": {"balanced": 2001.0},
    }  # fmt: skip
    mean = {key: row[key] for key in ("part", "accuracy", "points", "nats")} | {"subnet": "mean"}
    kept = tmp_path / "kept.jsonl"
    kept.write_text("".join(json.dumps(each) + "\n" for each in ({**row, "part": "other"}, row, mean)))
    monkeypatch.setitem(made["selection_rows"].__globals__, "SELECTION", kept)
    assert made["selection_table"]({"part": "mine"}).splitlines() == [
        "| budget | balanced | even | less even, points | less even, nats |",
        "| --- | ---: | ---: | ---: | ---: |",
        "| 10% | 40.00 | 39.50 | +0.50 (-1.00 to +2.00) | -0.010 (-0.020 to +0.000) |",
        "| mean | 40.00 | 39.50 | +0.50 (-1.00 to +2.00) | -0.010 (-0.020 to +0.000) |",
    ]
    assert made["selection_costs_table"]({"parts": {"mine": "Mine"}}).splitlines()[2:] == [
        "| Mine | 10% | balanced | 3-4 | 1,000 | 96 | 2,000 | 2,001 |",
        "| Mine | 10% | even | 3-3 | 990 | 90 |  |  |",
    ]
