"""Give a subnet that stands alone the plain order of units after its concatenations.

A concatenation writes the units of the smallest subnet first, then those that each larger one adds. Without
the smaller subnets it writes one input behind the other. So the units of its output change places, and with
them the weights and table rows of all layers that read or write units in the same order.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from reds.errors import ModelError
from reds.pack.interpreter.moves import concat_order
from reds.pack.model import MIXING, WEIGHTED, IntegerLayer, Kind, Model, Step

Order = NDArray[np.int64]
"""For each place the unit that is moved there."""
KEEPING = frozenset(Kind) - WEIGHTED - {Kind.FLATTEN, Kind.CONCAT, Kind.TRANSPOSE} | {Kind.DEPTHWISE}
"""Kinds that write the units in the order in which they read those of every input."""


def reordered(model: Model, kept: Sequence[Sequence[int]]) -> Model:
    """Return a model of one subnet with the weights and rows for the plain order of units.

    Args:
        model: The model, whose weights and rows are for the order of several subnets.
        kept: For each tensor the units that each of these subnets keeps, from the smallest one.

    Raises:
        ModelError: Layers need different orders of the same units.
    """
    joins = [[kept[i] for i in layer.inputs] for layer in model.layers if layer.kind is Kind.CONCAT]
    if all(len(concat_order(units)) == len(units) for units in joins):
        return model
    orders = _Orders(model, kept)
    orders.check()
    layers, steps = [], []
    for layer, step in zip(model.layers, model.subnets[0].steps, strict=True):
        read, written = orders.of(layer.inputs[0]), orders.of(layer.output)
        layers.append(replace(layer, weights=_weights(layer, read, written)))
        steps.append(_rows(layer, step, written))
    return replace(model, layers=tuple(layers), subnets=(replace(model.subnets[0], steps=tuple(steps)),))


class _Orders:
    """Finds the new order of the units of every tensor; tensors of one class have the same."""

    def __init__(self, model: Model, kept: Sequence[Sequence[int]]) -> None:
        self.model, self.kept = model, kept
        self.classes = list(range(len(model.tensors)))
        self.known: dict[int, Order] = {}
        for layer in model.layers:
            if self._keeps(layer):
                for tensor in layer.inputs:
                    self._join(tensor, layer.output)

    def of(self, tensor: int) -> Order:
        """Return the new order of the units of a tensor."""
        chosen = self.classes[tensor]
        if chosen not in self.known:
            self.known[chosen] = np.arange(self.model.tensors[tensor].units)  # ends a circle of classes
            members = (t for t, each in enumerate(self.classes) if each == chosen)
            wanted = [order for t in members for order in self._wanted(t)]
            self.known[chosen] = (wanted or [self.known[chosen]])[0]
        return self.known[chosen]

    def check(self) -> None:
        """Raise `ModelError` if a layer needs another order of a tensor than it has."""
        for tensor in range(len(self.classes)):
            if any(not np.array_equal(order, self.of(tensor)) for order in self._wanted(tensor)):
                raise _conflict(self.model, tensor)

    def _keeps(self, layer: IntegerLayer) -> bool:
        source, target = self.model.tensors[layer.inputs[0]], self.model.tensors[layer.output]
        return layer.kind in KEEPING and source.units == target.units

    def _join(self, one: int, other: int) -> None:
        old, new = self.classes[one], self.classes[other]
        self.classes = [new if each == old else each for each in self.classes]

    def _wanted(self, tensor: int) -> list[Order]:
        """Return the orders that the layers which write and read a tensor need; none if they take any."""
        tensors, layers = self.model.tensors, self.model.layers
        found = [self._written(layers[tensor - 1])] if tensor else []
        wanted = [order for order in found if order is not None]
        fixed = [
            layer
            for layer in layers
            if layer.kind in (Kind.TRANSPOSE, Kind.RESHAPE) and not self._keeps(layer)
        ]
        if tensor in (0, len(layers), *(t for layer in fixed for t in (*layer.inputs, layer.output))):
            wanted.append(np.arange(tensors[tensor].units))
        return wanted

    def _written(self, layer: IntegerLayer) -> Order | None:
        """Return the order in which a layer writes units if it is not free to write any."""
        if layer.kind is Kind.CONCAT:
            places = _places([self.kept[i] for i in layer.inputs])
            return np.concatenate([place[self.of(i)] for place, i in zip(places, layer.inputs, strict=True)])
        if layer.kind is Kind.FLATTEN:
            return _spread(self.of(layer.inputs[0]), self.model.tensors[layer.inputs[0]].positions)
        if layer.kind is Kind.ATTENTION:
            self._blocks(layer, layer.output)
        if layer.kind is Kind.GROUPED:
            blocks = self._blocks(layer, layer.inputs[0])
            return _spread(blocks, self.model.tensors[layer.output].units // layer.groups)
        return None

    def _blocks(self, layer: IntegerLayer, tensor: int) -> Order:
        """Return the new order of the blocks of a tensor, which must stay whole."""
        by_block = self.of(tensor).reshape(layer.groups, -1)
        blocks: Order = by_block // by_block.shape[1]
        if (blocks != blocks[:, :1]).any():
            raise _conflict(self.model, tensor)
        return blocks[:, 0]


def _places(kept: Sequence[Sequence[int]]) -> list[Order]:
    """Return for each input of a concatenation where its units lie in the output."""
    places, end = [np.zeros(units[-1], np.int64) for units in kept], 0
    for k, units in concat_order(kept):
        count = units.stop - units.start
        places[k][units] = np.arange(end, end + count)
        end += count
    return places


def _spread(order: Order, times: int) -> Order:
    """Return the order of units each of which has become several side by side."""
    return (order[:, None] * times + np.arange(times)).ravel()


def _weights(layer: IntegerLayer, read: Order, written: Order) -> NDArray[np.int8]:
    weights = layer.weights
    if layer.kind is Kind.EMBED:
        return weights[:, written]
    if layer.kind not in WEIGHTED:
        return weights
    by_tap = weights[written].reshape(len(written), layer.taps, -1)
    if layer.kind in MIXING:
        by_tap = by_tap[..., read]
    elif layer.kind is Kind.GROUPED:
        inside = read.reshape(layer.groups, 1, 1, -1) % by_tap.shape[-1]
        by_block = by_tap.reshape(layer.groups, -1, *by_tap.shape[1:])
        by_tap = np.take_along_axis(by_block, inside, axis=-1)
    return np.ascontiguousarray(by_tap.reshape(weights.shape))


def _rows(layer: IntegerLayer, step: Step, written: Order) -> Step:
    if layer.kind not in WEIGHTED | {Kind.PRELU, Kind.LAYER_NORM}:
        return step
    rows = np.append(written, np.arange(len(written), len(step.bias)))  # an epsilon stays the last
    return replace(step, bias=step.bias[rows], multiplier=step.multiplier[rows])


def _conflict(model: Model, tensor: int) -> ModelError:
    return ModelError(
        f"subnet {model.subnets[0].name} cannot stand alone: its layers need the units of tensor {tensor} in"
        " different orders; keep the smaller subnets with it"
    )
