"""Quantize the weights of a layer, which all subnets share."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from reds.graph import Layer
from reds.pack.model import LIMIT, MIXING, Kind
from reds.pack.scale import Floats
from reds.quantization.subnet_order import Indices


@dataclass(frozen=True)
class SharedWeights:
    """The weights of one layer of the full network."""

    stored: NDArray[np.int8]
    """In the integer network's order, int8 [output units, fan-in]; of an embedding [positions, units]."""
    scales: Floats
    """Scale of the weights of each output unit, float64 [output units]; of an embedding one for all. A PReLU
    has its slopes here."""


def shared_weights(
    layer: Layer, weight: Tensor, rows: Indices, columns: Indices, deviation: Floats
) -> SharedWeights:
    """Return the int8 weights of a layer.

    Args:
        layer: The layer.
        weight: Its full float weights.
        rows: The order of the units that it writes.
        columns: The order of the units that it reads.
        deviation: What divides each value that it reads, float64 [fan-in] or [1].
    """
    values = weight.detach().double()
    if values.numel():
        values = values[torch.from_numpy(rows)]
    if layer.kind is Kind.PRELU:
        return SharedWeights(np.zeros((0, 0), np.int8), values.numpy())
    if layer.kind in MIXING:
        values = values[:, torch.from_numpy(columns)]
    exact = integer_order(layer.kind, values) / deviation
    largest = np.abs(exact).max(None if layer.kind is Kind.EMBED else 1, initial=0)
    scales = np.atleast_1d(np.maximum(largest, 1e-12) / LIMIT)
    return SharedWeights(np.rint(exact / scales[:, None]).astype(np.int8), scales)


def integer_order(kind: Kind, weight: Tensor) -> Floats:
    """Return weights float64 [output units, fan-in] in the integer network's order: input units innermost."""
    if not weight.numel():
        return np.zeros((0, 0))
    if kind is Kind.EMBED:
        weight = weight.T
    if kind is Kind.TRANSPOSED:
        weight = weight.flip(2, 3)
    if weight.ndim == 4:
        weight = weight.permute(0, 2, 3, 1).flatten(1)
    return np.asarray(weight.numpy())
