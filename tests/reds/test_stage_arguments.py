"""The stages refuse arguments that do not fit the net with sentences of their own, never torch's."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import reds
from reds.data.examples import Examples
from reds.data.options import DataOptions
from reds.elastic.net import ElasticNet
from reds.errors import DataError, SettingsError
from reds.graph.subnets import Budget, SubnetSpec, full_subnet

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
