"""Measure the range of each layer's values, per subnet."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from reds.elastic.net import ElasticNet, check_elastic
from reds.elastic.shared import SharedNet
from reds.elastic.standardized import check_standardized
from reds.elastic.torch_defaults import torch_defaults
from reds.pack.scale import Floats
from reds.rules import Rule, check_argument, is_number


class _Watched(SharedNet):
    """Keeps what activations read."""

    def __init__(self, net: ElasticNet) -> None:
        super().__init__(net)
        self.read: dict[int, Tensor] = {}

    def before_activation(self, subnet: int, layer: int, y: Tensor) -> Tensor:
        self.read[layer] = y
        return y

    def written(self, x: Tensor, subnet: int) -> list[Tensor]:
        """Return what each layer writes before its activation."""
        self.read = {}
        outputs = self.trace(x, subnet)[1:]
        return [self.read.get(layer, y) for layer, y in enumerate(outputs)]


@torch_defaults()
@torch.no_grad()
def ranges(net: ElasticNet, calibration: Tensor, percentiles: Sequence[float]) -> Floats:
    """Measure the range of each layer before its activation, float64 [percentiles, subnets, layers, 2].

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
    watched = _Watched(net).eval()
    ends = [end for p in percentiles for end in (100 - p, p)]
    seen = [
        [
            np.percentile(y.double().numpy(), ends) if y.numel() else np.zeros(len(ends))
            for y in watched.written(calibration, subnet)
        ]
        for subnet in range(len(net.subnets))
    ]
    return np.array(seen).reshape(len(net.subnets), -1, len(percentiles), 2).transpose(2, 0, 1, 3)
