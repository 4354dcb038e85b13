"""A user's own tensors are taken whole or refused by name, before anything is trained."""

from typing import Any

import numpy as np
import pytest
import torch

from reds.data.own import Own
from reds.elastic.net import ElasticNet
from reds.errors import DataError, QuantizeError
from reds.quantization.quantize import quantize
from reds.training.options import TrainingOptions
from reds.training.trainer import train
from reds.zoo import by_name

X, Y = torch.zeros(6, 3, 4, 4), torch.tensor([0, 1, 2, 0, 1, 2])


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"y": Y[:5]}, "x [6, 3, 4, 4] and y [5]: [N, units, height, width] or [N, features], and N labels"),
        ({"x": X[0]}, "x [3, 4, 4] and y [6]"),
        ({"validation_x": X[:0], "validation_y": Y[:0]}, "validation_x [0, 3, 4, 4] and validation_y [0]"),
        ({"validation_y": Y + 1}, "validation_y holds labels 1 to 3: they are 0 to 2"),
        ({"y": Y - 1}, "y holds labels -1 to 1: they are 0 to 2"),
        ({"y": Y.float()}, "y is of torch.float32: a tensor of torch.int64 is needed"),
        ({"x": X.double()}, "x is of torch.float64: a tensor of torch.float32 is needed"),
        ({"x": X.numpy()}, "x is of float32: a tensor of torch.float32 is needed"),
        ({"x": X.numpy().tolist()}, "x is of list: a tensor"),
        (
            {"x": X.clone().index_fill_(0, torch.tensor([2]), torch.nan)},
            "x holds numbers that are not finite",
        ),
    ],
)
def test_tensors_that_are_no_examples_are_refused(changed: dict[str, Any], says: str) -> None:
    given: dict[str, Any] = {"x": X, "y": Y, "validation_x": X, "validation_y": Y}
    Own(3, **given)
    with pytest.raises(DataError) as caught:
        Own(3, **given | changed)
    assert str(caught.value).startswith(says)
    assert "\n" not in str(caught.value)


def test_examples_of_other_classes_than_the_net_tells_are_not_trained_on() -> None:
    graph = by_name("dnn-s", 4)
    net, x = ElasticNet(graph, [graph.full]), torch.zeros(6, 250)
    how = TrainingOptions(epochs=1, batch=2, rate=1e-3, weight_decay=0.0, smoothing=0.0, dropout=0.0)
    with pytest.raises(DataError, match="the examples are of 3 classes, the net tells 4"):
        train(net, Own(3, x, Y, x, Y), how, 0, print)


def test_every_subnet_needs_a_label() -> None:
    graph = by_name("dnn-s")
    net = ElasticNet(graph, [graph.full, graph.full])
    with pytest.raises(QuantizeError, match="mine has 2 subnets: 1 labels"):
        quantize("mine", net, ["100%"], np.zeros((2, 4, 2)), 1.0, 0)
