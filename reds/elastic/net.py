"""Define the elastic net: subnets are views of one weight set, each with its own per-unit affine maps.

An elastic layer is the ordinary layer plus active widths. The first units of a group are the most important
ones, so a subnet's weights are the top left corner of the full net's. Each subnet owns its batch norms and
biases, as in slimmable networks; REDS (arXiv 2311.13349) shares one norm, which `nest` offers too. Both fold
into per-unit biases and multipliers at quantization, so that all subnets share the int8 weights.
"""

from collections.abc import Sequence
from math import prod
from typing import Literal

import torch
import torch.nn.functional as F  # noqa: N812, the field's name for it
from torch import Tensor, nn

from reds.elastic.activations import activate
from reds.elastic.active import active_weight, affine_after, kept
from reds.elastic.affine import SharedNorm
from reds.elastic.layers import apply_relu, run_layer, weight_shape
from reds.elastic.torch_defaults import torch_defaults
from reds.errors import DataError, GraphError, SettingsError
from reds.graph import Graph, Layer, Widths
from reds.graph.subnets import SubnetSpec, full_subnet
from reds.pack.model import Kind
from reds.pack.scale import UNCHANGED
from reds.rules import check_kind
from reds.text import shown


class ElasticNet(nn.Module):
    """Hold one weight set, and for each subnet the affine maps (batch norms and biases) that it owns.

    Inputs are real features float32 [N, features], spatial positions in order and units innermost, or
    [N, height, width, units].

    `standardization` says how these features are made from the user's own, if they are standardized.

    If dense layers read the input, `mean` and `std` [features] standardize it, and quantization folds them
    into those layers. Otherwise `mean` [1] stays 0 and `std` [1] stays 1: padding writes the stored zero,
    which a folded mean would turn into another value at the edges, and the batch norm after a first
    convolution makes the scale of its input irrelevant.
    """

    @torch_defaults()
    def __init__(self, graph: Graph, subnets: Sequence[SubnetSpec] = (), dropout: float = 0.0) -> None:
        super().__init__()
        self.graph, self.dropout, self.standardization = graph, dropout, UNCHANGED
        self.heads: tuple[tuple[str, int], ...] = ()
        self.subnets = tuple(subnets) or (full_subnet(graph),)
        shapes = [weight_shape(graph, layer) for layer in graph.layers]
        self.weights = nn.ParameterList(map(_initial_weight, graph.layers, shapes))
        self.affines = nn.ModuleList(nn.ModuleList(_affines(graph, subnet.widths)) for subnet in self.subnets)
        flat = all(layer.kind is Kind.DENSE for layer in graph.layers if 0 in layer.inputs)
        features = graph.tensors[0].channels(graph.full) if flat else 1
        self.mean, self.std = nn.Buffer(torch.zeros(features)), nn.Buffer(torch.ones(features))

    def forward(self, x: Tensor, subnet: int) -> Tensor:
        """Return the logits float32 [N, classes] of one subnet."""
        return self.trace(x, subnet, keep=False)[-1].flatten(1)

    def trace(self, x: Tensor, subnet: int, keep: bool = True) -> list[Tensor]:
        """Return every tensor that one subnet computes: the input, then the output of each layer.

        Each is float32 [N, height, width, units]. A tensor in a block that is left out has no units, and the
        sum of the block is the tensor that it stands for.

        Args:
            x: Features of N examples.
            subnet: Index of the subnet.
            keep: False empties each tensor after its last use, so that memory holds a few at a time.
        """
        widths, source = self.subnets[subnet].widths, self.graph.tensors[0]
        run = self.graph.running(widths)
        last = {index: k for k, layer in enumerate(self.graph.layers) for index in layer.inputs}
        values = [(x.reshape(len(x), source.height, source.width, -1) - self.mean) / self.std]
        for k, (layer, affine) in enumerate(zip(self.graph.layers, self.subnet_affines(subnet), strict=True)):
            if k not in run.layers:
                held, tensor = run.stands.get(layer.output), self.graph.tensors[layer.output]
                none = x.new_zeros(len(x), tensor.height, tensor.width, 0)
                values.append(none if held is None else values[held])
                continue
            inputs = [values[tensor] for tensor in layer.inputs]
            weight = active_weight(self.graph, layer, self.layer_weight(k), widths)
            y = run_layer(layer, self.graph, weight, inputs)
            sides, y = y.shape, affine(y.flatten(0, 2))
            if layer.relu:
                y = apply_relu(layer, y)
            elif layer.activation is not None:
                y = activate(layer.activation, self.before_activation(subnet, k, y))
            if self.dropout and (layer.relu or layer.activation is not None):
                y = F.dropout(y, self.dropout, self.training)
            values.append(self.layer_output(subnet, k, y.view(sides)))
            for index in () if keep else layer.inputs:
                if last[index] == k:
                    values[index] = x.new_zeros(0)
        return values

    def extra_repr(self) -> str:
        """Say whether the net reads standardized features."""
        mean, deviation = self.standardization.mean, self.standardization.deviation
        return f"reads (x - {list(mean)}) / {list(deviation)}" if mean else ""

    def check_features(self, x: Tensor) -> None:
        """Raise `DataError` unless x holds features that the net reads, of one example or more."""
        source = self.graph.tensors[0]
        sides = source.height, source.width, source.channels(self.graph.full)
        if not isinstance(x, Tensor):
            raise DataError(
                f"the features are {type(x).__name__}: a tensor is needed, as torch.from_numpy makes it"
            )
        if not len(x) or tuple(x.shape[1:]) not in ((prod(sides),), sides):
            raise DataError(
                f"the features have shape {list(x.shape)}, the net reads [N, {prod(sides)}] or [N,"
                f" {', '.join(map(str, sides))}], units innermost: give it examples of that shape"
            )

    def check_batch(self, x: Tensor, y: Tensor) -> None:
        """Raise `DataError` unless the net reads features x, and has outputs for y.

        It holds labels int [N], or values float [N, outputs].
        """
        self.check_features(x)
        last = self.graph.tensors[-1]
        outputs = last.positions * last.channels(self.graph.full)
        if not isinstance(y, Tensor):
            raise DataError(
                f"the labels are {type(y).__name__}: a tensor is needed, as torch.from_numpy makes it"
            )
        if y.dtype.is_floating_point and y.shape == (len(x), outputs):
            return
        if y.shape != x.shape[:1] or y.dtype.is_floating_point:
            raise DataError(
                f"the labels are {y.dtype} {list(y.shape)}: one whole number for each of {len(x)} examples is"
                " needed"
            )
        if len(y) and not 0 <= int(y.min()) <= int(y.max()) < outputs:
            odd = int(y.min() if y.min() < 0 else y.max())
            raise DataError(
                f"the labels hold {odd}, the net has {outputs} outputs, for labels 0 to {outputs - 1}: give"
                " it an output for each class, or renumber the labels"
            )

    def layer_weight(self, layer: int) -> Tensor:
        """Return the weights that a layer computes with; a subclass may round them."""
        weight: Tensor = self.weights[layer]
        return weight

    def before_activation(self, subnet: int, layer: int, y: Tensor) -> Tensor:
        """Return float32 [values, units] that an activation reads; a subclass may round or note it."""
        return y

    def layer_output(self, subnet: int, layer: int, y: Tensor) -> Tensor:
        """Return the output of a layer; a subclass may round it."""
        return y

    def subnet_affines(self, subnet: int) -> nn.ModuleList:
        """Return the affine map after each layer of one subnet: batch norm, bias or identity."""
        affines = self.affines[subnet]
        assert isinstance(affines, nn.ModuleList)
        return affines


def _initial_weight(layer: Layer, shape: tuple[int, ...]) -> Tensor:
    """Return random weights: He's, small constants of an embedding, or torch's slope of a PReLU."""
    if layer.kind is Kind.PRELU:
        return torch.full(shape, 0.25)
    deviation = 0.02 if layer.kind is Kind.EMBED else (2 / prod(shape[1:])) ** 0.5
    return torch.randn(shape) * deviation


def check_elastic(net: object) -> None:
    """Raise `SettingsError` unless a net is elastic, as `from_module` and `nest` return it."""
    check_kind("net", net, ElasticNet, "call reds.from_module first")


def check_full(net: ElasticNet) -> None:
    """Raise `SettingsError` unless a net is its own only subnet, as `from_module` returns it."""
    check_elastic(net)
    if any(subnet.widths != net.graph.full for subnet in net.subnets) or len(net.subnets) > 1:
        names = ", ".join(subnet.name for subnet in net.subnets)
        raise SettingsError(
            f"net: it has the subnets {names} already: give a full net, as reds.from_module returns it"
        )


def _check_nested(graph: Graph, subnets: Sequence[SubnetSpec]) -> None:
    check_kind("subnets", subnets, Sequence, "give those of reds.select")
    inside = {g for block in graph.blocks for g in block.groups}
    if not subnets:
        raise SettingsError("subnets: none is given: give one or more, smallest first")
    smaller = tuple(int(g not in inside and n > 0) for g, n in enumerate(graph.full))
    for subnet in subnets:
        if not isinstance(subnet, SubnetSpec):
            raise SettingsError(f"subnets: {shown(subnet)} is no subnet: give those of reds.select")
        widths = tuple(subnet.widths)
        fits = len(widths) == len(smaller) and all(
            a <= n <= most for a, n, most in zip(smaller, widths, graph.full, strict=True)
        )
        if not fits:
            raise SettingsError(
                f"subnets: {subnet.name} keeps the units {widths}: {list(smaller)} to {list(graph.full)} are"
                " needed, smallest subnet first"
            )
        smaller = widths
        try:
            graph.running(widths)
        except GraphError as error:
            raise SettingsError(f"subnets: {subnet.name}: {error}") from error


def _affines(graph: Graph, widths: Widths) -> list[nn.Module]:
    """Return the affine map after each layer of a subnet: the identity after one that does not run."""
    run = graph.running(widths).layers
    return [
        affine_after(layer, widths) if i in run else nn.Identity() for i, layer in enumerate(graph.layers)
    ]


def cropped(full: ElasticNet, widths: Widths) -> ElasticNet:
    """Return a full net without the units and the blocks that its largest subnet leaves out.

    Args:
        full: The full net, its units sorted by importance; it is not changed.
        widths: Units that the largest subnet keeps in each group.

    Raises:
        SettingsError: The net is nested already.
    """
    check_full(full)
    if widths == full.graph.full:
        return full
    net = ElasticNet(full.graph.resized(widths), (), full.dropout)
    net.standardization, net.heads = full.standardization, full.heads
    net.mean.copy_(full.mean)
    net.std.copy_(full.std)
    for new, old in enumerate(full.graph.running(widths).layers):
        layer = full.graph.layers[old]
        net.weights[new].data.copy_(active_weight(full.graph, layer, full.weights[old], widths))
        units = kept(full.graph, layer.writes, widths)
        _copy_affine(net.subnet_affines(0)[new], full.subnet_affines(0)[old], units)
    return net


def nest(
    full: ElasticNet, subnets: Sequence[SubnetSpec], *, norms: Literal["own", "shared"] = "own"
) -> ElasticNet:
    """Return an elastic net of several subnets that starts from the weights and norms of a full net.

    Args:
        full: The full net, its units sorted by importance; it is not changed.
        subnets: The subnets, smallest first; the last one is the full net.
        norms: `own` gives each subnet batch norms that measure their own statistics. `shared` gives all
            subnets the full net's norms with fixed statistics.

    Raises:
        SettingsError: The net is nested already, there is no subnet, or the units of one do not nest between
            the smaller one's and the full net's.
    """
    check_full(full)
    _check_nested(full.graph, subnets)
    if norms not in ("own", "shared"):
        raise SettingsError(f"norms: 'own' or 'shared' is needed, not {shown(norms)}")
    net = ElasticNet(full.graph, subnets, full.dropout)
    net.standardization, net.heads = full.standardization, full.heads
    shared = {name: value for name, value in full.state_dict().items() if not name.startswith("affines.")}
    net.load_state_dict(shared, strict=False)
    for k, (layer, affine) in enumerate(zip(full.graph.layers, full.subnet_affines(0), strict=True)):
        norm = SharedNorm(affine) if isinstance(affine, nn.BatchNorm1d) else None
        for i, subnet in enumerate(subnets):
            own, units = net.subnet_affines(i), kept(full.graph, layer.writes, subnet.widths)
            if norm is not None and norms == "shared" and isinstance(own[k], nn.BatchNorm1d):
                own[k] = norm.of_subnet(units)
            elif not isinstance(own[k], nn.Identity):  # else a block is left out
                _copy_affine(own[k], affine, units)
    return net


def _copy_affine(own: nn.Module, full: nn.Module, kept: slice | Tensor) -> None:
    """Copy the kept units of an affine map of the full net."""
    own.load_state_dict({name: v[kept] if v.ndim else v for name, v in full.state_dict().items()})
    if isinstance(own, nn.BatchNorm1d) and isinstance(full, nn.BatchNorm1d):
        own.eps = full.eps  # of a user's module; a state dict does not hold it
