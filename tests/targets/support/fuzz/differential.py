"""Compare the host's reader with the runtime's loader on mutated packs: verdicts, then outputs."""

import ctypes
import subprocess
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random

import numpy as np

from reds import pack
from reds.errors import ModelError
from reds.pack import interpreter
from reds.pack.model import Kind, Model
from reds.pack.reader import unpack
from tests.support.depth import deep_nets
from tests.support.modern import modern_nets
from tests.support.nets import Maker, dense_model, random_model, roomy
from tests.targets.support.compilation import processor_table
from tests.targets.support.fuzz.mutations import Mutator, Seed, seed_of
from tests.targets.support.sources import FAMILIES, RUNTIME, SUPPORT, WARNINGS, X86
from tests.targets.support.status import Status

EXAMPLES = 2
"""Inputs that an accepted pack runs."""


@dataclass
class Tally:
    """Count verdicts, and keep the mutants on which the two ends disagree."""

    verdicts: Counter[str] = field(default_factory=Counter)
    compared: int = 0
    """Accepted mutants whose outputs were compared."""
    disagreements: list[tuple[bytes, str]] = field(default_factory=list)


def build(folder: Path) -> ctypes.CDLL:
    """Compile the runtime with the portable kernels alone, as a shared library."""
    library = folder / "runtime.so"
    sources = [file for file in RUNTIME if file not in {FAMILIES, *X86}]
    files = map(str, [SUPPORT / "fuzz/library.c", processor_table(folder), *sources])
    subprocess.run(["cc", *WARNINGS, "-O2", "-shared", "-fPIC", *files, "-o", str(library)], check=True)
    loaded = ctypes.CDLL(str(library))
    loaded.fuzz_load.argtypes = [ctypes.c_char_p, ctypes.c_size_t]
    loaded.fuzz_run.argtypes = [ctypes.c_uint32, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_void_p]
    loaded.fuzz_run.restype = ctypes.c_long
    return loaded


def seeds() -> list[Seed]:
    """Return small packs of every kind of layer: one subnet or several, shared tables, roomy arenas."""
    nets = [dense_model([5, 3], [[3]], 1), dense_model([9, 6, 5, 3], [[2, 3, 3], [4, 4, 3], [6, 5, 3]], 3)]
    nets += [random_model(seed, subnets=1 + seed % 3) for seed in range(60)]
    pool = Maker(4, 3, 2, 7)
    pool.add(Kind.MAX_POOL, 0, (2, 2))
    nets += [
        pool.build([[]], "unweighted"),
        residual(),
        shared_table(),
        replace(nets[1], name="n\u00e4tz \u6f22"),
        replace(nets[1], standardized=True),
    ]
    nets += [roomy(net) for net in (*nets[:6], residual(), residual())]
    nets += [*deep_nets(range(12)), *modern_nets(range(60))]
    packs = [pack.dumps(net) for net in nets]
    return [seed_of(data) for data in packs if len(data) < 6_000]


def residual() -> Model:
    """Return a net whose first tensors are read again later, so that their bytes must be kept."""
    maker = Maker(3, 3, 4, 5)
    first = maker.add(Kind.CONV, 4)
    maker.add(Kind.DEPTHWISE, 0, (3, 3), padding=(1, 1, 1, 1))
    maker.add(Kind.CONV, 4)
    maker.add(Kind.ADD, relu=True, other=first)
    maker.add(Kind.AVERAGE_POOL, 0, (3, 3))
    maker.add(Kind.DENSE, 3)
    return maker.build([[2, 2, 3], [4, 4, 3]], "residual")


def shared_table() -> Model:
    """Return a net in which an average pool has the same table in both subnets."""
    maker = Maker(4, 4, 2, 6)
    maker.add(Kind.CONV, 3)
    maker.add(Kind.AVERAGE_POOL, 0, (2, 2), (2, 2))
    maker.add(Kind.FLATTEN)
    maker.add(Kind.DENSE, 2)
    model = maker.build([[2, 2], [3, 2]], "shared")
    small, large = model.subnets
    steps = large.steps[0], replace(small.steps[1], units_in=3, units_out=3), *large.steps[2:]
    zero = steps[1].zero
    steps = *steps[:2], replace(steps[2], zero=zero), steps[3]
    return replace(model, subnets=(small, replace(large, steps=steps)))


def compare(
    runtime: ctypes.CDLL, packs: Sequence[Seed], runs: int, number: int, tally: Tally | None = None
) -> Tally:
    """Compare both ends on so many mutants, the same ones for the same number."""
    tally = tally or Tally()
    mutator, random = Mutator(packs, number), Random(number)
    for _ in range(runs):
        data = mutator.next()
        if differs := _difference(runtime, data, random, tally):
            tally.disagreements.append((data, differs))
    return tally


def _difference(runtime: ctypes.CDLL, data: bytes, random: Random, tally: Tally) -> str:
    """Return how the two ends disagree on a file, or nothing."""
    status = Status(runtime.fuzz_load(data, len(data)))
    tally.verdicts[status.name] += 1
    try:
        model = unpack(data)
    except ModelError as error:
        return "" if status is not Status.OK else f"the runtime accepts it, the reader does not: {error}"
    except Exception as error:
        return f"the reader raises {error!r}"
    if status is not Status.OK:
        return f"the reader accepts it, the runtime does not: {status.name}"
    subnet = random.randrange(len(model.subnets))
    x = np.frombuffer(random.randbytes(EXAMPLES * model.input_size), np.int8).reshape(EXAMPLES, -1)
    x = interpreter.clamp_input(x)
    found = np.zeros((EXAMPLES, model.output_size(subnet)), np.int8)
    written = runtime.fuzz_run(subnet, x.ctypes.data, EXAMPLES, found.ctypes.data)
    if written < 0:  # its arena is too large for this test
        return ""
    tally.compared += 1
    same = written == found.size and np.array_equal(found, interpreter.run(model, subnet, x))
    return "" if same else f"subnet {subnet} answers otherwise"
