"""A net whose ReLUs have ceilings that bind, in float and in int8."""

from dataclasses import replace

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from reds.data.catalog import SETS
from reds.elastic.from_module import from_module
from reds.elastic.layers import units_last
from reds.elastic.net import ElasticNet, nest
from reds.pack.model import Model
from reds.pack.scale import Floats, range_scale
from reds.quantization.calibrate import ranges
from reds.quantization.quantize import quantize
from tests.reds.support.floats import thirds
from tests.reds.support.modules import conv, stirred


class Mobile(nn.Module):
    """Inverted residuals: every kind of layer that a ReLU may follow, each with a ceiling that binds."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(conv(3, 12), nn.BatchNorm2d(12), nn.ReLU6())
        self.deep = nn.Sequential(conv(12, 12, groups=12), nn.BatchNorm2d(12), nn.Hardtanh(0, 5))
        self.wide = nn.Sequential(nn.Conv2d(12, 12, 1), nn.BatchNorm2d(12))
        self.hidden, self.classes = nn.Linear(12 * 9, 24), nn.Linear(24, 5)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        x = (x + self.wide(self.deep(x))).clamp(0, 7)
        return self.classes(F.hardtanh(self.hidden(F.max_pool2d(x, 2).flatten(1)), 0, 4))


def mobile(seed: int = 0) -> tuple[Mobile, Tensor]:
    """The module, its weights so large that all ceilings bind, and examples [N, units, height, width]."""
    module = Mobile()
    stirred(module, seed).eval()
    with torch.no_grad():
        for norm in (module.stem[1], module.deep[1], module.wide[1]):
            norm.weight.mul_(3)
        module.hidden.weight.mul_(4)
    return module, torch.randn(256, 3, 6, 6)


def quantized(seed: int) -> tuple[Model, ElasticNet, Floats, np.ndarray, Tensor]:
    """Three subnets of it in int8: model, float net, the ranges given, inputs stored and as the net reads."""
    module, x = mobile(seed)
    full = from_module(module, (3, 6, 6))
    net = nest(full, thirds(full.graph)).eval()
    given = range_scale(min(float(x.min()), 0.0), float(x.max()))
    q = given.stored(units_last(x)).reshape(len(x), -1)
    features = torch.from_numpy((q.astype(np.float32) - given.zero) * np.float32(given.scale))
    seen = ranges(net, features, [100.0])[0]
    source = replace(SETS["cifar-10"], scale=given.scale, zero=given.zero)
    model = quantize(net, name="clipped", ranges=seen, source=source)
    return model, net, seen, q, features
