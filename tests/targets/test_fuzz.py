"""Mutated packs and mutated sessions through the C code under sanitizers, 100,000 of each."""

import struct
import subprocess
import zlib
from pathlib import Path

import pytest

from hil.protocol.definition import (
    HELLO_REQUEST,
    INFER,
    MEASURE,
    OFFSET,
    PUT_BEGIN,
    SELECT,
    SWITCH,
    VERSION,
    Command,
)
from reds import pack
from reds.pack.layouts import CANONICAL, LAYOUTS, Layout
from reds.pack.model import Model
from tests.support.nets import inputs
from tests.targets.support.compilation import Compiler
from tests.targets.support.fuzzing import ITERATIONS, SEED
from tests.targets.support.models import NETS
from tests.targets.support.x86 import FAMILIES, needs, stand_in


def fuzz(program: Path, seeds: list[Path]) -> dict[str, int]:
    command = [str(program), str(ITERATIONS), str(SEED), *map(str, seeds)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    rows = [line.split(":")[0].split() for line in done.stdout.splitlines()]
    return {what: sum(int(n) for w, n in rows if w == what) for what in {w for w, _ in rows}}


def fuzz_packs(program: Path, layout: Layout, folder: Path) -> None:
    seeds = []
    for i, net in enumerate(NETS):
        seeds.append(folder / f"{i}.reds")
        seeds[-1].write_bytes(pack.dumps(net, layout))
    counts = fuzz(program, seeds)
    assert counts["accepted"] + counts["refused"] == ITERATIONS
    assert min(counts.values()) > ITERATIONS // 20, "the mutations are no longer both accepted and refused"


def test_mutated_packs_are_refused_or_run_within_bounds(compiler: Compiler, tmp_path: Path) -> None:
    fuzz_packs(compiler.program("fuzz/driver.c", "fuzz/pack.c"), CANONICAL, tmp_path)


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_mutated_packs_of_the_x86_layout_are_refused_or_run_within_bounds(
    compiler: Compiler, tmp_path: Path, family: str
) -> None:
    needs(family)
    sources = "fuzz/driver.c", "fuzz/pack.c"
    fuzz_packs(compiler.program(*sources, family=family, header=stand_in(family)), LAYOUTS[2], tmp_path)


def record(command: Command, payload: bytes = b"") -> bytes:
    return struct.pack("<HBB", len(payload) + 2, command, 1) + payload


def session(model: Model) -> bytes:
    """Every command of the protocol in the order of a real session, as the fuzz target's records."""
    data = pack.dumps(model)
    x = inputs(model, 3)
    records = [record(Command.HELLO, HELLO_REQUEST.pack(VERSION))]
    records += [record(Command.PUT_BEGIN, PUT_BEGIN.pack(len(data), zlib.crc32(data)))]
    for at in range(0, len(data), 1024):
        records.append(record(Command.PUT_DATA, OFFSET.pack(at) + data[at : at + 1024]))
    records += [record(Command.PUT_END)]
    for at in range(0, x.size, 13):
        records.append(record(Command.INPUTS, OFFSET.pack(at) + x.tobytes()[at : at + 13]))
    last = len(model.subnets) - 1
    records += [record(Command.SELECT, SELECT.pack(last)), record(Command.INFER, INFER.pack(3))]
    records += [record(Command.MEASURE, MEASURE.pack(0, 0, 0, 3, 2))]
    records += [record(Command.SWITCH, SWITCH.pack(0, last, 0, 0, 3, 3))]
    records += [struct.pack("<H", 0x8000 | 9) + b"\x03\x41\xff\x00\x05\x00\x01\x01\x00"]
    endless = b"\xff" * 5000 + b"\x00"  # longer than any frame
    records += [struct.pack("<H", 0x8000 | len(endless)) + endless]
    records += [record(Command.RESET), record(Command.INFER, INFER.pack(1))]
    return b"".join(records)


def test_mutated_sessions_are_answered_within_bounds(compiler: Compiler, tmp_path: Path) -> None:
    seed = tmp_path / "session"
    seed.write_bytes(session(NETS[1]))
    counts = fuzz(compiler.program("fuzz/driver.c", "fuzz/session.c", agent=True), [seed])
    assert min(counts.values()) > ITERATIONS, "the mutations are no longer both answered and refused"
