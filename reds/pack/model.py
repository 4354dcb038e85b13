"""The integer network: what a pack holds, as plain arrays.

One set of int8 weights serves every subnet. What differs between subnets is small: how many units each
layer reads and writes, and a bias and a multiplier for each row it computes. The arithmetic is the
project's contract (README, "Arithmetic"); `reference.py` is its norm, `rules.py` checks every rule.

Shapes use NHWC tensors; a dense net's tensors are 1 x 1 x units.
"""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from reds.errors import ModelError

LIMIT = 127
"""Weights, inputs and activations lie in [-LIMIT, LIMIT]."""
BIAS_LIMIT = 1 << 30
"""|bias| stays below this; with MAX_FAN_IN it proves that acc fits int32, whatever the weights are."""
MAX_FAN_IN = 65_536
FACTOR_LIMIT = 1 << 15
"""|factor| stays below this, and times the taps of an average's window at most MAX_FAN_IN."""
MULTIPLIER_STEP = 256
"""Multipliers are multiples of this, so that a kernel may hold 256 * acc and multiply by m / 256."""


class Kind(IntEnum):
    """What a layer computes. The numbers are part of the pack format."""

    DENSE = 1
    CONV = 2
    DEPTHWISE = 3
    AVERAGE_POOL = 4
    MAX_POOL = 5
    ADD = 6
    FLATTEN = 7
    """Sites become units, unit by unit, so that a subnet's stay a prefix of the full net's."""


WEIGHTED = frozenset({Kind.DENSE, Kind.CONV, Kind.DEPTHWISE})
"""Kinds with weights, and with a row of the table for every unit written."""
WINDOWED = frozenset({Kind.CONV, Kind.DEPTHWISE, Kind.AVERAGE_POOL, Kind.MAX_POOL})
"""Kinds that move a window over their input."""
REQUANTIZED = WEIGHTED | {Kind.AVERAGE_POOL, Kind.ADD}
"""Kinds that end in the rounding rule; the others move bytes."""
FACTORED = frozenset({Kind.AVERAGE_POOL, Kind.ADD})
"""Kinds without weights that scale what they read by factors."""


def table_rows(kind: Kind, units_out: int) -> int:
    """Rows of a subnet's table: one a unit written where there are weights, one or none elsewhere."""
    if kind in WEIGHTED:
        return units_out
    return 1 if kind in REQUANTIZED else 0


@dataclass(frozen=True)
class TensorShape:
    """What a layer reads or writes, at the full net's size."""

    height: int
    width: int
    units: int

    @property
    def sites(self) -> int:
        """Places that hold every unit once."""
        return self.height * self.width

    def size(self, units: int) -> int:
        """Bytes of the tensor when only `units` of its units are live."""
        return self.sites * units


@dataclass(frozen=True)
class IntegerLayer:
    """One layer of the full net.

    `weights` is int8 [units_out, fan_in], rows in order of importance: dense [out, in], conv
    [out, kernel rows * columns * in], depthwise [units, kernel rows * columns], [0, 0] without weights.
    Padding stands for the zero point of the input.
    """

    kind: Kind
    inputs: tuple[int, ...]
    output: int
    weights: NDArray[np.int8]
    relu: bool = False
    kernel: tuple[int, int] = (1, 1)
    stride: tuple[int, int] = (1, 1)
    padding: tuple[int, int, int, int] = (0, 0, 0, 0)
    """Rows and columns added at the top, left, bottom and right."""

    @property
    def taps(self) -> int:
        """Sites in a window."""
        return self.kernel[0] * self.kernel[1]

    def live(self, step: "Step") -> NDArray[np.int8]:
        """The weights that a subnet reads: int8 [units_out, taps * units_in], depthwise [units, taps],
        [0, 0] without weights.
        """
        rows = self.weights[: step.units_out]
        if self.kind not in (Kind.DENSE, Kind.CONV):
            return rows
        return rows.reshape(step.units_out, self.taps, -1)[..., : step.units_in].reshape(step.units_out, -1)

    def biases(self, step: "Step") -> NDArray[np.int32]:
        """What the first half of a step's table holds: its biases, and its factors where it has them."""
        if self.kind not in FACTORED:
            return step.bias
        return np.array([*step.bias, *step.factors], np.int32)


@dataclass(frozen=True)
class Step:
    """What one subnet does in one layer.

    `bias` and `multiplier` are int32 [rows]: a row for every unit written by a layer with weights, one
    row for an average or an addition, none where bytes only move. An average and an addition scale what they
    read: `acc = bias + factors[0] * sum`, `acc = bias + factors[0] * a + factors[1] * b`.
    """

    units_in: int
    units_out: int
    bias: NDArray[np.int32]
    multiplier: NDArray[np.int32]
    zero: int
    """Zero point of the output; -127 after a ReLU."""
    factors: tuple[int, int] = (0, 0)


@dataclass(frozen=True)
class Subnet:
    """One nested subnetwork: a step for each layer. `name` is its MACs budget, as `25%`."""

    name: str
    macs: int
    steps: tuple[Step, ...]
    output_scale: float


@dataclass(frozen=True)
class Model:
    """A network and its subnets, smallest first. Tensor 0 is the input, the last tensor the output."""

    name: str
    tensors: tuple[TensorShape, ...]
    layers: tuple[IntegerLayer, ...]
    subnets: tuple[Subnet, ...]
    input_scale: float
    input_zero: int

    @property
    def input_size(self) -> int:
        """Bytes of one input, the same for every subnet."""
        return self.tensors[0].size(self.tensors[0].units)

    def output_size(self, subnet: int) -> int:
        """Bytes of one output of a subnet."""
        return self.tensors[-1].size(self.subnets[subnet].steps[-1].units_out)

    def zeros(self, subnet: int) -> list[int]:
        """The zero point of every tensor in a subnet."""
        return [self.input_zero, *(step.zero for step in self.subnets[subnet].steps)]

    def macs(self, subnet: int) -> int:
        """Multiply-accumulates of one inference, true fan-in, classifier counted."""
        total = 0
        for layer, step in zip(self.layers, self.subnets[subnet].steps, strict=True):
            fan_in = step.units_in if layer.kind in (Kind.DENSE, Kind.CONV) else 1
            if layer.kind in WEIGHTED:
                total += self.tensors[layer.output].sites * layer.taps * fan_in * step.units_out
        return total

    def subnet(self, name: str) -> int:
        """Return the index of the subnet of this name; `ModelError` names the ones there are."""
        names = [s.name for s in self.subnets]
        if name not in names:
            raise ModelError(f"{self.name} has no subnet {name}: it has {', '.join(names)}")
        return names.index(name)
