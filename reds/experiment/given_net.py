"""Take a net of the user's own: let it read the stored features, and check that int8 can hold it."""

from copy import deepcopy

import torch
from torch import Tensor, nn

from reds.data.catalog import DataSpec
from reds.data.examples import Examples
from reds.elastic.affine import UnitBias
from reds.elastic.loss import plain_loss
from reds.elastic.net import ElasticNet
from reds.elastic.standardized import read_standardized
from reds.errors import QuantizeError, SettingsError
from reds.pack.scale import Standardization
from reds.quantization.calibrate import ranges
from reds.quantization.quantize import quantize
from reds.quantization.tables import REMEDY

COMPARED = 512
"""Training examples that show whether a given net is trained for the user's own features."""


def given_net(net: ElasticNet, examples: Examples, name: str, seed: int) -> ElasticNet:
    """Return a copy of a given net that reads the stored features.

    If these are standardized, a trained net has to compute for them what it did for the user's own. Random
    weights are better left as they are. The loss on training examples tells the two apart. So it does where
    values are standardized, and the net may give the user's own.

    Args:
        net: A full net; it is not changed.
        examples: Its training examples.
        name: Name of the pack.
        seed: Draws the examples that are looked at.

    Raises:
        SettingsError: int8 cannot hold the net, and no training would mend it.
    """
    same, moved = deepcopy(net), deepcopy(net)
    same.standardization = examples.set.standardization
    if net.standardization != same.standardization:
        read_standardized(moved, same.standardization)
    candidates = [moved, same]
    if examples.set.targets.mean:
        candidates = [giving_standardized(each, examples.set.targets) for each in candidates] + candidates
    x, y = examples.plain(COMPARED, torch.Generator().manual_seed(seed))
    with torch.no_grad():
        losses = [float(plain_loss(each.eval()(x, 0), y)) for each in candidates]
    given = candidates[losses.index(min(losses))]
    _check_int8(given, name, x, examples.set)
    return given


@torch.no_grad()
def giving_standardized(net: ElasticNet, targets: Standardization) -> ElasticNet:
    """Return a copy of a net that gives standardized values where the net gives the user's own.

    Args:
        net: A full net.
        targets: Mean and deviation of each value.

    Raises:
        SettingsError: The last layer has no weights, or ends in more than a bias.
    """
    moved, last = deepcopy(net), net.graph.layers[-1]
    affine = moved.subnet_affines(0)[-1]
    if not isinstance(affine, UnitBias) or last.relu or last.activation:
        raise SettingsError(
            f"net: its last layer {last.name} is no plain layer with weights, and values of several units are"
            " stored in one scale: end the net in a linear layer"
        )
    mean, deviation = (torch.tensor(each, dtype=torch.float32) for each in (targets.mean, targets.deviation))
    weight = moved.weights[-1]
    weight /= deviation.view(-1, *[1] * (weight.ndim - 1))
    affine.bias.copy_((affine.bias - mean) / deviation)
    return moved


@torch.no_grad()
def _check_int8(net: ElasticNet, name: str, x: Tensor, source: DataSpec) -> None:
    """Raise `SettingsError` if a layer is constant for the examples x, as one of dead ReLUs is.

    No gradient passes such a layer. Norms measure these examples first, as they do in training: statistics of
    other data are no reason to refuse a net.
    """
    probe = deepcopy(net).train()
    for module in probe.modules():
        if isinstance(module, nn.BatchNorm1d):
            module.momentum = 1.0
    probe(x, 0)
    seen = ranges(probe, x, [99.99])[0]
    try:
        quantize(probe, name=name, ranges=seen, source=source)
    except QuantizeError as error:
        found = str(error).removesuffix(f": {REMEDY}")
        raise SettingsError(
            f"net: {found} before any training: look for ReLUs that are never above 0 or have a tiny ceiling,"
            " and for biases far from 0"
        ) from error
