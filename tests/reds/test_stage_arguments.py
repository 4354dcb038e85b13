"""The stages refuse arguments that do not fit the net with sentences of their own, never torch's."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import reds
from reds.data.examples import Examples
from reds.data.options import DataOptions
from reds.elastic.net import ElasticNet
from reds.errors import DataError, PackError, SettingsError
from reds.graph.subnets import Budget, SubnetSpec, full_subnet
from reds.quantization.calibrate import ranges
from tests.support.nets import dense_model

X, Y = torch.randn(64, 8, generator=torch.Generator().manual_seed(0)), torch.arange(64) % 4


def net(outputs: int = 4) -> ElasticNet:
    module = nn.Sequential(nn.Linear(8, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Linear(16, outputs))
    return reds.from_module(module.eval(), (8,))


def examples(x: Tensor = X, y: Tensor = Y) -> Examples:
    data = reds.Dataset((x, y), (x, y), (x, y)).stored("mine")
    return Examples(data, DataOptions("mine"), reds.AugmentationOptions())


@pytest.mark.parametrize(
    ("x", "y"),
    [
        (torch.randn(64, 9), Y),
        (torch.randn(64, 8, 1), Y),
        (X, Y + 1),
        (X, Y - 1),
        (X, Y[:-1]),
        (X, Y.float()),
        (X, nn.functional.one_hot(Y)),
    ],
)
def test_score_refuses_batches_that_do_not_fit(x: Tensor, y: Tensor) -> None:
    with pytest.raises(DataError):
        reds.score(net(), [(X, Y), (x, y)])


def test_score_refuses_a_measure_that_it_does_not_have() -> None:
    with pytest.raises(SettingsError, match="gradient"):
        reds.score(net(), [], measure="gradients")  # type: ignore[arg-type]


OPTIONS = reds.JointOptions(epochs=1, batch=16)


@pytest.mark.parametrize(("outputs", "columns"), [(3, 8), (5, 8), (4, 9)])
def test_train_refuses_examples_of_another_shape_or_other_classes(outputs: int, columns: int) -> None:
    with pytest.raises(DataError):
        reds.train(net(outputs), examples(torch.randn(64, columns)), OPTIONS)


def test_train_refuses_a_minibatch_of_one_before_a_norm() -> None:
    with pytest.raises(SettingsError, match=r"^batch: "):
        reds.train(net(), examples(), reds.JointOptions(epochs=1, batch=1))
    bare = reds.from_module(nn.Sequential(nn.Linear(8, 4)), (8,))
    reds.train(bare, examples(), reds.JointOptions(epochs=1, batch=1))


UNITS = [np.ones(8), np.ones(16), np.ones(4)]


@pytest.mark.parametrize(
    "scores",
    [UNITS[:2], [np.ones(8), np.ones(15), np.ones(4)], [np.ones(8), -np.ones(16), np.ones(4)],
     [np.ones(8), np.full(16, np.nan), np.ones(4)], []],
)  # fmt: skip
def test_select_refuses_scores_of_other_units(scores: Any) -> None:
    with pytest.raises(SettingsError, match=r"^scores: "):
        reds.select(net().graph, scores, [1.0])


@pytest.mark.parametrize(
    "order", [np.arange(15), np.arange(1, 17), np.zeros(16, int), np.arange(16) / 2], ids=str
)
def test_permute_refuses_what_is_no_order_of_the_units(order: Any) -> None:
    given = net()
    with pytest.raises(SettingsError, match=r"^orders: "):
        reds.permute(given, [np.arange(8), order, np.arange(4)])


@pytest.mark.parametrize(
    "widths",
    [[], [(8, 17, 4), (8, 16, 4)], [(8, 8), (8, 16, 4)], [(8, 0, 4), (8, 16, 4)],
     [(8, 12, 4), (8, 8, 4), (8, 16, 4)]],
)  # fmt: skip
def test_nest_refuses_subnets_that_do_not_nest(widths: list[tuple[int, ...]]) -> None:
    subnets = [SubnetSpec(f"{i}", Budget(), each) for i, each in enumerate(widths)]
    with pytest.raises(SettingsError, match=r"^subnets: "):
        reds.nest(net(), subnets)
    assert len(reds.nest(net(), [full_subnet(net().graph)]).subnets) == 1


def nested() -> ElasticNet:
    full = net()
    return reds.nest(full, [SubnetSpec("50%", Budget(), (8, 8, 4)), full_subnet(full.graph)])


ORDERS = [np.arange(8), np.arange(16)[::-1].copy(), np.arange(4)]


@pytest.mark.parametrize(
    "stage",
    [
        lambda it: reds.score(it, [(X, Y)]),
        lambda it: reds.permute(it, ORDERS),
        lambda it: reds.nest(it, [full_subnet(net().graph)]),
    ],
)
@pytest.mark.parametrize("it", [nested, lambda: nn.Linear(8, 4)])
def test_stages_of_a_full_net_refuse_any_other(stage: Any, it: Any) -> None:
    given = it()
    before = {name: value.clone() for name, value in given.state_dict().items()}
    with pytest.raises(SettingsError, match=r"^net: "):
        stage(given)
    assert all(torch.equal(value, before[name]) for name, value in given.state_dict().items())


@pytest.mark.parametrize("batch", [(X.numpy(), Y), (X, Y.numpy()), (X[:0], Y[:0])])
def test_score_refuses_what_is_no_minibatch(batch: Any) -> None:
    with pytest.raises(DataError):
        reds.score(net(), [batch])


def test_score_refuses_to_score_by_no_example() -> None:
    with pytest.raises(SettingsError, match=r"^batches: "):
        reds.score(net(), [])
    reds.score(net(), [], measure="magnitude")


@pytest.mark.parametrize("x", [X, X.double(), X.half().float()])
@pytest.mark.parametrize("y", [Y, Y.int(), Y.to(torch.uint8)])
def test_score_takes_numbers_of_any_width(x: Tensor, y: Tensor) -> None:
    given = net()
    one, other = (reds.score(given, [batch]).units for batch in ((x, y), (x.float(), Y)))
    assert all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize(
    ("changed", "place"),
    [({"order": "top"}, "order"), ({"objective": "max"}, "objective"), ({"graph": net()}, "graph"),
     ({"scores": reds.score(net(), [(X, Y)])}, "scores")],
)  # fmt: skip
def test_select_refuses_what_it_does_not_know(changed: dict[str, Any], place: str) -> None:
    arguments = {"graph": net().graph, "scores": UNITS, "budgets": [1.0]} | changed
    with pytest.raises(SettingsError, match=f"^{place}: "):
        reds.select(**arguments)


@pytest.mark.parametrize(
    ("arguments", "place"),
    [({"norms": "all"}, "norms"), ({"subnets": [0.5]}, "subnets"), ({"subnets": [(8, 16, 4)]}, "subnets")],
)
def test_nest_refuses_what_it_does_not_know(arguments: dict[str, Any], place: str) -> None:
    with pytest.raises(SettingsError, match=f"^{place}: "):
        reds.nest(net(), **({"subnets": [full_subnet(net().graph)]} | arguments))


@pytest.mark.parametrize(
    ("options", "arguments", "place"),
    [
        ({"epochs": 0}, {}, "epochs"),
        ({"batch": 0}, {}, "batch"),
        ({"rate": "fast"}, {}, "rate"),
        ({"rate": float("nan")}, {}, "rate"),
        ({"dropout": 1.0}, {}, "dropout"),
        ({}, {"distil": 2.0}, "distil"),
        ({}, {"distil": "0.5"}, "distil"),
        ({}, {"seed": -1}, "seed"),
        ({}, {"options": None}, "options"),
    ],
)
def test_train_refuses_settings_outside_their_range(
    options: dict[str, Any], arguments: dict[str, Any], place: str
) -> None:
    given = {"options": reds.JointOptions(**({"epochs": 1, "batch": 16} | options))} | arguments
    with pytest.raises(SettingsError, match=f"^{place}: "):
        reds.train(net(), examples(), **given)


SEEN = ranges(net(), X, [99.99])[0]


@pytest.mark.parametrize("bad", [SEEN[None], SEEN[:, :1], 0 * SEEN + np.nan, SEEN + np.inf, None])
def test_quantize_refuses_ranges_of_another_net(bad: Any) -> None:
    with pytest.raises(SettingsError, match=r"^ranges: "):
        reds.quantize(net(), name="mine", ranges=bad, source=examples().set)


@pytest.mark.parametrize("percentiles", [[], [200.0], [0.0], [99.0, 50.0]])
def test_ranges_refuse_what_is_no_percentile(percentiles: list[float]) -> None:
    with pytest.raises(SettingsError, match=r"^percentiles: "):
        ranges(net(), X, percentiles)
    with pytest.raises(DataError):
        ranges(net(), X[:, :5], [99.0])


@pytest.mark.parametrize("path", ["", "a\0b", None, 5, b"a.reds", "folder.reds", "file/mine.reds", "a" * 300])
def test_what_cannot_be_written_is_refused(path: Any, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder.reds").mkdir()
    (tmp_path / "file").touch()
    with pytest.raises(PackError):
        reds.write(dense_model([6, 3], [[3]]), path)
    with pytest.raises(PackError):
        reds.load(path)
    assert sorted(each.name for each in tmp_path.iterdir()) == ["file", "folder.reds"]
