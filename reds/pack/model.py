"""Describe the integer network that a pack holds, as plain arrays.

One set of int8 weights serves every subnet. Subnets differ in little: how many units each layer reads and
writes, and one bias and one multiplier for each row that a layer computes. `reds.pack.interpreter` defines
the arithmetic, and `reds.pack.validate` checks every rule.

Tensors are NHWC. Those of a dense network are 1 x 1 x units.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from reds.errors import ModelError

LIMIT = 127
"""Weights, inputs and activations lie in [-LIMIT, LIMIT]."""
BIAS_LIMIT = 1 << 30
"""|bias| is less than this. With MAX_FAN_IN this proves that accumulators fit int32 for any weights."""
MAX_FAN_IN = 65_536
MOST_LAYERS, MOST_SUBNETS = 255, 64
MOST_INPUTS = 4
"""Tensors that the format lets a layer read; each kind takes its own number."""
LARGEST_SIDE = 65_535
LARGEST_TENSOR = 1 << 22
"""Bytes of a tensor of the full network."""
MOST_WINDOW_VALUES = 1 << 25
"""Values that all windows of one layer read together in the full network."""
MOST_VALUES = 1 << 27
"""Values that all tensors hold and all windows read, together: the memory and time of an inference."""
SMALLEST_SCALE, LARGEST_SCALE = 2.0**-126, (2 - 2.0**-23) * 2.0**127
"""The normal positive numbers of binary32."""
FACTOR_LIMIT = 1 << 15
"""|factor| is less than this, and |factor| times the positions of a pooling window is at most MAX_FAN_IN."""
MULTIPLIER_STEP = 256
"""Multipliers are multiples of this, so that a kernel may compute 256 * acc and multiply by m / 256."""


class Kind(IntEnum):
    """Name the operation of a layer. The numbers are part of the pack format."""

    DENSE = 1
    CONV = 2
    DEPTHWISE = 3
    AVERAGE_POOL = 4
    MAX_POOL = 5
    ADD = 6
    FLATTEN = 7
    """Writes all spatial positions of the first unit, then of the second, and so on. So the features of a
    subnet are a prefix of the full network's."""
    GROUPED = 8
    """Convolution whose units come in blocks of one size: a block of the output reads only its own block of
    the input. A depthwise convolution that writes several units for each that it reads is one too."""
    TRANSPOSED = 9
    """Convolution of stride 1 over the input spread out: `stride` - 1 rows and columns of the zero point lie
    between its own. The padding counts as that of the convolution whose gradient it is."""
    UPSAMPLE = 10
    """Writes each position `stride` times, down and across."""
    MULTIPLY = 11
    CONCAT = 12
    """Writes the units of several inputs, in the order by subnet."""
    PRELU = 13
    """Scales negative values of each unit by another multiplier than the rest."""
    LAYER_NORM = 14
    """Normalizes the units of each position."""
    ATTENTION = 15
    """Reads queries, keys and values; `groups` heads of the same number of units lie side by side."""
    EMBED = 16
    """Adds constants to each unit of each position, and may put positions in front."""
    TRANSPOSE = 17
    """Swaps positions and units."""
    RESHAPE = 18
    """Writes the same bytes in another shape."""


WEIGHTED = frozenset({Kind.DENSE, Kind.CONV, Kind.DEPTHWISE})
"""Kinds with weights. Their tables have a row for every unit written."""
WINDOWED = frozenset({Kind.CONV, Kind.DEPTHWISE, Kind.AVERAGE_POOL, Kind.MAX_POOL})
"""Kinds that slide a window over their input."""
REQUANTIZED = WEIGHTED | {Kind.AVERAGE_POOL, Kind.ADD}
"""Kinds that requantize an accumulator. The others copy bytes."""
FACTORED = frozenset({Kind.AVERAGE_POOL, Kind.ADD})
"""Kinds without weights that scale their inputs by integer factors."""


def table_rows(kind: Kind, units_out: int) -> int:
    """Return the rows of a subnet's table: one a unit with weights, else one if requantized, else none."""
    if kind in WEIGHTED:
        return units_out
    return 1 if kind in REQUANTIZED else 0


@dataclass(frozen=True)
class TensorShape:
    """The shape of a tensor in the full network."""

    height: int
    width: int
    units: int

    @property
    def positions(self) -> int:
        """Return the number of spatial positions."""
        return self.height * self.width

    def size(self, units: int) -> int:
        """Return the bytes of this tensor in a subnet that keeps `units` of its units."""
        return self.positions * units


@dataclass(frozen=True)
class IntegerLayer:
    """One layer of the full network.

    `weights` is int8 [units_out, fan_in], the most important unit first: dense [out, in], convolution
    [out, kernel rows * columns * in], depthwise [units, kernel rows * columns], [0, 0] without weights.
    Padding is filled with the zero point of the input.
    """

    kind: Kind
    inputs: tuple[int, ...]
    """Indices of the tensors read."""
    output: int
    """Index of the tensor written."""
    weights: NDArray[np.int8]
    relu: bool = False
    kernel: tuple[int, int] = (1, 1)
    stride: tuple[int, int] = (1, 1)
    padding: tuple[int, int, int, int] = (0, 0, 0, 0)
    """Rows and columns added at the top, left, bottom and right."""

    @property
    def taps(self) -> int:
        """Return the number of positions in the kernel's window."""
        return self.kernel[0] * self.kernel[1]

    def subnet_weights(self, step: "Step") -> NDArray[np.int8]:
        """Return the weights that a subnet reads.

        The shape is int8 [units_out, taps * units_in]; depthwise [units, taps]; without weights [0, 0].
        """
        rows = self.weights[: step.units_out]
        if self.kind not in (Kind.DENSE, Kind.CONV):
            return rows
        return rows.reshape(step.units_out, self.taps, -1)[..., : step.units_in].reshape(step.units_out, -1)

    def table_biases(self, step: "Step") -> NDArray[np.int32]:
        """Return the first half of a step's table: its biases, followed by its factors if it has any."""
        if self.kind not in FACTORED:
            return step.bias
        return np.array([*step.bias, *step.factors], np.int32)


@dataclass(frozen=True)
class Activation:
    """A table that every output byte of a step goes through: the byte y becomes `table[y + 128]`.

    `table` is int8 [256], in [-127, 127]. Its first entry is 0, because no kernel writes -128.
    """

    table: NDArray[np.int8]
    zero: int
    """Zero point of the values that the table reads."""


@dataclass(frozen=True)
class Step:
    """One layer as one subnet runs it.

    `bias` and `multiplier` are int32 [rows], with the rows of `table_rows`. An average and an addition scale
    their inputs: `acc = bias + factors[0] * sum`, `acc = bias + factors[0] * a + factors[1] * b`.
    """

    layer: int
    """Index of the layer."""
    units_in: int
    units_out: int
    bias: NDArray[np.int32]
    multiplier: NDArray[np.int32]
    zero: int
    """Zero point of the output; -127 after a ReLU."""
    factors: tuple[int, int] = (0, 0)
    activation: Activation | None = None

    @property
    def kernel_zero(self) -> int:
        """Return the zero point of what the kernel writes, before the activation table."""
        return self.zero if self.activation is None else self.activation.zero


@dataclass(frozen=True)
class Room:
    """A tensor in one subnet."""

    holds: int
    """The tensor whose bytes it reads: itself, or the one that it stands for."""
    units: int
    """Units kept; 0 if the subnet leaves the tensor out."""
    zero: int
    """Zero point."""


@dataclass(frozen=True)
class Arena:
    """Say where tensors and scratch lie in the working memory: byte offsets, and the total size.

    `tensors` has the network's input and the output of each step, `scratch` that of each step.
    """

    tensors: tuple[int, ...]
    scratch: tuple[int, ...]
    size: int


@dataclass(frozen=True)
class Subnet:
    """One nested subnetwork: the layers that it runs. By default its name is its MACs budget, as `25%`."""

    name: str
    macs: int
    steps: tuple[Step, ...]
    """In the order of the layers; a layer that is left out has none."""
    output_scale: float
    stands: Mapping[int, int] = field(default_factory=dict)
    """For each tensor that no step writes but a layer reads, the written tensor whose bytes it has: after a
    block that is left out, the tensor before the block."""
    arena: Arena | None = None
    """The canonical arena of the pack that was read; None: it is planned when the pack is written."""


@dataclass(frozen=True)
class Model:
    """An integer network and its subnets, smallest first.

    Tensor 0 is the network's input, layer i writes tensor i + 1, and the last tensor is the output.
    """

    name: str
    tensors: tuple[TensorShape, ...]
    layers: tuple[IntegerLayer, ...]
    subnets: tuple[Subnet, ...]
    input_scale: float
    input_zero: int
    standardized: bool = False
    """True if features are standardized, by the mean and deviation of the card, before they are stored."""

    @property
    def input_size(self) -> int:
        """Return the bytes of one input, which are the same for every subnet."""
        return self.tensors[0].size(self.tensors[0].units)

    def output_size(self, subnet: int) -> int:
        """Return the bytes of one output of a subnet."""
        return self.tensors[-1].size(self.rooms(subnet)[-1].units)

    def rooms(self, subnet: int) -> list[Room]:
        """Return every tensor as it is in one subnet."""
        rooms = [Room(0, self.tensors[0].units, self.input_zero)]
        rooms += [Room(tensor, 0, 0) for tensor in range(1, len(self.tensors))]
        for step in self.subnets[subnet].steps:
            rooms[step.layer + 1] = Room(step.layer + 1, step.units_out, step.zero)
        for tensor, held in self.subnets[subnet].stands.items():
            rooms[tensor] = rooms[held]
        return rooms

    def macs(self, subnet: int) -> int:
        """Return the multiply-accumulates of one inference, the classifier included, padding counted as data.

        The fan-in of a layer is the number of units that the subnet keeps, not the full network's.
        """
        return sum(self.step_macs(subnet))

    def step_macs(self, subnet: int) -> list[int]:
        """Return the multiply-accumulates of each step, 0 for a layer without weights."""
        found = []
        for step in self.subnets[subnet].steps:
            layer = self.layers[step.layer]
            fan_in = step.units_in if layer.kind in (Kind.DENSE, Kind.CONV) else 1
            macs = self.tensors[layer.output].positions * layer.taps * fan_in * step.units_out
            found.append(macs if layer.kind in WEIGHTED else 0)
        return found

    def subnet(self, name: str) -> int:
        """Return the index of a subnet by its name.

        Raises:
            ModelError: No subnet has this name; the text lists the names.
        """
        names = [subnet.name for subnet in self.subnets]
        if name not in names:
            raise ModelError(f"{self.name} has no subnet {name}: it has {', '.join(names)}")
        return names.index(name)
