"""From the nodes of a traced graph to the layers of a chain.

A layer of a chain ends in its norm and its ReLU: these nodes join the layer that they follow, if nothing else
reads what they read. The builder merges the groups that must be cut together.
"""

from collections.abc import Mapping
from dataclasses import replace
from math import inf
from typing import Any, NoReturn

from torch import Tensor, fx, nn

from reds.elastic.from_module.operations import Add, ceiling, refuse
from reds.errors import GraphError
from reds.graph import Graph, Padding
from reds.graph.builder import Builder
from reds.pack.model import Kind

Weighted = nn.Conv2d | nn.Linear
Norm = nn.BatchNorm1d | nn.BatchNorm2d
MADE_OF = (
    "an elastic net is made of conv (plain or depthwise), linear, batch norm, ReLU (also with a ceiling, as"
    " ReLU6 or clamp(0, 4)), max and average pools, flatten and residual adds; replace it, or do it outside"
    " the net"
)


class Walk:
    """Adds the layer of every node, in the order they run.

    `values` are those of every node for one batch, `operations` what it computes (`nodes.operation`).
    Afterwards `weights` says what each layer's weights come from, by the tensor that it writes.
    """

    def __init__(self, values: Mapping[fx.Node, Any], operations: Mapping[fx.Node, nn.Module | None]) -> None:
        self.values, self.operations = values, operations
        self.weights: dict[int, tuple[Weighted, Norm | None]] = {}
        self._tensors: dict[fx.Node, int] = {}
        """The tensor of the chain that holds what a node writes."""
        self._names: dict[int, str] = {}
        """Of layers, by the tensor that they write."""
        self._joined: set[fx.Node] = set()
        """Norms and ReLUs that the layers before them end in."""

    def graph(self, traced: fx.Graph) -> Graph:
        """The whole graph. Raises `NotElasticError`."""
        for node in traced.nodes:
            if node.op == "placeholder":
                if self._tensors:
                    self._refuse(node, "is a second input", "give forward one parameter")
                shape = self.values[node].shape
                self._builder = Builder(shape[1], *shape[2:])
                self._tensors[node] = self._builder.input
            elif node.op == "output":
                self._check_output(node)
            elif isinstance(self.values[node], Tensor):
                try:
                    tensor = self._tensors[node] = self._write(node, self.operations[node])
                except GraphError as error:
                    self._refuse(node, "does not fit what it reads", str(error))
                self._names.setdefault(tensor, node.name)
        graph = self._builder.build()
        named = tuple(replace(layer, name=self._names[layer.output]) for layer in graph.layers)
        return replace(graph, layers=named)

    def _write(self, node: fx.Node, op: nn.Module | None) -> int:
        """The tensor that holds what a node writes: of a new layer, or the one that it reads."""
        if node.op == "get_attr":
            self._refuse(node, "is a tensor that no layer holds", "use nn.Conv2d, nn.Linear and batch norms")
        if op is None or not node.all_input_nodes:
            self._refuse(node, "is no layer of a chain", MADE_OF)
        x = self._tensors[node.all_input_nodes[0]]
        match op:
            case nn.Conv2d():
                return self._conv(node, op, x)
            case nn.Linear():
                return self._linear(node, op, x)
            case nn.MaxPool2d() | nn.AvgPool2d():
                return self._pool(node, op, x)
            case nn.AdaptiveMaxPool2d() | nn.AdaptiveAvgPool2d():
                return self._adaptive_pool(node, op, x)
            case nn.Flatten():
                return self._flatten(node, x)
            case Add():
                return self._add(node)
            case nn.Dropout() if op.training:
                self._refuse(node, "drops at inference too", "pass training=self.training")
            case nn.Identity() | nn.Dropout() | nn.Dropout1d() | nn.Dropout2d():
                return x
            case nn.BatchNorm1d() | nn.BatchNorm2d():
                return self._join(node, x, "conv or linear")
            case _ if ceiling(op) is not None:
                return self._join(node, x, "conv, linear, norm or add")
            case _:
                self._refuse(node, "is no layer of a chain", MADE_OF)

    def _join(self, node: fx.Node, x: int, follows: str) -> int:
        """What the layer writes that this node ends."""
        if node not in self._joined:
            self._refuse(node, "cannot join a layer", f"let it follow a {follows} that only it reads")
        return x

    def _conv(self, node: fx.Node, op: nn.Conv2d, x: int) -> int:
        depthwise = 1 < op.groups == op.in_channels == op.out_channels
        if op.groups > 1 and not depthwise:
            self._refuse(node, f"has {op.groups} groups", "use one, or depthwise one for every unit")
        if _pair(op.dilation) != (1, 1) or op.padding_mode != "zeros":
            self._refuse(node, "is dilated or pads with other than zeros", "use neither")
        norm, relu, top = self._ending(node)
        how = _pair(op.kernel_size), _pair(op.stride), _sides(op), relu, norm is not None, top
        tensor = (
            self._builder.depthwise(x, *how) if depthwise else self._builder.conv(x, op.out_channels, *how)
        )
        self.weights[tensor] = op, norm
        return tensor

    def _linear(self, node: fx.Node, op: nn.Linear, x: int) -> int:
        if self.values[node].ndim != 2:
            self._refuse(node, "reads more than features", "flatten before it")
        norm, relu, top = self._ending(node)
        tensor = self._builder.dense(x, op.out_features, relu, norm is not None, top)
        self.weights[tensor] = op, norm
        return tensor

    def _pool(self, node: fx.Node, op: nn.MaxPool2d | nn.AvgPool2d, x: int) -> int:
        kernel, stride = _pair(op.kernel_size), _pair(op.stride)
        if _pair(op.padding) != (0, 0):
            self._refuse(node, "pads", "pool without padding, or let a conv have the stride")
        if getattr(op, "divisor_override", None) or _pair(getattr(op, "dilation", 1)) != (1, 1):
            self._refuse(node, "is dilated or divides by a number of its own", "use neither")
        before, after = self._sites(node.all_input_nodes[0]), self._sites(node)
        if after != tuple((n - k) // s + 1 for n, k, s in zip(before, kernel, stride, strict=True)):
            self._refuse(node, "has windows that reach over the edge", "use ceil_mode=False")
        return self._builder.pool(x, kernel, stride, _kind(op))

    def _adaptive_pool(self, node: fx.Node, op: nn.Module, x: int) -> int:
        before, after = self._sites(node.all_input_nodes[0]), self._sites(node) or (1, 1)
        if any(n % m for n, m in zip(before, after, strict=True)):
            self._refuse(node, "has windows of different sizes", f"pool to sides that divide {before}")
        down, across = (n // m for n, m in zip(before, after, strict=True))
        return self._builder.pool(x, (down, across), kind=_kind(op))

    def _flatten(self, node: fx.Node, x: int) -> int:
        """New sides: [N, units * sites], or 1 x 1 sites there or not."""
        before, after = (self.values[each] for each in (node.all_input_nodes[0], node))
        units = before.shape[:2]
        if after.shape == before.shape or (after.shape[:2] == units and before.numel() == units.numel()):
            return x
        if after.shape != before.flatten(1).shape:
            self._refuse(
                node, f"makes {[*after.shape]} of {[*before.shape]}", "flatten to [N, features] only"
            )
        return self._builder.flatten(x)

    def _add(self, node: fx.Node) -> int:
        read = [arg for arg in (*node.args, *node.kwargs.values()) if isinstance(arg, fx.Node)]
        shapes = [[*self.values[arg].shape] for arg in read]
        if len(shapes) != 2 or shapes[0] != shapes[1]:
            self._refuse(node, f"adds {shapes}", "add two tensors of one shape")
        _, relu, top = self._ending(node, normed=True)
        return self._builder.add(self._tensors[read[0]], self._tensors[read[1]], relu, top)

    def _ending(self, node: fx.Node, normed: bool = False) -> tuple[Norm | None, bool, float]:
        """The norm of a layer, unless it is `normed` already, whether it has a ReLU, and where that stops.

        All of these join it. A maximum and a flatten may come before the ReLU: in either order they do the
        same.
        """
        norm, relu, top = None, False, inf
        while len(readers := self._readers(node)) == 1:
            node = readers[0]
            match self.operations[node]:
                case nn.BatchNorm1d() | nn.BatchNorm2d() as after if not normed:
                    if after.running_mean is None:
                        self._refuse(node, "keeps no statistics", "use track_running_stats=True")
                    norm, normed = after, True
                    self._joined.add(node)
                case nn.MaxPool2d() | nn.AdaptiveMaxPool2d() | nn.Flatten():
                    normed = True
                case nn.Identity() | nn.Dropout() | nn.Dropout1d() | nn.Dropout2d():
                    pass
                case after if (stop := ceiling(after)) is not None:
                    relu, normed, top = True, True, min(top, stop)
                    self._joined.add(node)
                case _:
                    break
        return norm, relu, top

    def _readers(self, node: fx.Node) -> list[fx.Node]:
        """Who reads a node's value, and not only its shape."""
        return [user for user in node.users if isinstance(self.values[user], Tensor) or user.op == "output"]

    def _check_output(self, node: fx.Node) -> None:
        (last,) = node.args
        if not isinstance(last, fx.Node) or not self._tensors.get(last) or self.values[last].ndim != 2:
            self._refuse(node, "is not what one layer writes as [N, classes]", "return the logits alone")

    def _sites(self, node: fx.Node) -> tuple[int, ...]:
        return tuple(self.values[node].shape[2:])

    def _refuse(self, node: fx.Node, why: str, what_to_do: str) -> NoReturn:
        refuse(node, self.operations[node], why, what_to_do)


def _pair(value: Any) -> tuple[int, int]:
    down, across = value if isinstance(value, tuple | list) else (value, value)
    return int(down), int(across)


def _kind(op: nn.Module) -> Kind:
    return Kind.MAX_POOL if isinstance(op, nn.MaxPool2d | nn.AdaptiveMaxPool2d) else Kind.AVERAGE_POOL


def _sides(op: nn.Conv2d) -> Padding:
    """Of a convolution's padding; torch's `same`, too, has the smaller half first."""
    if op.padding == "same":
        down, across = _pair(op.kernel_size)
        return (down - 1) // 2, (across - 1) // 2, down // 2, across // 2
    return _pair(0 if op.padding == "valid" else op.padding) * 2
