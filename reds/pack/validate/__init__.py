"""Check every rule that a model keeps, and so every pack that is written or read.

The first broken rule is reported with its place: the layer, and the subnet if it is about one. The runtime
on a device checks the same rules (`targets/runtime/check.h`), and a test compares the two on mutated packs.
"""

from collections.abc import Sequence

from reds.pack.arena import lifetimes, model_schedule, tensor_sizes
from reds.pack.layouts import canonical, step_scratch
from reds.pack.model import (
    LARGEST_SCALE,
    LARGEST_SIDE,
    LARGEST_TENSOR,
    LIMIT,
    MOST_LAYERS,
    MOST_SUBNETS,
    MOST_VALUES,
    SMALLEST_SCALE,
    IntegerLayer,
    Model,
    TensorShape,
)
from reds.pack.validate.arena import validate_arena
from reds.pack.validate.expect import expect
from reds.pack.validate.layer import validate_layer
from reds.pack.validate.name import validate_name
from reds.pack.validate.rooms import validate_nested, validate_rooms
from reds.pack.validate.step import validate_step
from reds.pack.validate.window import inference_values

NAME_BYTES, SUBNET_NAME_BYTES = 31, 7
MOST_MACS = 2**32 - 1


def validate_model(model: Model) -> None:
    """Check all rules of a model.

    Raises:
        ModelError: A rule is broken; the text gives the place, the value and the rule.
    """
    validate_layers(model.tensors, model.layers)
    count = len(model.subnets)
    expect(0 < count <= MOST_SUBNETS, f"there are {count} subnets: a pack holds 1 to {MOST_SUBNETS}")
    validate_name(f"the name {model.name!r}", model.name, NAME_BYTES)
    _validate_scale("the input", model.input_scale)
    zero = model.input_zero
    expect(-LIMIT <= zero <= LIMIT, f"the input has the zero point {zero}: zero points lie in [-127, 127]")
    for index, subnet in enumerate(model.subnets):
        _validate_subnet(model, index)
        if subnet.arena is not None:
            lives = lifetimes(model_schedule(model, index))
            scratch = step_scratch(model, index, canonical(model))
            validate_arena(f"subnet {subnet.name}", subnet.arena, tensor_sizes(model, index), scratch, lives)


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
        shape = f"tensor {i} is {' x '.join(map(str, sides))}"
        expect(all(0 < n <= LARGEST_SIDE for n in sides), f"{shape}: each side is 1 to {LARGEST_SIDE:,}")
        size = tensor.size(tensor.units)
        expect(
            size <= LARGEST_TENSOR, f"{shape}, {size:,} bytes: a tensor has at most {LARGEST_TENSOR:,} bytes"
        )
    for i, layer in enumerate(layers):
        validate_layer(names[i] if names else f"layer {i}", layer, i, tensors)
    values = inference_values(tensors, layers)
    expect(
        values <= MOST_VALUES,
        f"the tensors and windows of all layers hold {values:,} values: at most {MOST_VALUES:,} are possible",
    )


def _validate_scale(what: str, scale: float) -> None:
    expect(
        SMALLEST_SCALE <= scale <= LARGEST_SCALE,
        f"{what} has the scale {scale:g}: a normal positive number of 32 bits is needed,"
        f" {SMALLEST_SCALE:.3g} to {LARGEST_SCALE:.3g}",
    )


def _validate_subnet(model: Model, index: int) -> None:
    subnet = model.subnets[index]
    validate_name(f"the name {subnet.name!r} of subnet {index}", subnet.name, SUBNET_NAME_BYTES)
    where = f"subnet {subnet.name}"
    names = [other.name for other in model.subnets[:index]]
    expect(subnet.name not in names, f"{where} appears twice: each subnet needs a name of its own")
    _validate_scale(f"the output of {where}", subnet.output_scale)
    validate_rooms(where, model, index)
    rooms = model.rooms(index)
    for step in subnet.steps:
        layer, place = model.layers[step.layer], f"{where}, layer {step.layer}"
        validate_step(place, model.tensors, layer, step, [rooms[tensor] for tensor in layer.inputs])
    if index:
        validate_nested(where, model.rooms(index - 1), rooms)
    counted = model.macs(index)
    expect(subnet.macs == counted, f"{where} states {subnet.macs} MACs, but its layers take {counted}")
    expect(counted <= MOST_MACS, f"{where} takes {counted:,} MACs: at most {MOST_MACS:,} are possible")
