"""Measure what a net knows without a block: the share of importance that the block's identity has."""

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from reds.elastic.loss import plain_loss
from reds.elastic.net import ElasticNet, nest
from reds.errors import SettingsError
from reds.graph import Widths
from reds.graph.subnets import Budget, SubnetSpec

Batch = tuple[Tensor, Tensor]


class Identities:
    """Sum the loss of the full net, and of the net without each block, over minibatches that pass."""

    def __init__(self, net: ElasticNet) -> None:
        graph = net.graph
        self._graph, self._count = graph, 0
        inside = [
            {g for other in graph.blocks if other.add in block.layers for g in other.groups}
            for block in graph.blocks
        ]
        widths = [tuple(0 if g in groups else n for g, n in enumerate(graph.full)) for groups in inside]
        self._nets = [_alone(net, each) for each in (graph.full, *widths)]
        self._losses = np.zeros(len(self._nets))

    def watch(self, batches: Iterator[Batch]) -> Iterator[Batch]:
        """Give each minibatch of features float32 [N, features] and labels int64 [N] after its losses."""
        for x, y in batches:
            with torch.no_grad():
                self._losses += [adapted_loss(net, x, y) for net in self._nets]
            self._count += 1
            yield x, y

    def shares(self, rest: Iterator[Batch]) -> NDArray[np.float64]:
        """Return for each group the share of its importance that the identity beside its block has.

        It is the share that is left without the block of the probability that the net gives to the right
        answer, as a geometric mean over the examples. The groups of a block have it in equal factors.

        Args:
            rest: The minibatches that nobody has taken from `watch`.
        """
        for _ in rest:
            pass
        if not self._count:
            raise SettingsError("batches: none is given, but `depth` needs one or more")
        whole, *without = self._losses / self._count
        shares = np.zeros(len(self._graph.groups))
        for block, loss in zip(self._graph.blocks, without, strict=True):
            shares[list(block.groups)] = np.exp(min(whole - loss, 0.0) / len(block.groups))
        return shares


def _alone(net: ElasticNet, widths: Widths) -> ElasticNet:
    return nest(net, [SubnetSpec("alone", Budget(), widths)]).eval()


def adapted_loss(net: ElasticNet, x: Tensor, y: Tensor) -> float:
    """Return the loss with the norms of the minibatch, as a subnet's own norms would have them."""
    for module in net.modules():
        if isinstance(module, nn.BatchNorm1d):
            module.train(len(x) > 1)
    return float(plain_loss(net(x, 0), y))
