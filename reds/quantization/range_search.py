"""Search the activation ranges with which int8 follows the float net best, on training examples.

Validation examples judge the result and therefore choose nothing here: of five ranges, one is always lucky.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812, the field's name for it
from numpy.typing import NDArray
from torch import Tensor

from reds.data.catalog import DataSpec
from reds.data.examples import Examples
from reds.elastic.net import ElasticNet
from reds.errors import QuantizeError
from reds.pack import interpreter
from reds.pack.model import Model
from reds.pack.scale import Floats, Scale
from reds.pack.task import Task, score
from reds.quantization.quantize import quantize

CALIBRATION = 4096
CALIBRATION_VALUES = 1 << 22
"""Limits on the examples that activation ranges are measured on, and on the values in one tensor of them."""
JUDGED = 1024
"""Most calibration examples on which a candidate is compared with the float net; the interpreter is slow."""
PERCENTILES = (100.0, 99.999, 99.99, 99.95, 99.9)
"""Percentiles of the activation ranges that the search compares."""
BATCH = 512
"""Examples that the bit-exact interpreter runs at once."""


@dataclass(frozen=True)
class QuantizedNet:
    """Hold a net in int8."""

    model: Model
    validation: tuple[float, ...]
    """Validation score of each subnet, a fraction."""
    ranges: Floats
    """Activation ranges float64 [subnets, layers, 2] that the scales cover."""


def best_ranges(
    net: ElasticNet, name: str, candidates: Floats, examples: Examples, calibration: Tensor
) -> QuantizedNet:
    """Quantize with each candidate range and keep, for every subnet, the one that follows the float net best.

    Args:
        net: A trained net.
        name: Name of the integer network.
        candidates: The ranges to try, float64 [candidates, subnets, layers, 2].
        examples: The scale of the inputs, and validation data that judge the result.
        calibration: Real training features float32 [N, features] that choose.

    Raises:
        QuantizeError: With none of the ranges the tables of a layer fit.
    """
    source = examples.set
    tried, candidates = fitting(net, name, candidates, source)
    judged = calibration[:JUDGED]
    x = Scale(source.scale, source.zero, np.zeros(1)).stored(judged.numpy())
    errors = np.array([output_errors(net, model, judged, x, source.task) for model in tried])
    best = errors.argmin(0)
    subnets = tuple(tried[k].subnets[i] for i, k in enumerate(best))
    chosen = np.stack([candidates[k, i] for i, k in enumerate(best)])
    model = replace(tried[0], subnets=subnets)
    validation = int8_scores(model, source.task, examples.stored, examples.validation[1].numpy())
    return QuantizedNet(model, validation, chosen)


def fitting(net: ElasticNet, name: str, candidates: Floats, source: DataSpec) -> tuple[list[Model], Floats]:
    """Return the integer networks of the ranges whose tables fit, and these ranges.

    A low percentile leaves no range to a layer that seldom writes anything but 0.

    Args:
        net: A trained net.
        name: Name of the integer networks.
        candidates: The ranges to try, float64 [candidates, subnets, layers, 2].
        source: Data set that stores the input.

    Raises:
        QuantizeError: None fits.
    """
    models, fits = [], []
    for k, ranges in enumerate(candidates):
        try:
            models.append(quantize(net, name=name, ranges=ranges, source=source))
            fits.append(k)
        except QuantizeError:
            if not models and k == len(candidates) - 1:
                raise
    return models, candidates[fits]


@torch.no_grad()
def output_errors(
    net: ElasticNet, model: Model, features: Tensor, x: NDArray[np.int8], task: Task
) -> list[float]:
    """Return how far the int8 outputs of each subnet are from the float ones.

    For classes it is the mean KL divergence of probabilities, for values the mean squared error.

    Args:
        net: The float net.
        model: The integer network.
        features: Real features float32 [N, input_size].
        x: The same features stored, int8 [N, input_size].
        task: What the outputs are.
    """
    net.eval()
    found = []
    for i in range(len(model.subnets)):
        ours = torch.from_numpy(outputs(model, i, x))
        theirs = torch.cat([net(part, i) for part in torch.split(features, BATCH)]).double()
        if task == "classes":
            pair = ours.log_softmax(1), theirs.log_softmax(1)
            found.append(float(F.kl_div(*pair, reduction="batchmean", log_target=True)))
        else:
            found.append(float(F.mse_loss(ours, theirs)))
    return found


def int8_scores(model: Model, task: Task, x: NDArray[np.int8], truth: NDArray[Any]) -> tuple[float, ...]:
    """Return the score of each subnet on validation examples, with the bit-exact interpreter.

    Args:
        model: The integer network.
        task: What the outputs are. An autoencoder is scored by r2 here, as all of these examples are usual.
        x: Inputs int8 [N, input_size].
        truth: Labels [N], or values [N, outputs].
    """
    scored: Task = "values" if task == "anomalies" else task
    return tuple(score(scored, outputs(model, i, x), truth, truth) for i in range(len(model.subnets)))


def hits(model: Model, subnet: int, x: NDArray[np.int8], y: NDArray[np.integer[Any]]) -> NDArray[np.bool_]:
    """Return which examples one subnet classifies correctly, as the pack does on every board.

    Args:
        model: The integer network.
        subnet: Index of the subnet.
        x: Inputs int8 [N, input_size].
        y: Labels [N].
    """
    return np.asarray(outputs(model, subnet, x).argmax(1) == y)


def outputs(model: Model, subnet: int, x: NDArray[np.int8]) -> Floats:
    """Return the real outputs of one subnet, float64 [N, outputs], as the pack gives them on every board.

    Args:
        model: The integer network.
        subnet: Index of the subnet.
        x: Inputs int8 [N, input_size].
    """
    stored = np.concatenate([
        interpreter.run(model, subnet, x[i : i + BATCH]) for i in range(0, len(x), BATCH)
    ])  # fmt: skip
    plan = model.subnets[subnet]
    return (stored.astype(np.float64) - plan.steps[-1].zero) * plan.output_scale


def calibration_part(net: ElasticNet, examples: Examples, seed: int) -> Tensor:
    """Draw the training features that activation ranges are measured on.

    Args:
        net: The net; its largest tensor limits the number of examples.
        examples: The training examples.
        seed: Seed of the draw.

    Returns:
        Features float32 [N, features].
    """
    largest = max(t.positions * t.channels(net.graph.full) for t in net.graph.tensors)
    count = max(min(CALIBRATION, CALIBRATION_VALUES // largest), 1)
    return examples.plain(count, torch.Generator().manual_seed(seed))[0]
