"""A trained net in int8: the activation ranges that validate best."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from reds.data.examples import Examples
from reds.elastic.net import ElasticNet
from reds.pack import interpreter
from reds.pack.model import Model
from reds.quantization.calibrate import Floats
from reds.quantization.quantize import quantize

CALIBRATION = 4096
CALIBRATION_VALUES = 1 << 22
"""Most examples that activation ranges are read from, and most values in a tensor of them."""
PERCENTILES = (100.0, 99.999, 99.99, 99.95, 99.9)
"""Activation ranges to choose from, on validation data."""
PART = 512
"""Examples that the reference interpreter runs at once."""


@dataclass(frozen=True)
class Integer:
    """A net in int8, its validation accuracy per subnet, and the ranges [subnets, layers, 2] it was given."""

    model: Model
    validation: tuple[float, ...]
    ranges: Floats


def best_ranges(net: ElasticNet, name: str, each: Floats, examples: Examples) -> Integer:
    """Quantize with each of several activation ranges, and let every subnet keep its best on validation data.

    Args:
        net: A trained net.
        name: Of the integer network.
        each: The ranges to try, float64 [tried, subnets, layers, 2].
        examples: Give the validation data and the scale of the inputs.
    """
    labeled = examples.stored, examples.validation[1].numpy()
    source = examples.set
    tried = [quantize(net, name=name, ranges=of, scale=source.scale, zero=source.zero) for of in each]
    scores = np.array([int8_accuracy(model, *labeled) for model in tried])
    best = scores.argmax(0)
    subnets = tuple(tried[k].subnets[i] for i, k in enumerate(best))
    chosen = np.stack([each[k, i] for i, k in enumerate(best)])
    return Integer(replace(tried[0], subnets=subnets), tuple(scores.max(0).tolist()), chosen)


def int8_accuracy(model: Model, x: NDArray[np.int8], y: NDArray[np.integer[Any]]) -> tuple[float, ...]:
    """Fraction of x int8 [N, input_size] that each subnet classifies as y, by the reference interpreter."""
    return tuple(float(hits(model, i, x, y).mean()) for i in range(len(model.subnets)))


def hits(model: Model, subnet: int, x: NDArray[np.int8], y: NDArray[np.integer[Any]]) -> NDArray[np.bool_]:
    """Which of x int8 [N, input_size] one subnet classifies as y [N]."""
    parts = [interpreter.run(model, subnet, x[i : i + PART]).argmax(1) for i in range(0, len(x), PART)]
    return np.asarray(np.concatenate(parts) == y)


def calibration_part(net: ElasticNet, examples: Examples, seed: int) -> Tensor:
    """Training features [N, features] that activation ranges are read from."""
    largest = max(t.height * t.width * t.copies * net.graph.full[t.group] for t in net.graph.tensors)
    count = max(min(CALIBRATION, CALIBRATION_VALUES // largest), 1)
    return examples.plain(count, torch.Generator().manual_seed(seed))[0]
