"""Check the rules of one layer in one subnet: its units, its table, its factors and its zero point."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from reds.errors import ModelError
from reds.pack import row_encoding
from reds.pack.model import (
    BIAS_LIMIT,
    FACTOR_LIMIT,
    FACTORED,
    LIMIT,
    MAX_FAN_IN,
    MULTIPLIER_STEP,
    REQUANTIZED,
    WEIGHTED,
    IntegerLayer,
    Kind,
    Room,
    Step,
    TensorShape,
    table_rows,
)
from reds.pack.validate.expect import expect
from reds.pack.validate.units import validate_units


def validate_step(
    where: str, tensors: Sequence[TensorShape], layer: IntegerLayer, step: Step, reads: Sequence[Room]
) -> None:
    """Check the rules of one layer in one subnet.

    Args:
        where: Subnet and layer as errors name them.
        tensors: All tensors of the full network.
        layer: The layer.
        step: The layer in the subnet.
        reads: The tensors that it reads, as they are in the subnet.

    Raises:
        ModelError: A rule is broken.
    """
    validate_units(where, tensors, layer, step, reads)
    kind = layer.kind.name.lower()
    _validate_table(where, layer, step)
    zero = step.kernel_zero
    expect(-LIMIT <= zero <= LIMIT, f"{where} has the zero point {zero}: zero points lie in [-127, 127]")
    expect(not layer.relu or zero == -LIMIT, f"{where} has the zero point {zero}: after a ReLU it is -127")
    if layer.kind not in REQUANTIZED:
        expect(not layer.relu, f"{where} has a ReLU: {kind} only copies bytes")
        before = reads[0].zero
        expect(zero == before, f"{where} changes the zero point {before} to {zero}: {kind} only copies bytes")
    if step.activation is not None:
        _validate_activation(where, layer, step, step.activation.table)


def _validate_activation(where: str, layer: IntegerLayer, step: Step, table: NDArray[np.int8]) -> None:
    expect(not layer.relu, f"{where} has an activation table after a ReLU: a layer has one or the other")
    if table.dtype != np.int8 or table.shape != (256,):
        raise ModelError(
            f"{where} has an activation table {table.dtype} {list(table.shape)}: int8 [256] is needed"
        )
    expect(table[0] == 0, f"{where} has {table[0]} for -128 in its activation table: 0 is needed")
    lowest, zero = int(table.min()), step.zero
    expect(lowest >= -LIMIT, f"{where} has {lowest} in its activation table: entries lie in [-127, 127]")
    expect(-LIMIT <= zero <= LIMIT, f"{where} has the zero point {zero}: zero points lie in [-127, 127]")


def _validate_table(where: str, layer: IntegerLayer, step: Step) -> None:
    rows = table_rows(layer.kind, step.units_out, len(layer.inputs))
    for name, values in (("biases", step.bias), ("multipliers", step.multiplier)):
        if values.dtype != np.int32 or values.shape != (rows,):
            given = f"{where} has {name} {values.dtype} {list(values.shape)}"
            raise ModelError(f"{given}: int32 [{rows}] is needed")
    largest = int(np.abs(step.bias.astype(np.int64)).max(initial=0))
    expect(largest < BIAS_LIMIT, f"{where} has a bias of magnitude {largest}: it must be less than 2^30")
    multipliers = step.multiplier
    if layer.kind is Kind.PRELU:
        multipliers = np.concatenate([step.bias, multipliers])
    uneven = multipliers[multipliers % MULTIPLIER_STEP != 0]
    expect(not uneven.size, f"{where} has the multipliers {uneven[:3].tolist()}: they are multiples of 256")
    if layer.kind in WEIGHTED:
        try:
            row_encoding.encode(step.bias, row_encoding.BIAS_SHIFTS)
            row_encoding.encode(step.multiplier, row_encoding.MULTIPLIER_SHIFTS)
        except row_encoding.RowEncodingError as error:
            raise ModelError(f"{where} has a table that 16 bits a value do not hold: {error}") from None
    _validate_special_rows(where, layer, step)
    _validate_factors(where, layer, step.factors)


def _validate_special_rows(where: str, layer: IntegerLayer, step: Step) -> None:
    """Check the rows that hold other numbers than a bias and a multiplier."""
    if layer.kind is Kind.MULTIPLY:
        bias = step.bias[0]
        expect(bias == 0, f"{where} has a bias of {bias}: a multiplication has none, and it is 0")
    elif layer.kind is Kind.ATTENTION:
        exponent = step.bias[0]
        expect(exponent > 0, f"{where} has {exponent} for its exponents' multiplier: more than 0 is needed")
    elif layer.kind is Kind.LAYER_NORM:
        epsilon, last = step.bias[-1], step.multiplier[-1]
        expect(epsilon > 0, f"{where} has an epsilon of {epsilon}: more than 0 is needed")
        expect(last == 0, f"{where} has the multiplier {last} beside its epsilon: 0 is needed")


def _validate_factors(where: str, layer: IntegerLayer, factors: tuple[int, int]) -> None:
    expect(
        layer.kind in FACTORED or factors == (0, 0),
        f"{where} has factors {factors}: only an addition, an average and an embedding have them",
    )
    largest = max(map(abs, factors))
    expect(largest < FACTOR_LIMIT, f"{where} has a factor of magnitude {largest}: it must be less than 2^15")
    if layer.kind is Kind.AVERAGE_POOL:
        expect(not factors[1], f"{where} has factors {factors}: an average has one, and the second is 0")
        reach = abs(factors[0]) * layer.taps
        expect(
            reach <= MAX_FAN_IN,
            f"{where} has the factor {factors[0]} for a window of {layer.taps}: their product is at most"
            f" {MAX_FAN_IN:,}, so that sums fit int32",
        )
