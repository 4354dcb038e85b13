"""Make a net that reads a user's own features read standardized ones instead, with the same outputs."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from reds.elastic.affine import SharedNorm, UnitBias
from reds.elastic.net import ElasticNet, check_elastic
from reds.elastic.torch_defaults import torch_defaults
from reds.errors import DataError
from reds.graph import Layer
from reds.pack.model import MIXING, WEIGHTED, Kind
from reds.pack.scale import Standardization
from reds.rules import check_kind

MOVING = frozenset({Kind.MAX_POOL, Kind.AVERAGE_POOL, Kind.FLATTEN})
"""Kinds that commute with a scale above 0 and a shift of each unit."""

AS_THEY_ARE = (
    "the net reads standardized features, and these are as they are: give it features of"
    " net.standardization.apply(x), or a data set with this standardization"
)
"""Text of the error about features that have to be standardized."""
ENOUGH = 64
"""Examples of which `check_standardized` judges: fewer may be anything."""
PLAUSIBLE = 0.02, 6.0
"""Magnitudes between which standardized features lie: the largest of a minibatch, and the median of all."""


@dataclass(frozen=True)
class _Affine:
    """Say what a tensor holds of the user's features: x = z * gain + offset, float32 [units] each."""

    gain: Tensor
    offset: Tensor

    def flattened(self, positions: int) -> "_Affine":
        return _Affine(self.gain.repeat_interleave(positions), self.offset.repeat_interleave(positions))


@torch_defaults()
@torch.no_grad()
def read_standardized(net: ElasticNet, standardization: Standardization) -> None:
    """Change a net in place, so that for standardized features it computes what it did for those before.

    Mean and deviation move into the first layers: the weights of a unit read are multiplied by its deviation,
    and biases or the means of norms take up the shift. Only at the edges does a padded layer differ, if its
    units have a mean: padding then means this mean, and no longer 0.

    Args:
        net: A net that reads the user's features, as `from_module` returns it.
        standardization: Mean and deviation of the units of its input; nothing changes if they are empty.

    Raises:
        DataError: An addition or a ReLU reads the input before any weights do, or the net reads standardized
            features already.
        SettingsError: An argument has another type.
    """
    check_elastic(net)
    check_kind(
        "standardization", standardization, Standardization, "give data.stored(name).set.standardization"
    )
    if net.standardization.mean:
        raise DataError(
            "the net reads standardized features already: call read_standardized once, on the net that"
            " from_module returned"
        )
    if not standardization.mean:
        return
    mean, deviation = (torch.tensor(each) for each in (standardization.mean, standardization.deviation))
    holds: list[_Affine | None] = [_Affine(deviation / net.std, (mean - net.mean) / net.std)]
    net.mean.zero_()
    net.std.fill_(1)
    net.standardization = standardization
    for k, layer in enumerate(net.graph.layers):
        affine, source = holds[layer.inputs[0]], net.graph.tensors[layer.inputs[0]]
        holds.append(None)
        if all(holds[tensor] is None for tensor in layer.inputs):
            continue
        if affine is not None and layer.kind in WEIGHTED:
            shift = _fold(layer, net.weights[k], affine)
            for subnet in range(len(net.subnets)):
                _subtract(net.subnet_affines(subnet)[k], shift)
        elif affine is not None and layer.kind in MOVING and not layer.relu and not layer.activation:
            flat = layer.kind is Kind.FLATTEN
            holds[-1] = affine.flattened(source.height * source.width) if flat else affine
        else:
            raise DataError(
                f"layer {layer.name} reads the features before any weights do, so the net cannot read"
                " standardized ones: give the net and the data set features of mean 0 and deviation 1"
            )


def check_standardization(net: ElasticNet, expected: Standardization) -> None:
    """Raise `DataError` unless a net reads features that are standardized as expected, or that are not."""
    found = net.standardization
    if found == expected:
        return
    if not found.mean:
        raise DataError(
            "the data set is standardized, and the net reads features as they are: call"
            " read_standardized(net, data.set.standardization) before it is scored and trained"
        )
    if not expected.mean:
        raise DataError(AS_THEY_ARE)
    raise DataError(
        "the net reads features of another mean or deviation than the data set's: use the data set that it"
        " was made for"
    )


def check_standardized(net: ElasticNet, x: Tensor) -> None:
    """Raise `DataError` if features x are clearly the user's own, and the net reads standardized ones.

    Standardized features have a deviation near 1, and data sets store none beyond 6. So features are
    refused if most are beyond that, or if all are next to nothing but not alike.

    Args:
        net: The net.
        x: Features of its shape, of one example or more.
    """
    if not net.standardization.mean or len(x) < ENOUGH:
        return
    size, (least, most) = x.detach().abs(), PLAUSIBLE
    faint = 0 < float(size.max()) < least and bool(size.min() < size.max())
    if faint or float(size.median()) > most:
        raise DataError(AS_THEY_ARE)


def _fold(layer: Layer, weight: Tensor, affine: _Affine) -> Tensor:
    """Multiply weights by the gains of the units that they read, and return minus what the offsets add."""
    units = 1 if layer.kind in MIXING else 0
    shape = [-1 if axis == units else 1 for axis in range(weight.ndim)]
    added = (weight * affine.offset.view(shape)).flatten(1).sum(1)
    weight *= affine.gain.view(shape)
    return -added


def _subtract(module: nn.Module, shift: Tensor) -> None:
    """Make the affine map of a subnet compute for x what it did for x - shift."""
    if isinstance(module, SharedNorm):
        module.offset.sub_(module.gain * shift[: len(module.gain)])
    elif isinstance(module, UnitBias):
        module.bias.sub_(shift[: len(module.bias)])
    else:
        assert isinstance(module, nn.BatchNorm1d)
        assert module.running_mean is not None
        module.running_mean.add_(shift[: len(module.running_mean)])
