"""Nets that give values or find anomalies: their metric, training, card and data."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from rich.console import Console

import reds
from reds.data.labeled import find_labeled
from reds.errors import DataError
from reds.graph import Graph
from reds.graph.builder import Builder
from reds.pack.task import auc, r2, score, squared_errors
from reds.training.tasks import Values
from tests.reds.support.command import run

QUIET = Console(quiet=True)
RNG = np.random.default_rng(0)


@given(st.lists(st.tuples(st.integers(0, 5), st.booleans()), min_size=2, max_size=30))
def test_the_auc_is_the_share_of_pairs_in_the_right_order(examples: list[tuple[int, bool]]) -> None:
    scores, odd = np.array([s for s, _ in examples], float), np.array([int(o) for _, o in examples])
    if not 0 < odd.sum() < len(odd):
        return
    pairs = [np.sign(a - b) for a in scores[odd == 1] for b in scores[odd == 0]]
    assert auc(scores, odd) == pytest.approx(np.mean([(s + 1) / 2 for s in pairs]))


def test_r2_is_1_for_the_truth_and_0_for_its_mean_or_worse() -> None:
    truth = RNG.normal(size=(50, 2))
    spread = squared_errors(truth.mean(0, keepdims=True), truth)
    assert r2(squared_errors(truth, truth), spread) == 1
    assert r2(spread, spread) == r2(2 * spread, spread) == 0
    assert score("values", truth + 0.1, truth, truth) == pytest.approx(1 - (0.01 * 50 / spread).mean())


def dense(inputs: int, hidden: int, outputs: int) -> Graph:
    net = Builder(inputs)
    x = net.dense(net.dense(net.input, hidden), hidden)
    net.dense(x, outputs, relu=False, norm=False)
    return net.build()


def regression(n: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    x = RNG.uniform(-1, 1, (n, 6)).astype(np.float32)
    return x, np.stack([x[:, 0] + x[:, 1], 100 * x[:, 2] - 40], 1)


def usual(n: int) -> NDArray[np.float32]:
    """Examples of 8 features that lie near a plane."""
    a = RNG.normal(size=(n, 2)).astype(np.float32)
    return a @ np.array([[1, 1, 0, 0, 1, -1, 1, 0], [0, 1, 1, 1, 0, 1, -1, 1]], np.float32)


def test_a_regression_is_trained_and_its_card_says_how_good_it_is(tmp_path: Path) -> None:
    data = reds.Dataset(regression(900), regression(300), task="values")
    result = reds.compress(dense(6, 24, 2), data, budgets=[0.3, 1.0], epochs=25, name="sum", console=QUIET)
    full = result.subnets[1]
    assert full.accuracy > 0.9
    assert abs(full.accuracy - full.float_accuracy) < 0.03
    path = result.save(tmp_path / "sum")
    card = json.loads(path.with_suffix(".json").read_text())
    assert (card["task"], card["metric"]) == ("values", "r2")
    inputs, truth = find_labeled(card, tmp_path)
    pack = reds.load(path)
    real = pack.real(pack.run(inputs, subnet=1), 1)
    assert score("values", real, truth, real) == pytest.approx(full.accuracy, abs=1e-6)
    assert np.abs(real - truth).mean() == pytest.approx(card["subnets"][1]["mean_error"], rel=1e-5)


def test_a_trained_net_that_gives_the_users_own_values_keeps_them() -> None:
    x, y = regression(200)
    module = torch.nn.Linear(6, 2)
    fitted = np.linalg.lstsq(np.c_[x, np.ones(200)], y, rcond=None)[0].astype(np.float32)
    module.weight.data, module.bias.data = torch.from_numpy(fitted[:-1].T), torch.from_numpy(fitted[-1])
    data = reds.Dataset((x, y), regression(200), task="values")
    net = reds.from_module(module, input_shape=(6,))
    result = reds.compress(net, data, budgets=[1.0], epochs=1, full_epochs=0, name="given", console=QUIET)
    assert result.subnets[0].accuracy > 0.99


def test_smaller_subnets_learn_a_share_of_the_full_nets_values() -> None:
    target, outputs = torch.tensor([[0.0, 4.0]]), torch.tensor([[1.0, 0.0]])
    taught = Values(torch.randn(5, 2)).taught(target, outputs, 0.25)
    torch.testing.assert_close(taught, torch.tensor([[0.25, 3.0]]))


def test_an_error_counts_by_the_deviation_of_its_value() -> None:
    goal, target = Values(torch.tensor([[0.0, 0.0], [2.0, 200.0]])), torch.zeros(1, 2)
    near, far = (goal.loss(torch.tensor([error]), target) for error in ([1.0, 0.0], [0.0, 100.0]))
    torch.testing.assert_close(near, far)


def test_an_autoencoder_finds_what_is_unlike_its_training(tmp_path: Path) -> None:
    odd = RNG.normal(size=(100, 8)).astype(np.float32)
    test = np.concatenate([usual(100), odd]), np.repeat([0, 1], 100)
    data = reds.Dataset((usual(600), np.zeros(600, int)), test, task="anomalies")
    result = reds.compress(dense(8, 16, 8), data, budgets=[0.4, 1.0], epochs=15, name="odd", console=QUIET)
    assert result.subnets[1].accuracy > 0.9
    card = json.loads(result.save(tmp_path / "odd").with_suffix(".json").read_text())
    assert (card["task"], card["metric"], "mean_error" in card["subnets"][0]) == ("anomalies", "auc", False)


X = np.ones((4, 3), np.float32) * np.arange(4, dtype=np.float32)[:, None]


@pytest.mark.parametrize(
    ("train", "test", "task"),
    [
        (np.ones(4), np.ones(4), "values"),
        (np.arange(4.0), np.arange(3.0), "values"),
        (np.arange(4.0), np.ones((4, 2)), "values"),
        (np.array([0, 1, np.nan, 2]), np.arange(4.0), "values"),
        (np.array(["a"] * 4), np.arange(4.0), "values"),
        (np.array([0, 1, 0, 0]), np.array([0, 1, 0, 0]), "anomalies"),
        (np.zeros(4, int), np.zeros(4, int), "anomalies"),
        (np.zeros(4, int), np.arange(4), "anomalies"),
        (np.zeros(4, int), np.arange(4), "numbers"),
    ],
)
def test_what_no_task_can_use_is_refused(train: object, test: object, task: str) -> None:
    with pytest.raises(DataError):
        reds.Dataset((X, train), (X, test), task=task)  # type: ignore[arg-type]


def test_a_net_without_an_output_for_each_value_is_refused() -> None:
    data = reds.Dataset(regression(30), regression(30), task="values")
    with pytest.raises(DataError, match="2 values"):
        reds.compress(dense(6, 8, 3), data, budgets=[1.0], epochs=1, console=QUIET)


def recipe_of(folder: Path, task: str, more: str = "", **arrays: NDArray[np.generic]) -> Path:
    """A recipe of a tiny dense net for an .npz file of this task."""
    parts = {"train": regression(60), "test": regression(20)}
    given = {
        f"{part}_{axis}": each for part, pair in parts.items() for axis, each in zip("xy", pair, strict=True)
    }
    np.savez(folder / "own.npz", **{**given, **arrays})
    path = folder / "own.toml"
    path.write_text(
        f'net.name = "dnn-s-1x1x6"\ndata = {{ set = "own.npz", task = "{task}"{more} }}\n'
        "full = { epochs = 1, batch = 16 }\njoint = { epochs = 1, batch = 16 }\nsubnet = [{ budget = 1.0 }]\n"
    )
    return path


def test_a_recipe_builds_a_regression_with_an_output_for_each_value(tmp_path: Path) -> None:
    status, said = run("build", recipe_of(tmp_path, "values"), "--out", tmp_path)
    assert status == 0, said
    pack = reds.load(tmp_path / "own.reds")
    assert pack.card is not None
    assert (pack.card["task"], pack.model.output_size(0)) == ("values", 2)
    assert len(pack.card["output"]["mean"]) == 2


@pytest.mark.parametrize(
    ("command", "task", "more", "arrays"),
    [
        ("build", "values", "", {"classes": np.array(["a", "b"])}),
        ("build", "values", ", balanced = true", {}),
        ("build", "anomalies", "", {}),
        ("build", "anomalies", ", every = 2", {"train_y": np.zeros(60, int), "test_y": np.arange(20) % 2}),
        ("build", "numbers", "", {}),
        ("compare", "values", "", {}),
    ],
)
def test_a_recipe_that_its_task_forbids_is_refused_in_one_line(
    command: str, task: str, more: str, arrays: dict[str, NDArray[np.generic]], tmp_path: Path
) -> None:
    status, said = run(command, recipe_of(tmp_path, task, more, **arrays), "--out", tmp_path / "out")
    assert status not in (0, None), said
    assert "Traceback" not in said
    assert not (tmp_path / "out" / "own.reds").exists()
