"""From a trained elastic net to the integer network: int8 weights shared, tables per subnet.

Every weight row has one scale for all subnets. What a subnet owns (its norms, its activation scales, the
zero points of what it reads) is folded into one bias and one multiplier a row:
`y_q = zero + round((sum W_q x_q + bias) * multiplier / 2^32)`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from reds import narrow
from reds.chain import Layer, Widths
from reds.elastic import Bias, ElasticNet
from reds.model import LIMIT, Model, ModelError, Step, Subnet
from reds.model import Layer as IntLayer
from reds.model import Tensor as IntTensor
from reds.rules import check

Floats = NDArray[np.float64]


class QuantiseError(ModelError):
    """A layer cannot be expressed in the integer arithmetic."""


@dataclass(frozen=True)
class Scale:
    """`real = (q - zero) * scale - mean`; mean is 0 but at the input."""

    scale: float
    zero: int
    mean: Floats


def quantise(
    name: str, net: ElasticNet, labels: Sequence[str], calibration: Tensor, percentile: float,
    scale: float, zero: int,
) -> Model:  # fmt: skip
    """The integer model of a trained net, its subnets named by `labels`.

    `calibration` are real training features float32 [N, features]: each subnet's activation scales cover
    `percentile` % of what it computes on them. Inputs are stored as `real = (q - zero) * scale`.
    Raises `QuantiseError` if a table leaves its 16 bits.
    """
    net.eval()
    weights = [weight.detach().double().numpy() for weight in net.weights]
    weights[0] = weights[0] / net.std.double().numpy()
    row_scales = [np.maximum(np.abs(w).max(1), 1e-12) / LIMIT for w in weights]
    shared = [np.rint(w / s[:, None]).astype(np.int8) for w, s in zip(weights, row_scales, strict=True)]
    subnets = []
    for index, (label, widths) in enumerate(zip(labels, net.widths, strict=True)):
        with torch.no_grad():
            seen = net.trace(calibration, index)
        scales = [Scale(scale, zero, net.mean.double().numpy())]
        outputs = zip(net.chain.layers, seen[1:], strict=True)
        scales += [output_scale(layer, y, percentile) for layer, y in outputs]
        steps = tuple(
            fold(layer, widths, q, s, after, scales[layer.inputs[0]], scales[layer.output])
            for layer, q, s, after in zip(
                net.chain.layers, shared, row_scales, net.subnet_tails(index), strict=True
            )
        )
        subnets.append(Subnet(label, net.chain.macs(widths), steps, scales[-1].scale))
    layers = [
        IntLayer(layer.kind, layer.inputs, layer.output, q, layer.relu)
        for layer, q in zip(net.chain.layers, shared, strict=True)
    ]
    tensors = [IntTensor(t.height, t.width, net.chain.full[t.group] * t.copies) for t in net.chain.tensors]
    model = Model(name, tuple(tensors), tuple(layers), tuple(subnets), scale, zero)
    check(model)
    return model


def output_scale(layer: Layer, y: Tensor, percentile: float) -> Scale:
    """How a subnet stores what a layer writes: from zero up after a ReLU, else the whole range."""
    values = y.double().numpy()
    low, high = np.percentile(values, [100 - percentile, percentile])
    low, high = (0.0 if layer.relu else min(float(low), 0.0)), max(float(high), 1e-6)
    scale = (high - low) / (2 * LIMIT)
    return Scale(scale, round(-LIMIT - low / scale), np.zeros(1))


def fold(
    layer: Layer, widths: Widths, shared: NDArray[np.int8], row_scales: Floats, after: nn.Module,
    source: Scale, target: Scale,
) -> Step:  # fmt: skip
    """Bias and multiplier of every row that a subnet writes in one layer."""
    out, columns = widths[layer.writes], widths[layer.reads] * layer.copies
    weights, rows = shared[:out, :columns], row_scales[:out] * source.scale
    gain, shift = affine(after)
    exact = gain * rows / target.scale * 2**32
    zeros = weights @ (source.zero + np.broadcast_to(source.mean / source.scale, columns))
    try:
        bias, multiplier = narrow.table(exact, shift / target.scale, zeros, weights)
    except narrow.NarrowError as error:
        text = f"{layer.name}: its table does not fit 16 bits ({error}), its output is almost constant"
        raise QuantiseError(text) from None
    return Step(columns, out, bias, multiplier, target.zero)


def affine(after: nn.Module) -> tuple[Floats, Floats]:
    """What follows a layer at inference, as gain and shift of every row."""
    if isinstance(after, Bias):
        return np.ones(len(after.bias)), after.bias.detach().double().numpy()
    assert isinstance(after, nn.BatchNorm1d)
    assert after.running_mean is not None
    assert after.running_var is not None
    gain = (after.weight / (after.running_var + after.eps).sqrt()).detach().double().numpy()
    return gain, after.bias.detach().double().numpy() - gain * after.running_mean.double().numpy()
