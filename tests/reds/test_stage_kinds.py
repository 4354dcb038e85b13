"""The stages refuse an argument of another kind by its name, before anything is computed."""

from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import reds
from reds.data.examples import Examples
from reds.data.options import DataOptions
from reds.elastic.standardized import read_standardized
from reds.errors import BudgetError, DataError, GraphError, RedsError, SettingsError
from reds.graph.subnets import full_subnet
from reds.nesting.permute import most_important_first
from reds.quantization.calibrate import ranges
from reds.zoo import by_name

X, Y = torch.randn(64, 8, generator=torch.Generator().manual_seed(0)), torch.arange(64) % 4
NET = reds.from_module(nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 4)).eval(), (8,))
DATA = reds.Dataset((X, Y), (X, Y), (X, Y))
STORED = DATA.stored("mine")
SCORES = reds.score(NET, [(X, Y)])
SEEN = ranges(NET, X, [99.99])[0]
GIVEN: Any = {
    "score": (reds.score, {"net": NET, "batches": [(X, Y)]}),
    "select": (reds.select, {"graph": NET.graph, "scores": SCORES.units, "budgets": [1.0]}),
    "permute": (reds.permute, {"net": NET, "orders": [np.arange(n) for n in NET.graph.full]}),
    "order": (most_important_first, {"graph": NET.graph, "scores": SCORES.units}),
    "nest": (reds.nest, {"full": NET, "subnets": [full_subnet(NET.graph)]}),
    "train": (
        reds.train,
        {"net": NET, "examples": Examples(STORED, DataOptions("mine"), reds.AugmentationOptions()),
         "options": reds.JointOptions(epochs=1)},
    ),
    "ranges": (ranges, {"net": NET, "calibration": X, "percentiles": [99.0]}),
    "quantize": (reds.quantize, {"net": NET, "name": "mine", "ranges": SEEN, "source": STORED.set}),
    "compress": (reds.compress, {"net": NET, "data": DATA, "budgets": [1.0], "epochs": 1}),
    "standardize": (read_standardized, {"net": NET, "standardization": STORED.set.standardization}),
}  # fmt: skip
"""Every stage with arguments that it takes."""


@pytest.mark.parametrize(
    ("stage", "argument", "value"),
    [
        ("score", "batches", None),
        ("score", "batches", DATA),
        ("score", "batches", 5),
        ("score", "batches", (X, Y)),
        ("score", "batches", [X]),
        ("score", "batches", [(X, Y, Y)]),
        ("score", "measure", ["gradient"]),
        ("score", "seed", "0"),
        ("select", "graph", NET),
        ("select", "scores", [["high"] * n for n in NET.graph.full]),
        ("select", "kernels", 3),
        ("select", "profile", "nano33ble"),
        ("permute", "orders", None),
        ("permute", "orders", SCORES),
        ("permute", "orders", [np.arange(n) / 1 for n in NET.graph.full]),
        ("permute", "orders", [[[0], [1, 2]]] * 3),
        ("order", "graph", NET),
        ("order", "scores", SCORES),
        ("order", "scores", [torch.ones(n, device="meta") for n in NET.graph.full]),
        ("nest", "subnets", None),
        ("nest", "subnets", 5),
        ("train", "net", nn.Linear(8, 4)),
        ("train", "examples", DATA),
        ("train", "examples", STORED),
        ("train", "examples", None),
        ("train", "report", print),
        ("train", "checkpoint", "mine.training"),
        ("ranges", "net", nn.Linear(8, 4)),
        ("ranges", "percentiles", 99.0),
        ("ranges", "percentiles", ["high"]),
        ("quantize", "net", NET.graph),
        ("quantize", "name", None),
        ("quantize", "name", b"mine"),
        ("quantize", "source", None),
        ("quantize", "source", STORED),
        ("quantize", "ranges", np.full(SEEN.shape, None)),
        ("compress", "console", "x"),
        ("standardize", "net", nn.Linear(8, 4)),
        ("standardize", "standardization", None),
        ("standardize", "standardization", STORED.set),
    ],
)
def test_a_stage_names_the_argument_of_another_kind(stage: str, argument: str, value: Any) -> None:
    call, taken = GIVEN[stage]
    with pytest.raises(SettingsError, match=f"^{argument}: "):
        call(**taken | {argument: value})


@pytest.mark.parametrize("number", [1.5, 0, -4, "4", None, True, [4], [4, 4, 0], [4.0] * 3])
@pytest.mark.parametrize("argument", ["step", "least"])
def test_select_refuses_what_is_no_number_of_units(argument: str, number: Any) -> None:
    call, taken = GIVEN["select"]
    with pytest.raises(GraphError, match=f"^`{argument}` is "):
        call(**taken, **{argument: number})


@pytest.mark.parametrize("number", [np.int64(2), [2, 2, 2], np.array([2, 2, 2])])
@pytest.mark.parametrize("argument", ["step", "least"])
def test_select_takes_numbers_of_units_of_numpy(argument: str, number: Any) -> None:
    call, taken = GIVEN["select"]
    taken = taken | {"budgets": [0.5, 1.0]}
    assert call(**taken, **{argument: number}) == call(**taken, **{argument: 2})


def test_seeds_and_scores_may_be_of_numpy_and_torch() -> None:
    call, taken = GIVEN["score"]
    one, other = (call(**taken, measure="random", seed=seed).units for seed in (np.int64(3), 3))
    assert all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))
    call, taken = GIVEN["select"]
    tensors = [torch.from_numpy(units) for units in SCORES.units]
    expected, found = (call(**taken | {"budgets": [0.5, 1.0], "scores": x}) for x in (SCORES.units, tensors))
    assert found == expected
    orders = (most_important_first(NET.graph, x) for x in (SCORES.units, tensors))
    assert all(np.array_equal(a, b) for a, b in zip(*orders, strict=True))
    call, taken = GIVEN["train"]
    nets = [deepcopy(NET), deepcopy(NET)]
    for net, seed in zip(nets, (np.int64(3), 3), strict=True):
        call(**taken | {"net": net, "seed": seed})
    assert torch.equal(nets[0](X, 0), nets[1](X, 0))


@pytest.mark.parametrize("budgets", [None, 0.5, "25%", [], ["25%"]])
def test_select_needs_a_list_of_budgets(budgets: Any) -> None:
    call, taken = GIVEN["select"]
    with pytest.raises(BudgetError, match=r"^budgets? "):
        call(**taken | {"budgets": budgets})


@pytest.mark.parametrize("model", [None, NET])
def test_what_is_no_model_is_not_written(model: Any, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"^model: "):
        reds.write(model, tmp_path / "mine.reds")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("name", "classes"), [(None, 3), ("dnn-s", "3"), ("dnn-s", 0)])
def test_no_net_has_a_name_or_classes_of_another_kind(name: Any, classes: Any) -> None:
    with pytest.raises(GraphError):
        by_name(name, classes)


@pytest.mark.parametrize("name", ["../x", "a/b", "..", ".", "", "a\0b", "x" * 201, None, 5])
def test_stored_examples_need_a_name_that_a_file_can_have(name: Any) -> None:
    with pytest.raises(DataError, match=r"^Dataset.stored: name "):
        DATA.stored(name)


@pytest.mark.parametrize("train", [[(X[0], 0)] * 9, {"train": [(X[0], 0)], "test": [(X[0], 0)]}])
def test_examples_need_a_test_part(train: Any) -> None:
    with pytest.raises(DataError, match=r"^Dataset: .*test"):
        reds.Dataset.from_examples(train)


def test_examples_are_made_of_stored_data() -> None:
    with pytest.raises(RedsError, match=r"^data: "):
        Examples(DATA, DataOptions("mine"), reds.AugmentationOptions())  # type: ignore[arg-type]


def test_orders_may_be_lists_and_features_of_any_width() -> None:
    net = reds.from_module(nn.Sequential(nn.Linear(8, 16), nn.Linear(16, 4)).eval(), (8,))
    expected = net(X, 0)
    reds.permute(net, [list(range(n))[:: -1 if n == 16 else 1] for n in net.graph.full])  # type: ignore[misc]
    torch.testing.assert_close(net(X, 0), expected)
    assert np.array_equal(ranges(net, X.double(), [99.0]), ranges(net, X, [99.0]))


def test_a_layer_is_named_as_in_the_users_module() -> None:
    class Twice(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.body = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Flatten())
            self.head = nn.Linear(8 * 36, 4)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            out: torch.Tensor = self.head(self.body(x))
            return out

    graph = reds.from_module(Twice().eval(), (3, 8, 8)).graph
    assert [layer.name for layer in graph.layers] == [
        "body.0 (Conv2d)", "head (Linear)", "head (Linear) 2",
    ]  # fmt: skip
