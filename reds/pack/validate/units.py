"""Check the units that a layer reads and writes in one subnet."""

from collections.abc import Sequence

from reds.pack.model import BLOCKED, MIXING, IntegerLayer, Kind, Room, Step, TensorShape
from reds.pack.validate.expect import expect


def validate_units(
    where: str, tensors: Sequence[TensorShape], layer: IntegerLayer, step: Step, reads: Sequence[Room]
) -> None:
    """Check the units of one layer in one subnet.

    Args:
        where: Subnet and layer as errors name them.
        tensors: All tensors of the full network.
        layer: The layer.
        step: The layer in the subnet.
        reads: The tensors that it reads, as they are in the subnet.

    Raises:
        ModelError: A rule is broken.
    """
    for tensor, room in zip(layer.inputs, reads, strict=True):
        expect(room.units > 0, f"{where} reads tensor {tensor}, which the subnet leaves out")
        expect(
            layer.kind is Kind.CONCAT or step.units_in == room.units,
            f"{where} reads {step.units_in} units of tensor {tensor}, which has {room.units}",
        )
    source, target = tensors[layer.inputs[0]], tensors[layer.output]
    expect(
        0 < step.units_out <= target.units,
        f"{where} writes {step.units_out} units of {target.units}: 1 to {target.units} are possible",
    )
    if layer.kind in BLOCKED:
        block = source.units // layer.groups
        expect(
            step.units_in % block == 0,
            f"{where} reads {step.units_in} units: it keeps whole groups of {block}",
        )
    whole = layer.kind is Kind.TRANSPOSE or (layer.kind is Kind.RESHAPE and source.units != target.units)
    expect(
        not whole or step.units_in == source.units,
        f"{where} reads {step.units_in} units of {source.units}: every subnet keeps all that"
        f" {layer.kind.name.lower()} moves",
    )
    if layer.kind not in MIXING:
        kept = sum(room.units for room in reads) if layer.kind is Kind.CONCAT else step.units_in
        written = kept * target.units // source.units if layer.kind in _SCALED else kept
        expect(
            step.units_out == written,
            f"{where} writes {step.units_out} units but reads {kept}: {layer.kind.name.lower()} must write"
            f" {written}",
        )


_SCALED = frozenset({Kind.FLATTEN, Kind.GROUPED, Kind.TRANSPOSE, Kind.RESHAPE})
"""Kinds that write another number of units for each that they read."""
