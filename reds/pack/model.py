"""Describe the integer network that a pack holds, as plain arrays.

One set of int8 weights serves every subnet. Subnets differ in little: how many units each layer reads and
writes, and one bias and one multiplier for each row that a layer computes. `reds.pack.interpreter` defines
the arithmetic, and `reds.pack.validate` checks every rule.

Tensors are NHWC. Those of a dense network are 1 x 1 x units.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from reds.errors import ModelError
from reds.pack.kinds import BLOCKED as BLOCKED
from reds.pack.kinds import COPYING as COPYING
from reds.pack.kinds import FACTORED as FACTORED
from reds.pack.kinds import MIXING as MIXING
from reds.pack.kinds import REQUANTIZED as REQUANTIZED
from reds.pack.kinds import WEIGHTED as WEIGHTED
from reds.pack.kinds import WINDOWED as WINDOWED
from reds.pack.kinds import Kind as Kind
from reds.pack.kinds import table_rows as table_rows

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

    `weights` is int8 [units_out, fan_in], the most important unit first: dense [out, in], convolution and
    transposed convolution [out, kernel rows * columns * in], grouped [out, kernel rows * columns * in of a
    block], depthwise [units, kernel rows * columns]. An embedding has [positions, units], others [0, 0]. The
    kernel of a transposed convolution is flipped already, so that it slides as that of a convolution.
    Padding is filled with the zero point of the input, but that of a max pool with -128.
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
    """Rows and columns that a window moves by; of a transposed convolution and an upsampling how often each
    row and column of the input is written."""
    padding: tuple[int, int, int, int] = (0, 0, 0, 0)
    """Rows and columns added at the top, left, bottom and right. An embedding has at the top the number of
    positions that it puts in front."""
    dilation: tuple[int, int] = (1, 1)
    """Rows and columns from one position of a window to the next."""
    groups: int = 1
    """Blocks of a grouped convolution, and heads of an attention, in the full network."""

    @property
    def taps(self) -> int:
        """Return the number of positions in the kernel's window."""
        return self.kernel[0] * self.kernel[1]

    @property
    def span(self) -> tuple[int, int]:
        """Return the rows and columns from the first to the last position of a window, both included."""
        (rows, columns), (down, across) = self.kernel, self.dilation
        return (rows - 1) * down + 1, (columns - 1) * across + 1

    @property
    def front(self) -> int:
        """Return the positions that an embedding puts in front of those that it reads."""
        return self.padding[0] if self.kind is Kind.EMBED else 0

    def weight_shape(self, tensors: Sequence[TensorShape]) -> tuple[int, int]:
        """Return the shape that the weights must have.

        Args:
            tensors: All tensors of the full network.
        """
        read, written = tensors[self.inputs[0]].units, tensors[self.output]
        if self.kind is Kind.EMBED:
            return written.positions, written.units
        if self.kind not in WEIGHTED:
            return 0, 0
        if self.kind is Kind.GROUPED:
            read //= self.groups
        return written.units, self.taps * (1 if self.kind is Kind.DEPTHWISE else read)

    def subnet_weights(self, step: "Step") -> NDArray[np.int8]:
        """Return the weights that a subnet reads.

        The shape is int8 [units_out, taps * units_in]; depthwise [units, taps]; grouped [units_out, taps *
        units of a block]; embedding [positions, units]; without weights [0, 0].
        """
        if self.kind is Kind.EMBED:
            return self.weights[:, : step.units_out]
        rows = self.weights[: step.units_out]
        if self.kind not in MIXING:
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

    `bias` and `multiplier` are int32 [rows], with the rows of `table_rows`. An average, an addition and an
    embedding scale what they read: `acc = bias + factors[0] * sum`, `acc = bias + factors[0] * a +
    factors[1] * b`. Some kinds have other numbers in their rows: `reds.pack.kinds` lists them.
    """

    layer: int
    """Index of the layer."""
    units_in: int
    """Units of the first tensor that it reads."""
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
        """Return the multiply-accumulates of each step, 0 for a layer without products of weights or keys."""
        return [self._macs(self.layers[step.layer], step) for step in self.subnets[subnet].steps]

    def _macs(self, layer: IntegerLayer, step: Step) -> int:
        source, target = self.tensors[layer.inputs[0]], self.tensors[layer.output]
        if layer.kind is Kind.ATTENTION:
            return 2 * source.positions * self.tensors[layer.inputs[1]].positions * step.units_out
        if layer.kind not in WEIGHTED:
            return 0
        fan_in = step.units_in if layer.kind in MIXING else 1
        if layer.kind is Kind.GROUPED:
            fan_in = source.units // layer.groups
        positions = source.positions if layer.kind is Kind.TRANSPOSED else target.positions
        return positions * layer.taps * fan_in * step.units_out

    def kept(self, subnet: int) -> list[tuple[int, ...]]:
        """Return for each tensor the units that each subnet keeps, from the smallest one to this one."""
        by_subnet = [[room.units for room in self.rooms(each)] for each in range(subnet + 1)]
        return list(zip(*by_subnet, strict=True))

    def subnet(self, name: str) -> int:
        """Return the index of a subnet by its name.

        Raises:
            ModelError: No subnet has this name; the text lists the names.
        """
        names = [subnet.name for subnet in self.subnets]
        if name not in names:
            raise ModelError(f"{self.name} has no subnet {name}: it has {', '.join(names)}")
        return names.index(name)
