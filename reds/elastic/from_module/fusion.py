"""Find the batch norm and the ReLU that fuse into the layer before them.

A layer of a graph ends in its norm and its ReLU. Nodes fuse only if nothing else reads the values between
them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import inf
from typing import Any

from torch import Tensor, fx, nn

from reds.elastic.from_module.operations import reject, relu_ceiling

Norm = nn.BatchNorm1d | nn.BatchNorm2d


@dataclass(frozen=True)
class Fused:
    """Hold the nodes that fuse into one layer."""

    nodes: tuple[fx.Node, ...] = ()
    norm: Norm | None = None
    relu: bool = False
    ceiling: float = inf
    """Largest output of the ReLU."""


def fused_into(
    node: fx.Node, values: Mapping[fx.Node, Any], modules: Mapping[fx.Node, nn.Module | None], *, norm: bool
) -> Fused:
    """Return the batch norm and the ReLUs that fuse into the layer of a node.

    A max pool or a flatten may lie before the ReLU, since the order makes no difference to the result.

    Args:
        node: The node of the layer: a convolution, a dense layer or an addition.
        values: The value of every node for one batch.
        modules: The operation of every node, from `as_module`.
        norm: Whether a batch norm can fuse into this layer.

    Raises:
        NotElasticError: A batch norm keeps no statistics.
    """
    nodes, found, relu, ceiling = [], None, False, inf
    while len(readers := _readers(node, values)) == 1:
        node = readers[0]
        match modules[node]:
            case nn.BatchNorm1d() | nn.BatchNorm2d() as module if norm:
                if module.running_mean is None:
                    reject(node, module, "keeps no statistics", "use track_running_stats=True")
                found, norm = module, False
                nodes.append(node)
            case nn.MaxPool2d() | nn.AdaptiveMaxPool2d() | nn.Flatten():
                norm = False
            case nn.Identity() | nn.Dropout() | nn.Dropout1d() | nn.Dropout2d():
                pass
            case module if (top := relu_ceiling(module)) is not None:
                relu, norm, ceiling = True, False, min(ceiling, top)
                nodes.append(node)
            case _:
                break
    return Fused(tuple(nodes), found, relu, ceiling)


def _readers(node: fx.Node, values: Mapping[fx.Node, Any]) -> list[fx.Node]:
    """Return the nodes that read a node's value, and not only its shape."""
    return [user for user in node.users if isinstance(values[user], Tensor) or user.op == "output"]
