"""Convert the nodes of a traced torch module to the layers of a `Graph`.

The builder merges the unit groups that have to be cut together. Every node that no layer can compute is
rejected with its place in the user's module and a remedy.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NoReturn

from torch import Tensor, fx, nn

from reds.elastic.from_module.fusion import Fused, Norm, fused_into
from reds.elastic.from_module.operations import Add, reject, relu_ceiling, user_name
from reds.elastic.from_module.windows import padding, pair, pool_kind
from reds.errors import GraphError
from reds.graph import Graph, Padding
from reds.graph.builder import Builder

Weighted = nn.Conv2d | nn.Linear
SUPPORTED = (
    "an elastic net is made of conv (plain or depthwise), linear, batch norm, ReLU (also with a ceiling, as"
    " ReLU6 or clamp(0, 4)), max and average pools, flatten and residual adds; replace it, or do it outside"
    " the net"
)


class GraphConverter:
    """Add one layer for each node that computes one, in the order the nodes run.

    Attributes:
        weights: The user's module and batch norm that a layer's weights come from, by the layer's output
            tensor.
    """

    def __init__(self, values: Mapping[fx.Node, Any], modules: Mapping[fx.Node, nn.Module | None]) -> None:
        """Convert nodes with these `values` for one batch and these operations (`as_module`)."""
        self.values, self.modules = values, modules
        self.weights: dict[int, tuple[Weighted, Norm | None]] = {}
        self._tensors: dict[fx.Node, int] = {}
        """The tensor of the graph that holds a node's value."""
        self._names: dict[int, str] = {}
        """Names of layers, by their output tensor."""
        self._fused: set[fx.Node] = set()
        """Batch norms and ReLUs that are part of the layer before them."""
        self._padded: dict[fx.Node, Padding] = {}
        """Nodes that pad with zeros, which is part of the convolution after them."""

    def convert(self, traced: fx.Graph) -> Graph:
        """Return the graph of all layers. Raises `NotElasticError`."""
        for node in traced.nodes:
            if node.op == "placeholder":
                shape = self.values[node].shape
                self._builder = Builder(shape[1], *shape[2:])
                self._tensors[node] = self._builder.input
            elif node.op == "output":
                self._check_output(node)
            elif isinstance(self.values[node], Tensor):
                try:
                    tensor = self._tensors[node] = self._convert(node, self.modules[node])
                except GraphError as error:
                    self._reject(node, "does not fit its input", str(error))
                self._names.setdefault(tensor, user_name(node, self.modules[node]))
        graph = self._builder.build()
        named = tuple(replace(layer, name=self._names[layer.output]) for layer in graph.layers)
        return replace(graph, layers=named)

    def _convert(self, node: fx.Node, module: nn.Module | None) -> int:
        """Return the tensor that holds a node's value: the output of a new layer, or the node's input."""
        if node.op == "get_attr":
            remedy = "use nn.Conv2d, nn.Linear and batch norms"
            self._reject(node, "is a tensor that no layer holds", remedy)
        if module is None or not node.all_input_nodes:
            self._reject(node, "is no layer of an elastic net", SUPPORTED)
        x = self._tensors[node.all_input_nodes[0]]
        padded = [each for each in node.all_input_nodes if each in self._padded]
        if padded and not isinstance(module, nn.Conv2d | nn.ZeroPad2d):
            self._reject(node, f"reads {padded[0].name}, which pads", "pad before a convolution only")
        match module:
            case nn.ZeroPad2d():
                return self._pad(node, module, x)
            case nn.Conv2d():
                return self._conv(node, module, x)
            case nn.Linear():
                return self._linear(node, module, x)
            case nn.MaxPool2d() | nn.AvgPool2d():
                return self._pool(node, module, x)
            case nn.AdaptiveMaxPool2d() | nn.AdaptiveAvgPool2d():
                return self._adaptive_pool(node, module, x)
            case nn.Flatten():
                return self._flatten(node, x)
            case Add():
                return self._add(node)
            case nn.Dropout() if module.training:
                self._reject(node, "drops at inference too", "pass training=self.training")
            case nn.Identity() | nn.Dropout() | nn.Dropout1d() | nn.Dropout2d():
                return x
            case nn.BatchNorm1d() | nn.BatchNorm2d():
                return self._check_fused(node, x, "conv or linear")
            case _ if relu_ceiling(module) is not None:
                return self._check_fused(node, x, "conv, linear, norm or add")
            case _:
                self._reject(node, "is no layer of an elastic net", SUPPORTED)

    def _check_fused(self, node: fx.Node, x: int, predecessor: str) -> int:
        """Return the output tensor of the layer that a batch norm or a ReLU is fused into."""
        if node not in self._fused:
            remedy = f"place it after a {predecessor} whose output nothing else reads"
            self._reject(node, "cannot be fused into a layer", remedy)
        return x

    def _conv(self, node: fx.Node, module: nn.Conv2d, x: int) -> int:
        depthwise = 1 < module.groups == module.in_channels == module.out_channels
        if module.groups > 1 and not depthwise:
            remedy = "use groups=1, or groups=in_channels=out_channels (depthwise)"
            self._reject(node, f"has {module.groups} groups", remedy)
        if pair(module.dilation) != (1, 1) or module.padding_mode != "zeros":
            self._reject(
                node, "is dilated or pads with other values than zeros", "use dilation=1 and zero padding"
            )
        fused = self._fuse(node)
        window = pair(module.kernel_size), pair(module.stride), self._sides(node, padding(module))
        ending = fused.relu, fused.norm is not None, fused.ceiling
        if depthwise:
            tensor = self._builder.depthwise(x, *window, *ending)
        else:
            tensor = self._builder.conv(x, module.out_channels, *window, *ending)
        self.weights[tensor] = module, fused.norm
        return tensor

    def _pad(self, node: fx.Node, module: nn.ZeroPad2d, x: int) -> int:
        """Note the padding for the convolution that reads it."""
        left, right, top, bottom = module.padding
        if min(module.padding) < 0:
            self._reject(node, "cuts its input", "pad with 0 or more rows and columns")
        self._padded[node] = self._sides(node, (top, left, bottom, right))
        return x

    def _sides(self, node: fx.Node, own: Padding) -> Padding:
        """Return the padding of a node together with that of its input."""
        before = self._padded.get(node.all_input_nodes[0], (0, 0, 0, 0))
        top, left, bottom, right = (a + b for a, b in zip(before, own, strict=True))
        return top, left, bottom, right

    def _linear(self, node: fx.Node, module: nn.Linear, x: int) -> int:
        if self.values[node].ndim != 2:
            self._reject(node, "reads an input that is not [N, features]", "flatten before it")
        fused = self._fuse(node)
        tensor = self._builder.dense(
            x, module.out_features, fused.relu, fused.norm is not None, fused.ceiling
        )
        self.weights[tensor] = module, fused.norm
        return tensor

    def _pool(self, node: fx.Node, module: nn.MaxPool2d | nn.AvgPool2d, x: int) -> int:
        before, after = self._pooled(node)
        kernel, stride = pair(module.kernel_size), pair(module.stride)
        if pair(module.padding) != (0, 0):
            self._reject(node, "pads", "pool without padding, or let a conv have the stride")
        if getattr(module, "divisor_override", None) or pair(getattr(module, "dilation", 1)) != (1, 1):
            self._reject(node, "is dilated or has a divisor of its own", "use neither")
        if after != tuple((n - k) // s + 1 for n, k, s in zip(before, kernel, stride, strict=True)):
            self._reject(node, "has windows that reach over the edge", "use ceil_mode=False")
        return self._builder.pool(x, kernel, stride, pool_kind(module))

    def _adaptive_pool(self, node: fx.Node, module: nn.Module, x: int) -> int:
        before, after = self._pooled(node)
        if any(n % m for n, m in zip(before, after, strict=True)):
            self._reject(node, "has windows of different sizes", f"pool to sides that divide {before}")
        down, across = (n // m for n, m in zip(before, after, strict=True))
        return self._builder.pool(x, (down, across), kind=pool_kind(module))

    def _flatten(self, node: fx.Node, x: int) -> int:
        """Add a layer for a flatten to [N, units * positions]; adding or dropping 1 x 1 sides needs none."""
        before, after = (self.values[each] for each in (node.all_input_nodes[0], node))
        units = before.shape[:2]
        if after.shape == before.shape or (after.shape[:2] == units and before.numel() == units.numel()):
            return x
        if after.shape != before.flatten(1).shape:
            reason = f"reshapes {[*before.shape]} to {[*after.shape]}"
            self._reject(node, reason, "flatten to [N, features] only")
        return self._builder.flatten(x)

    def _add(self, node: fx.Node) -> int:
        read = [arg for arg in (*node.args, *node.kwargs.values()) if isinstance(arg, fx.Node)]
        shapes = [[*self.values[arg].shape] for arg in read]
        if len(shapes) != 2 or shapes[0] != shapes[1]:
            self._reject(node, f"adds {shapes}", "add two tensors of one shape")
        fused = self._fuse(node, norm=False)
        return self._builder.add(self._tensors[read[0]], self._tensors[read[1]], fused.relu, fused.ceiling)

    def _fuse(self, node: fx.Node, norm: bool = True) -> Fused:
        fused = fused_into(node, self.values, self.modules, norm=norm)
        self._fused.update(fused.nodes)
        return fused

    def _check_output(self, node: fx.Node) -> None:
        (last,) = node.args
        if not isinstance(last, fx.Node) or not self._tensors.get(last) or self.values[last].ndim != 2:
            self._reject(node, "is not the [N, classes] of one layer", "return the logits alone")

    def _pooled(self, node: fx.Node) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Return rows and columns before and after a pool."""
        before, after = self.values[node.all_input_nodes[0]].shape, self.values[node].shape
        if len(before) != 4:
            self._reject(node, f"pools {[*before]}", "pool [N, units, height, width] only")
        return tuple(before[2:]), tuple(after[2:]) or (1, 1)

    def _reject(self, node: fx.Node, reason: str, remedy: str) -> NoReturn:
        reject(node, self.modules[node], reason, remedy)
