"""A chain's tensors and layers as a pack holds them: what all subnets share, and whether a pack can."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from reds.chain import Chain
from reds.model import WEIGHTED, Layer, Tensor
from reds.rules import check_net


def tensors_of(chain: Chain) -> tuple[Tensor, ...]:
    """Of the full net."""
    return tuple(Tensor(t.height, t.width, chain.full[t.group] * t.copies) for t in chain.tensors)


def layers_of(chain: Chain, weights: Sequence[NDArray[np.int8]]) -> tuple[Layer, ...]:
    """Each layer with its weights [units out, fan in], units in innermost; none where it has no weights."""
    return tuple(
        Layer(
            layer.kind, layer.inputs, layer.output, own, layer.relu, layer.kernel, layer.stride, layer.padding
        )
        for layer, own in zip(chain.layers, weights, strict=True)
    )


def check_fits(chain: Chain) -> None:
    """Raise `ModelError` if no pack can hold the chain, whatever its weights are."""
    zeros = []
    for layer in chain.layers:
        rows = chain.full[layer.writes] if layer.kind in WEIGHTED else 0
        zeros.append(np.zeros((rows, layer.weights(chain.full) // max(rows, 1)), np.int8))
    check_net(tensors_of(chain), layers_of(chain, zeros))
