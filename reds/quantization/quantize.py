"""Quantize a trained elastic net: all subnets share the int8 weights, each has its own tables.

The weights of an output unit have one scale for all subnets. Everything that a subnet owns (batch norms,
activation scales, zero points of its inputs) folds into the biases and multipliers of its tables. Layers that
copy bytes keep the scale of their input. A function other than ReLU is a table of 256 bytes.
"""

from dataclasses import replace

import numpy as np

from reds.data.catalog import DataSpec
from reds.elastic.net import ElasticNet, check_elastic
from reds.elastic.standardized import check_standardization
from reds.errors import SettingsError
from reds.graph import kept_channels
from reds.graph.lowering import integer_layers, tensor_shapes
from reds.pack.model import Activation, IntegerLayer, Model, Step, Subnet
from reds.pack.scale import Floats, Scale
from reds.pack.validate import validate_model
from reds.quantization.activation_tables import activation_table
from reds.quantization.affine import affine_of
from reds.quantization.scales import subnet_scales
from reds.quantization.subnet_order import Indices, tensor_orders
from reds.quantization.tables import TABLES, SubnetLayer
from reds.quantization.weights import SharedWeights, shared_weights
from reds.rules import check_kind


def quantize(net: ElasticNet, *, name: str, ranges: Floats, source: DataSpec) -> Model:
    """Return the integer network of a trained net.

    Args:
        net: A trained net.
        name: Name of the model, 1 to 31 bytes.
        ranges: Smallest and largest value that each layer writes before its activation, float64 [subnets,
            layers, 2].
        source: Data set whose scale, zero point and standardization store the input.

    Raises:
        DataError: The data set is standardized otherwise than the features that the net reads.
        QuantizeError: The tables of a layer do not fit the integer arithmetic.
        SettingsError: The ranges have another shape, or are not finite, or an argument has another type.
    """
    check_elastic(net)
    check_kind("name", name, str, "give a text of 1 to 31 bytes")
    check_kind("source", source, DataSpec, "give data.stored(name).set")
    check_standardization(net, source.standardization)
    shape = len(net.subnets), len(net.graph.layers), 2
    if np.shape(ranges) != shape or np.asarray(ranges).dtype.kind != "f" or not np.isfinite(ranges).all():
        raise SettingsError(
            f"ranges: finite numbers of shape {list(shape)} are needed, not of {list(np.shape(ranges))}: give"
            " those of one percentile"
        )
    orders = tensor_orders(net.graph, [subnet.widths for subnet in net.subnets])
    weights = _weights(net, orders)
    layers = integer_layers(net.graph, [shared.stored for shared in weights])
    given = Scale(source.scale, source.zero, net.mean.double().numpy())
    subnets = tuple(
        _subnet(net, index, name, layers, weights, orders, np.asarray(ranges)[index], given)
        for index in range(len(net.subnets))
    )
    model = Model(
        name, tensor_shapes(net.graph), layers, subnets, source.scale, source.zero,
        bool(source.standardization.mean),
    )  # fmt: skip
    validate_model(model)
    return model


def _weights(net: ElasticNet, orders: list[Indices]) -> list[SharedWeights]:
    """Return the int8 weights of every layer."""
    deviation, one = net.std.double().numpy(), np.ones(1)
    return [
        shared_weights(
            layer, weight, orders[layer.output], orders[layer.inputs[0]],
            deviation if 0 in layer.inputs else one,
        )
        for layer, weight in zip(net.graph.layers, net.weights, strict=True)
    ]  # fmt: skip


def _subnet(
    net: ElasticNet, index: int, name: str, layers: tuple[IntegerLayer, ...], weights: list[SharedWeights],
    orders: list[Indices], ranges: Floats, source: Scale,
) -> Subnet:  # fmt: skip
    """Return the tables of one subnet.

    Args:
        net: A trained net.
        index: The index of the subnet.
        name: Name of the model, for errors.
        layers: The integer layers.
        weights: Their weights.
        orders: The order of every tensor's channels.
        ranges: Smallest and largest value of each layer, float64 [layers, 2].
        source: The scale of the input.
    """
    graph, subnet, affines = net.graph, net.subnets[index], net.subnet_affines(index)
    widths, runs = subnet.widths, graph.running(subnet.widths)
    scales = subnet_scales(graph, widths, ranges, source)
    steps = []
    for i in runs.layers:
        layer, target = graph.layers[i], scales[i + 1]
        reads, writes = (graph.tensors[t].channels(widths) for t in (layer.inputs[0], layer.output))
        empty = np.zeros(0, np.int32)
        step, table = Step(i, reads, writes, empty, empty, target.output.zero), TABLES.get(layer.kind)
        if layer.activation is not None:
            values = activation_table(layer.activation, target.kernel, target.output)
            step = replace(step, activation=Activation(values, target.kernel.zero))
        if table is not None:
            kept = kept_channels(graph.tensors[layer.output].spans, graph.full, widths)
            affine = affine_of(affines[i])
            if affine is not None:
                affine = affine.ordered(np.searchsorted(kept, orders[layer.output][:writes]))
            where, read = f"{name}, {subnet.name}, {layer.name}", [scales[t].output for t in layer.inputs]
            step = table(SubnetLayer(where, layer, layers[i], step, read, target.kernel, weights[i], affine))
        steps.append(step)
    return Subnet(subnet.name, graph.macs(widths), tuple(steps), scales[-1].output.scale, runs.stands)
