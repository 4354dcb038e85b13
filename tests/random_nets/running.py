"""Run one drawn net on some families, and compare its outputs with the interpreter's."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from reds.pack import interpreter
from reds.pack.model import Model
from tests.random_nets import draw
from tests.random_nets.families import NoOutputError, Runs
from tests.random_nets.outliers import Case, case
from tests.support.nets import inputs

INPUTS = 3
"""Inputs of each net: both extremes and a random one, whose instructions are counted."""


def check(seed: int, families: Mapping[str, Runs]) -> tuple[list[Case], list[str]]:
    """Run a net on every family, and return the cost of its layers and a sentence for each fault."""
    model = draw.model(seed)
    x = inputs(model, INPUTS, seed)
    expected = [interpreter.run(model, s, x).tobytes() for s in range(len(model.subnets))]
    cases, faults = list[Case](), list[str]()
    for name, family in families.items():
        try:
            cases += _on(family, name, seed, model, x, expected)
        except NoOutputError as error:
            faults.append(f"net {seed} on {name}: {error}")
    return cases, faults


def _on(
    family: Runs, name: str, seed: int, model: Model, x: NDArray[np.int8], expected: list[bytes]
) -> list[Case]:
    """Return the cost of each layer of each subnet. Raises `NoOutputError`, also if outputs differ."""
    ran, chosen = family.run(model, x), family.chosen(model)
    for way, outputs in (("as a whole", ran.whole), ("layer by layer", ran.by_layer)):
        for s, (given, right) in enumerate(zip(outputs, expected, strict=True)):
            if given != right:
                where = f"subnet {s + 1} of {model.name}, {way}"
                raise NoOutputError(f"{where}: outputs differ from the interpreter's")
    return [
        case(model, chosen, name, seed, s, k, taken)
        for s, layers in enumerate(ran.instructions)
        for k, taken in enumerate(layers)
    ]
