"""Take the part of a layer that a subnet uses: the first units of every group that it reads and writes."""

import torch
from torch import Tensor, nn

from reds.elastic.affine import UnitAffine, UnitBias
from reds.graph import Graph, Layer, Spans, Widths, channels, kept_channels
from reds.pack.model import MIXING, WEIGHTED, Kind

ROWS = WEIGHTED | {Kind.PRELU, Kind.EMBED}
"""Kinds with a row of float weights for each channel written."""


def kept(graph: Graph, spans: Spans, widths: Widths) -> slice | Tensor:
    """Return the channels that a subnet keeps of a tensor: a slice where they are the first ones.

    Args:
        graph: The full network.
        spans: The spans of the tensor.
        widths: Units that the subnet keeps in each unit group.
    """
    whole = all(widths[span.group] == graph.full[span.group] for span in spans[:-1])
    if whole:
        return slice(channels(spans, widths))
    return torch.from_numpy(kept_channels(spans, graph.full, widths))


def active_weight(graph: Graph, layer: Layer, weight: Tensor, widths: Widths) -> Tensor:
    """Return the part of a layer's full weights that a subnet uses, a view where units are the first ones.

    Args:
        graph: The full network.
        layer: The layer.
        weight: Its full weights, of `weight_shape`.
        widths: Units that the subnet keeps in each unit group.

    Returns:
        Weights [output channels, input channels, ...].
    """
    if layer.kind not in ROWS:
        return weight
    rows = weight[kept(graph, layer.writes, widths)]
    return rows[:, kept(graph, layer.reads, widths)] if layer.kind in MIXING else rows


def affine_after(layer: Layer, widths: Widths) -> nn.Module:
    """Return a new affine map after a layer: batch norm, bias, or identity if the layer has neither.

    Args:
        layer: The layer.
        widths: Units that the subnet keeps in each unit group.
    """
    units = channels(layer.writes, widths)
    if layer.kind is Kind.LAYER_NORM:
        return UnitAffine(units)
    if layer.kind not in WEIGHTED:
        return nn.Identity()
    return nn.BatchNorm1d(units) if layer.norm else UnitBias(units)
