"""The integer network: what a pack holds, as plain arrays.

One set of int8 weights serves every subnet. What differs between subnets is small: how many units each
layer reads and writes, and a bias and a multiplier for each unit it writes. The arithmetic is the
project's contract (README, "Arithmetic"); `reference.py` is its norm.

Shapes use NHWC tensors; a dense net's tensors are 1 x 1 x units.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

LIMIT = 127
"""Weights, inputs and activations lie in [-LIMIT, LIMIT]."""
BIAS_LIMIT = 1 << 30
"""|bias| stays below this; with MAX_FAN_IN it proves that acc fits int32, whatever the weights are."""
MAX_FAN_IN = 65_536
MULTIPLIER_STEP = 256
"""Multipliers are multiples of this, so that a kernel may hold 256 * acc and multiply by m / 256."""


class ModelError(ValueError):
    """The network breaks a rule of the pack; the text names the layer and the subnet."""


class Kind(IntEnum):
    """What a layer computes. The numbers are part of the pack format."""

    DENSE = 1
    CONV = 2
    DEPTHWISE = 3
    AVERAGE_POOL = 4
    MAX_POOL = 5
    ADD = 6
    FLATTEN = 7


SUPPORTED = frozenset({Kind.DENSE})
"""The kinds that the pack, the reference and the runtime of this version agree on."""


@dataclass(frozen=True)
class Tensor:
    """What a layer reads or writes, at the full net's size."""

    height: int
    width: int
    units: int

    def size(self, units: int) -> int:
        """Bytes of the tensor when only `units` of its units are live."""
        return self.height * self.width * units


@dataclass(frozen=True)
class Layer:
    """One layer of the full net. `weights` is int8 [units_out, fan_in], rows in order of importance."""

    kind: Kind
    inputs: tuple[int, ...]
    output: int
    weights: NDArray[np.int8]
    relu: bool = False
    kernel: tuple[int, int] = (1, 1)
    stride: tuple[int, int] = (1, 1)
    padding: tuple[int, int, int, int] = (0, 0, 0, 0)
    """Rows and columns added at the top, left, bottom and right."""


@dataclass(frozen=True)
class Step:
    """What one subnet does in one layer: `bias` and `multiplier` are int32 [units_out]."""

    units_in: int
    units_out: int
    bias: NDArray[np.int32]
    multiplier: NDArray[np.int32]
    zero: int
    """Zero point of the output; -127 after a ReLU."""


@dataclass(frozen=True)
class Subnet:
    """One nested subnetwork: a step for each layer. `label` is its MACs budget, as `25%`."""

    label: str
    macs: int
    steps: tuple[Step, ...]
    output_scale: float


@dataclass(frozen=True)
class Model:
    """A network and its subnets, smallest first. Tensor 0 is the input, the last tensor the output."""

    name: str
    tensors: tuple[Tensor, ...]
    layers: tuple[Layer, ...]
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

    def macs(self, subnet: int) -> int:
        """Multiply-accumulates of one inference, true fan-in, classifier counted."""
        steps = self.subnets[subnet].steps
        return sum(step.units_in * step.units_out for step in steps)

    def subnet(self, label: str) -> int:
        """Index of the subnet with this label; `ModelError` names those there are."""
        labels = [s.label for s in self.subnets]
        if label not in labels:
            raise ModelError(f"{self.name} has no subnet {label}: it has {', '.join(labels)}")
        return labels.index(label)

    def check(self) -> None:
        """Raise `ModelError` at the first rule that does not hold."""
        _require(0 < len(self.layers) <= 255, "a pack holds 1 to 255 layers")
        _require(0 < len(self.subnets) <= 64, "a pack holds 1 to 64 subnets")
        _require(0 < len(self.name.encode()) <= 31, "the name takes 1 to 31 bytes")
        _require(len(self.tensors) == len(self.layers) + 1, "each layer writes one tensor of its own")
        for i, layer in enumerate(self.layers):
            _check_layer(f"layer {i}", layer, i, self.tensors)
        for s, subnet in enumerate(self.subnets):
            where = f"subnet {subnet.label}"
            _require(0 < len(subnet.label.encode()) <= 7, f"{where}: a label takes 1 to 7 bytes")
            _require(len(subnet.steps) == len(self.layers), f"{where}: one step a layer")
            units = {0: self.tensors[0].units}
            for i, (layer, step) in enumerate(zip(self.layers, subnet.steps, strict=True)):
                _require(
                    step.units_in == units[layer.inputs[0]],
                    f"{where}, layer {i}: reads other units than were written",
                )
                _check_step(f"{where}, layer {i}", self.tensors[layer.output].units, layer, step)
                units[layer.output] = step.units_out
                if s:
                    smaller = self.subnets[s - 1].steps[i]
                    _require(smaller.units_out <= step.units_out, f"{where}, layer {i}: not nested")
            _require(
                subnet.macs == self.macs(s), f"{where}: MACs {subnet.macs} stated, {self.macs(s)} counted"
            )


def _require(condition: bool, text: str) -> None:
    if not condition:
        raise ModelError(text)


def _check_layer(where: str, layer: Layer, index: int, tensors: Sequence[Tensor]) -> None:
    _require(
        layer.kind in SUPPORTED,
        f"{where}: {layer.kind.name.lower()} layers are not supported by this version",
    )
    _require(
        len(layer.inputs) == 1 and 0 <= layer.inputs[0] <= index, f"{where}: reads a tensor not written yet"
    )
    _require(layer.output == index + 1, f"{where}: tensors are numbered in the order they are written")
    source, target = tensors[layer.inputs[0]], tensors[layer.output]
    _require(
        (source.height, source.width, target.height, target.width) == (1, 1, 1, 1),
        f"{where}: dense layers read 1 x 1 tensors",
    )
    _require(0 < source.units <= 65_535 and 0 < target.units <= 65_535, f"{where}: 1 to 65,535 units")
    _require(layer.weights.dtype == np.int8, f"{where}: weights are int8")
    _require(
        layer.weights.shape == (target.units, source.units), f"{where}: weights are [units out, units in]"
    )
    _require(int(layer.weights.min()) >= -LIMIT, f"{where}: weights lie in [-127, 127]")


def _check_step(where: str, units: int, layer: Layer, step: Step) -> None:
    _require(0 < step.units_out <= units, f"{where}: {step.units_out} units of {units}")
    for name, values in (("bias", step.bias), ("multiplier", step.multiplier)):
        _require(
            values.dtype == np.int32 and values.shape == (step.units_out,),
            f"{where}: {name} is int32, one a unit",
        )
    _require(
        bool(np.all(np.abs(step.bias.astype(np.int64)) < BIAS_LIMIT)), f"{where}: a bias of 2^30 or more"
    )
    _require(not np.any(step.multiplier % MULTIPLIER_STEP), f"{where}: multipliers are multiples of 256")
    _require(-LIMIT <= step.zero <= LIMIT, f"{where}: the zero point lies in [-127, 127]")
    _require(not layer.relu or step.zero == -LIMIT, f"{where}: after a ReLU the zero point is -127")
