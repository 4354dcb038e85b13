"""What range of values each subnet writes in each layer, and how int8 stores such a range."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from reds.elastic.net import ElasticNet
from reds.graph import Layer
from reds.pack.model import LIMIT

Floats = NDArray[np.float64]

LEAST_RANGE = 1e-3
"""Of values that are all but 0: finer steps would only ask for multipliers that do not fit."""


@dataclass(frozen=True)
class Scale:
    """`real = (q - zero) * scale - mean`; mean is 0 but at the input."""

    scale: float
    zero: int
    mean: Floats

    def stored(self, x: Tensor) -> NDArray[np.int8]:
        """Real values float32 as int8 of the same shape, for a mean of 0; the nearest where there is none."""
        q: Floats = np.rint(x.double().numpy() / self.scale) + self.zero
        return np.clip(q, -LIMIT, LIMIT).astype(np.int8)


@torch.no_grad()
def ranges(net: ElasticNet, calibration: Tensor, percentiles: Sequence[float]) -> Floats:
    """Least and largest value, float64 [percentiles, subnets, layers, 2], of what each layer writes.

    `calibration` are real training features float32 [N, features]; of the values seen on them, the range of
    percentile p leaves out (100 - p) % at either end.
    """
    net.eval()
    ends = [end for p in percentiles for end in (100 - p, p)]
    seen = [
        [np.percentile(y.double().numpy(), ends) for y in net.trace(calibration, subnet)[1:]]
        for subnet in range(len(net.subnets))
    ]
    return np.array(seen).reshape(len(net.subnets), -1, len(percentiles), 2).transpose(2, 0, 1, 3)


def output_scale(layer: Layer, least: float, largest: float) -> Scale:
    """How a subnet stores what a layer writes: from zero up after a ReLU, else the whole range.

    Never past the ReLU's ceiling, so that ending at the largest int8 is ending there.
    """
    largest = min(max(largest, LEAST_RANGE), layer.ceiling)
    return range_scale(0.0 if layer.relu else min(least, 0.0), largest)


def input_scale(x: Tensor) -> Scale:
    """How inputs like these float32 [N, ...] are stored: their whole range, and 0, which padding writes."""
    return range_scale(min(float(x.min()), 0.0), max(float(x.max()), LEAST_RANGE))


def range_scale(low: float, high: float) -> Scale:
    """How values from `low` to `high` are stored, 0 one of them."""
    scale = (high - low) / (2 * LIMIT)
    return Scale(scale, round(-LIMIT - low / scale), np.zeros(1))
