"""Search the activation ranges with the best int8 validation accuracy."""

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
from reds.pack.scale import Floats
from reds.quantization.quantize import quantize

CALIBRATION = 4096
CALIBRATION_VALUES = 1 << 22
"""Limits on the examples that activation ranges are measured on, and on the values in one tensor of them."""
PERCENTILES = (100.0, 99.999, 99.99, 99.95, 99.9)
"""Percentiles of the activation ranges that the search compares."""
BATCH = 512
"""Examples that the bit-exact interpreter runs at once."""


@dataclass(frozen=True)
class QuantizedNet:
    """Hold a net in int8."""

    model: Model
    validation: tuple[float, ...]
    """Validation accuracy of each subnet, a fraction."""
    ranges: Floats
    """Activation ranges float64 [subnets, layers, 2] that the scales cover."""


def best_ranges(net: ElasticNet, name: str, candidates: Floats, examples: Examples) -> QuantizedNet:
    """Quantize with each candidate range and keep, for every subnet, the one that validates best.

    Args:
        net: A trained net.
        name: Name of the integer network.
        candidates: The ranges to try, float64 [candidates, subnets, layers, 2].
        examples: Validation data, and the scale of the inputs.
    """
    labeled = examples.stored, examples.validation[1].numpy()
    source = examples.set
    tried = [quantize(net, name=name, ranges=of, scale=source.scale, zero=source.zero) for of in candidates]
    scores = np.array([int8_accuracy(model, *labeled) for model in tried])
    best = scores.argmax(0)
    subnets = tuple(tried[k].subnets[i] for i, k in enumerate(best))
    chosen = np.stack([candidates[k, i] for i, k in enumerate(best)])
    return QuantizedNet(replace(tried[0], subnets=subnets), tuple(scores.max(0).tolist()), chosen)


def int8_accuracy(model: Model, x: NDArray[np.int8], y: NDArray[np.integer[Any]]) -> tuple[float, ...]:
    """Return the fraction of examples that each subnet classifies correctly, with the bit-exact interpreter.

    Args:
        model: The integer network.
        x: Inputs int8 [N, input_size].
        y: Labels [N].
    """
    return tuple(float(hits(model, i, x, y).mean()) for i in range(len(model.subnets)))


def hits(model: Model, subnet: int, x: NDArray[np.int8], y: NDArray[np.integer[Any]]) -> NDArray[np.bool_]:
    """Return which examples one subnet classifies correctly, as the pack does on every board.

    Args:
        model: The integer network.
        subnet: Index of the subnet.
        x: Inputs int8 [N, input_size].
        y: Labels [N].
    """
    parts = [interpreter.run(model, subnet, x[i : i + BATCH]).argmax(1) for i in range(0, len(x), BATCH)]
    return np.asarray(np.concatenate(parts) == y)


def calibration_part(net: ElasticNet, examples: Examples, seed: int) -> Tensor:
    """Draw the training features that activation ranges are measured on.

    Args:
        net: The net; its largest tensor limits the number of examples.
        examples: The training examples.
        seed: Seed of the draw.

    Returns:
        Features float32 [N, features].
    """
    largest = max(t.height * t.width * t.copies * net.graph.full[t.group] for t in net.graph.tensors)
    count = max(min(CALIBRATION, CALIBRATION_VALUES // largest), 1)
    return examples.plain(count, torch.Generator().manual_seed(seed))[0]
