"""Measure the range of each activation, per subnet and layer, and choose the int8 scale that stores it."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from reds.elastic.net import ElasticNet, check_elastic
from reds.elastic.standardized import check_standardized
from reds.elastic.torch_defaults import torch_defaults
from reds.graph import Layer
from reds.pack.scale import Floats, Scale, range_scale
from reds.rules import Rule, check_argument, is_number

LEAST_RANGE = 1e-3
"""Smallest range of an activation. Activations that are almost 0 would need multipliers that do not fit."""


@torch_defaults()
@torch.no_grad()
def ranges(net: ElasticNet, calibration: Tensor, percentiles: Sequence[float]) -> Floats:
    """Measure the range of every layer's output, float64 [percentiles, subnets, layers, 2].

    The range of a layer that a subnet leaves out is 0 to 0.

    Args:
        net: A trained net.
        calibration: Real training features float32 [N, features].
        percentiles: The range of percentile p leaves out the (100 - p) % smallest and largest values.

    Raises:
        DataError: The features have another shape or scale than the net reads.
        SettingsError: A percentile lies outside 50 to 100, or there is none.
    """
    check_elastic(net)
    net.check_features(calibration)
    check_standardized(net, calibration)
    calibration = calibration.to(torch.float32)
    usable = isinstance(percentiles, Sequence) and bool(percentiles)
    usable = usable and all(is_number(p) and 50 < p <= 100 for p in percentiles)
    check_argument([Rule("", "percentiles", usable, "numbers over 50, up to 100,", percentiles)])
    net.eval()
    ends = [end for p in percentiles for end in (100 - p, p)]
    seen = [
        [
            np.percentile(y.double().numpy(), ends) if y.numel() else np.zeros(len(ends))
            for y in net.trace(calibration, subnet)[1:]
        ]
        for subnet in range(len(net.subnets))
    ]
    return np.array(seen).reshape(len(net.subnets), -1, len(percentiles), 2).transpose(2, 0, 1, 3)


def output_scale(layer: Layer, least: float, largest: float) -> Scale:
    """Return the scale of a layer's output: from 0 up after a ReLU, else the whole range.

    The range ends at the ReLU's ceiling at the latest, so that saturation at 127 applies the ceiling.

    Args:
        layer: The layer, for its ReLU.
        least: Smallest output to store.
        largest: Largest output to store.
    """
    largest = min(max(largest, LEAST_RANGE), layer.ceiling)
    return range_scale(0.0 if layer.relu else min(least, 0.0), largest)
