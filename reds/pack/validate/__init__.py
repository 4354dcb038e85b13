"""Check every rule that a model keeps, and so every pack that is written or read.

The first broken rule is reported with its place: the layer, and the subnet if it is about one. The runtime
on a device relies on these rules, because it checks only sizes and offsets.
"""

from collections.abc import Sequence

from reds.pack.model import IntegerLayer, Model, TensorShape
from reds.pack.validate.expect import expect
from reds.pack.validate.layer import validate_layer
from reds.pack.validate.step import validate_step

MOST_LAYERS, MOST_SUBNETS, LARGEST_SIDE = 255, 64, 65_535
NAME_BYTES, SUBNET_NAME_BYTES = 31, 7


def validate_model(model: Model) -> None:
    """Check all rules of a model.

    Raises:
        ModelError: A rule is broken; the text gives the place, the value and the rule.
    """
    validate_layers(model.tensors, model.layers)
    count, size = len(model.subnets), len(model.name.encode())
    expect(0 < count <= MOST_SUBNETS, f"there are {count} subnets: a pack holds 1 to {MOST_SUBNETS}")
    expect(0 < size <= NAME_BYTES, f"the name {model.name!r} has {size} bytes: 1 to {NAME_BYTES} are needed")
    for index in range(count):
        _validate_subnet(model, index)


def validate_layers(
    tensors: Sequence[TensorShape], layers: Sequence[IntegerLayer], names: Sequence[str] = ()
) -> None:
    """Check the rules that concern all subnets alike: shapes, order and weights.

    Args:
        tensors: The input and the output of each layer.
        layers: The layers in the order that they run.
        names: Each layer as errors name it, by default its index.

    Raises:
        ModelError: A rule is broken; the text gives the place, the value and the rule.
    """
    count = len(layers)
    expect(0 < count <= MOST_LAYERS, f"there are {count} layers: a pack holds 1 to {MOST_LAYERS}")
    expect(
        len(tensors) == count + 1,
        f"there are {len(tensors)} tensors for {count} layers: the input and one for each layer are needed",
    )
    for i, tensor in enumerate(tensors):
        sides = tensor.height, tensor.width, tensor.units
        expect(
            all(0 < n <= LARGEST_SIDE for n in sides),
            f"tensor {i} is {' x '.join(map(str, sides))}: each side is 1 to {LARGEST_SIDE:,}",
        )
    for i, layer in enumerate(layers):
        validate_layer(names[i] if names else f"layer {i}", layer, i, tensors)


def _validate_subnet(model: Model, index: int) -> None:
    subnet = model.subnets[index]
    where, size = f"subnet {subnet.name}", len(subnet.name.encode())
    expect(
        0 < size <= SUBNET_NAME_BYTES,
        f"{where}: its name has {size} bytes: 1 to {SUBNET_NAME_BYTES} are needed",
    )
    steps, layers = len(subnet.steps), len(model.layers)
    expect(steps == layers, f"{where} has {steps} steps for {layers} layers: one for each layer is needed")
    units = {0: model.tensors[0].units}
    for i, (layer, step) in enumerate(zip(model.layers, subnet.steps, strict=True)):
        place = f"{where}, layer {i}"
        for tensor in layer.inputs:
            expect(
                step.units_in == units[tensor],
                f"{place} reads {step.units_in} units of tensor {tensor}, which has {units[tensor]}",
            )
        validate_step(place, model, index, layer, step)
        units[layer.output] = step.units_out
        if index:
            smaller = model.subnets[index - 1].steps[i]
            expect(
                smaller.units_out <= step.units_out,
                f"{place} is not nested: it keeps {step.units_out} units, a smaller one {smaller.units_out}",
            )
    counted = model.macs(index)
    expect(subnet.macs == counted, f"{where} states {subnet.macs} MACs, but its layers take {counted}")
