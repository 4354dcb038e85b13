"""Find layers that cost far more than their neighbors, and the reasons that are known for it.

The cost of a layer is its instructions for a unit of work: a multiply-accumulate, or a value that is read
where a layer has none. Neighbors of a layer are layers of the same kind on the same family whose work for an
output and whose number of outputs each differ by a factor of 2 at most. A layer is an outlier if it costs
more than three times the median of its neighbors, of which there are at least LEAST.
"""

import tomllib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from reds.pack.layouts import Layout
from reds.pack.model import WEIGHTED, IntegerLayer, Kind, Model, Step

DEARER = 3.0
"""Cost of an outlier, as a multiple of the median of its neighbors."""
ALIKE = 2.0
"""Most that the work and the outputs of two neighbors differ by."""
LEAST = 8
"""Fewest neighbors that a layer is compared with."""
_FEW = 16
"""Outputs of a layer so small that what it costs once outweighs them."""
_FEW_POSITIONS = 8
"""Positions of a layer so small that what it prepares for each line or row outweighs them."""
_VECTOR = 16
"""Units that a vector of NEON or Helium holds."""
_NARROW = 8
"""Units of a position, of a head or of a concatenation that fill no vector."""


@dataclass(frozen=True)
class Case:
    """One layer of one subnet on one family.

    Attributes:
        family: Name of the family.
        net: Number of the net.
        subnet: Index of the subnet.
        layer: Index of the layer.
        kind: Name of its kind.
        work: Multiply-accumulates, or values that it reads where it has none.
        outputs: Values that it writes.
        instructions: Instructions that it takes.
        traits: What may explain its cost, by the words of `reasons.toml`.
        shape: The layer in words.
    """

    family: str
    net: int
    subnet: int
    layer: int
    kind: str
    work: int
    outputs: int
    instructions: int
    traits: frozenset[str]
    shape: str

    @property
    def cost(self) -> float:
        """Return the instructions for a unit of work."""
        return self.instructions / self.work

    def __str__(self) -> str:
        where = f"{self.family}: net {self.net}, subnet {self.subnet + 1}, layer {self.layer}"
        return f"{where}, {self.kind} {self.shape} ({', '.join(sorted(self.traits))})"


@dataclass(frozen=True)
class Outlier:
    """A layer that costs far more than its neighbors."""

    case: Case
    usual: float
    """Median cost of its neighbors."""

    def __str__(self) -> str:
        return f"{self.case}: {self.case.cost:.1f} instructions for a unit of work, its like {self.usual:.1f}"


@dataclass(frozen=True)
class Reason:
    """Why layers of some kinds with a trait cost more than their neighbors."""

    trait: str
    text: str
    kinds: tuple[str, ...] = ()
    """Kinds that it explains; empty for all."""
    families: tuple[str, ...] = ()
    """Families that it explains; empty for all."""

    def explains(self, case: Case) -> bool:
        """Return whether a case has this trait, and is of these kinds and families."""
        named = not self.kinds or case.kind in self.kinds
        return named and self.trait in case.traits and (not self.families or case.family in self.families)


def reasons() -> list[Reason]:
    """Return the reasons that are known."""
    rows = tomllib.loads(Path(__file__).with_name("reasons.toml").read_text())["reason"]
    return [
        Reason(row["trait"], row["text"], tuple(row.get("kinds", ())), tuple(row.get("families", ())))
        for row in rows
    ]


def case(
    model: Model, chosen: Sequence[Layout], family: str, net: int, subnet: int, at: int, instructions: int
) -> Case:
    """Return the case of one step of a subnet.

    Args:
        model: The net.
        chosen: Layout of each of its layers.
        family: Name of the family.
        net: Number of the net.
        subnet: Index of the subnet.
        at: Index of the step.
        instructions: Instructions that the step takes.
    """
    step = model.subnets[subnet].steps[at]
    layer = model.layers[step.layer]
    written = model.tensors[layer.output]
    outputs, macs = written.positions * step.units_out, model.step_macs(subnet)[at]
    window = layer.taps if layer.kind in (Kind.AVERAGE_POOL, Kind.MAX_POOL) else len(layer.inputs)
    traits = frozenset(_traits(model, chosen[step.layer], layer, step, outputs))
    kind, work = layer.kind.name.lower(), macs or outputs * window
    return Case(
        family, net, subnet, step.layer, kind, work, outputs, instructions, traits, _shape(model, layer, step)
    )


def _traits(model: Model, layout: Layout, layer: IntegerLayer, step: Step, outputs: int) -> Iterator[str]:
    source, written = model.tensors[layer.inputs[0]], model.tensors[layer.output]
    yield layout.name
    if any(layout.plain(layer, step)):
        yield "plain rows"
    if step.activation is not None:
        yield "activation"
    if layer.dilation != (1, 1):
        yield "dilation"
    if outputs <= _FEW:
        yield "few outputs"
    if step.units_in % 4 and source.positions > 1:
        yield "odd input"
    if step.units_out < 4:
        yield "few units"
    if step.units_out < _NARROW:
        yield "narrow vectors"
    if step.units_out < _VECTOR:
        yield "part of a vector"
    if step.units_in < 4:
        yield "few inputs"
    if min(source.positions, written.positions) <= _FEW_POSITIONS:
        yield "few positions"
    if min(written.height, written.width) == 1 < min(source.height, source.width):
        yield "one line"
    if layer.taps == 1 and layer.stride != (1, 1):
        yield "skipped positions"
    if layer.kind is Kind.ATTENTION and written.units // layer.groups < _NARROW:
        yield "narrow heads"
    if layer.kind is Kind.CONCAT and step.units_out < _NARROW:
        yield "short copies"
    if layer.kind in WEIGHTED and any(layer.padding) and written.positions <= 2 * layer.taps:
        yield "mostly border"
    if any(model.tensors[other] != source for other in layer.inputs[1:]) and layer.kind is not Kind.CONCAT:
        yield "broadcast"


def _shape(model: Model, layer: IntegerLayer, step: Step) -> str:
    source, written = model.tensors[layer.inputs[0]], model.tensors[layer.output]
    kernel = "x".join(map(str, layer.kernel))
    stride = "" if layer.stride == (1, 1) else f" s{'x'.join(map(str, layer.stride))}"
    dilation = "" if layer.dilation == (1, 1) else f" d{'x'.join(map(str, layer.dilation))}"
    sides = f"{source.height}x{source.width} to {written.height}x{written.width}"
    return f"{kernel}{stride}{dilation}, {step.units_in} to {step.units_out} units, {sides}"


def outliers(cases: Iterable[Case]) -> list[Outlier]:
    """Return the cases that cost far more than their neighbors, the dearest first."""
    alike: dict[tuple[str, str], list[Case]] = defaultdict(list)
    for each in cases:
        alike[each.family, each.kind].append(each)
    found = []
    for group in alike.values():
        costs = np.array([each.cost for each in group])
        outputs = np.log([each.outputs for each in group])
        per_output = np.log([each.work / each.outputs for each in group])
        for i, each in enumerate(group):
            near = np.abs(outputs - outputs[i]) <= np.log(ALIKE) + 1e-9
            near &= np.abs(per_output - per_output[i]) <= np.log(ALIKE) + 1e-9
            near[i] = False
            if near.sum() >= LEAST and each.cost > DEARER * (usual := float(np.median(costs[near]))):
                found.append(Outlier(each, usual))
    return sorted(found, key=lambda one: one.usual / one.case.cost)
