"""Run one drawn net on some families, and compare its outputs with the interpreter's."""

from collections.abc import Mapping
from pathlib import Path

from reds import pack
from reds.pack import interpreter
from reds.pack.layouts import best
from reds.pack.model import Model
from tests.random_nets import draw
from tests.random_nets.families import NoOutputError, Program
from tests.random_nets.outliers import Case, case
from tests.support.nets import inputs

INPUTS = 3
"""Inputs of each net: both extremes and a random one, whose instructions are counted."""


def check(seed: int, programs: Mapping[str, Program], folder: Path) -> tuple[list[Case], list[str]]:
    """Run a net on every family, and return the cost of its layers and a sentence for each fault."""
    model = draw.model(seed)
    x = inputs(model, INPUTS, seed)
    subnets = range(len(model.subnets))
    expected = [interpreter.run(model, s, x).tobytes() for s in subnets]
    cases, faults = list[Case](), list[str]()
    for name, program in programs.items():
        try:
            cases += _on(program, name, seed, model, x.tobytes(), expected, folder)
        except NoOutputError as error:
            faults.append(f"net {seed} on {name}: {error}")
    return cases, faults


def _on(
    program: Program, name: str, seed: int, model: Model, x: bytes, expected: list[bytes], folder: Path
) -> list[Case]:
    """Return the cost of each layer of each subnet. Raises `NoOutputError`, also if outputs differ."""
    chosen, file = best(model, program.layouts), folder / f"{name}.reds"
    file.write_bytes(pack.dumps(model, chosen))
    runs = [s for s in range(len(model.subnets)) for _ in range(INPUTS)]
    steps = [len(model.subnets[s].steps) for s in runs]
    ran = program.run(file, x, steps, [model.output_size(s) for s in runs])
    for way, outputs in (("as a whole", ran.whole), ("layer by layer", ran.by_layer)):
        at = 0
        for s, right in enumerate(expected):
            if outputs[at : at + len(right)] != right:
                where = f"subnet {s + 1} of {model.name}, {way}"
                raise NoOutputError(f"{where}: outputs differ from the interpreter's")
            at += len(right)
    if ran.instructions is None:
        return []
    found, at = [], 0
    for i, (s, count) in enumerate(zip(runs, steps, strict=True)):
        if i % INPUTS == INPUTS - 1:
            taken = ran.instructions[at : at + count]
            found += [case(model, chosen, name, seed, s, k, n) for k, n in enumerate(taken)]
        at += count
    return found
