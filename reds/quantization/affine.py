"""Read the affine map that follows a layer as plain arrays."""

from dataclasses import dataclass

import numpy as np
from torch import Tensor, nn

from reds.elastic.affine import SharedNorm, UnitAffine, UnitBias
from reds.pack.scale import Floats
from reds.quantization.subnet_order import Indices


@dataclass(frozen=True)
class Affine:
    """Map x to `gain * (x - center) + offset`, float64 [units] each."""

    gain: Floats
    center: Floats
    offset: Floats

    def ordered(self, order: Indices) -> "Affine":
        """Return the map of the units in another order."""
        return Affine(self.gain[order], self.center[order], self.offset[order])


def affine_of(module: nn.Module) -> Affine | None:
    """Return what a module computes at inference; None of one that changes nothing."""
    match module:
        case SharedNorm():
            gain, offset = _exact(module.gain[module.kept]), _exact(module.offset[module.kept])
            return Affine(gain, np.zeros(len(gain)), offset)
        case UnitAffine():
            return Affine(_exact(module.gain), np.zeros(len(module.gain)), _exact(module.offset))
        case UnitBias():
            offset = _exact(module.bias)
            return Affine(np.ones(len(offset)), np.zeros(len(offset)), offset)
        case nn.BatchNorm1d(running_mean=Tensor() as mean, running_var=Tensor() as variance):
            gain = _exact(module.weight / (variance + module.eps).sqrt())
            return Affine(gain, _exact(mean), _exact(module.bias))
        case _:
            return None


def _exact(values: Tensor) -> Floats:
    return np.asarray(values.detach().double().numpy())
