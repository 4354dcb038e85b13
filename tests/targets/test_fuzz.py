"""Mutated packs and mutated sessions through the C code under sanitizers: 100,000 of each."""

import struct
import subprocess
import zlib
from pathlib import Path

import pytest

from hil.link.protocol import VERSION, Command
from reds import pack
from reds.layouts import CANONICAL, LAYOUTS, Layout
from reds.model import Model
from tests.nets import dense_model, inputs, random_model
from tests.targets.conftest import Compile
from tests.targets.x86 import FAMILIES, needs, stand_in

ITERATIONS = 100_000
SEED = 20_311_13349


def fuzz(program: Path, seeds: list[Path]) -> dict[str, int]:
    command = [str(program), str(ITERATIONS), str(SEED), *map(str, seeds)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    rows = [line.split(":")[0].split() for line in done.stdout.splitlines()]
    return {what: sum(int(n) for w, n in rows if w == what) for what in {w for w, _ in rows}}


NETS = [
    dense_model([5, 3], [[3]], 1),
    dense_model([12, 8, 4], [[4, 4], [8, 4]], 2),
    dense_model([9, 6, 5, 3], [[2, 3, 3], [4, 4, 3], [6, 5, 3]], 3),
    *(random_model(seed) for seed in range(24)),
]


def fuzz_packs(program: Path, layout: Layout, folder: Path) -> None:
    seeds = []
    for i, net in enumerate(NETS):
        seeds.append(folder / f"{i}.reds")
        seeds[-1].write_bytes(pack.dumps(net, layout))
    counts = fuzz(program, seeds)
    assert counts["accepted"] + counts["refused"] == ITERATIONS
    assert min(counts.values()) > ITERATIONS // 20, "the mutations no longer reach both sides of the loader"


def test_mutated_packs(compiled: Compile, tmp_path: Path) -> None:
    fuzz_packs(compiled("fuzz_pack", "fuzz/driver.c", "fuzz/pack.c"), CANONICAL, tmp_path)


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_mutated_packs_of_the_x86_layout(compiled: Compile, tmp_path: Path, family: str) -> None:
    needs(family)
    sources = "fuzz/driver.c", "fuzz/pack.c"
    program = compiled("fuzz_pack", *sources, family=family, header=stand_in(family))
    fuzz_packs(program, LAYOUTS[2], tmp_path)


def record(command: Command, payload: bytes = b"") -> bytes:
    return struct.pack("<HBB", len(payload) + 2, command, 1) + payload


def session(model: Model) -> bytes:
    """Everything a host asks, in order."""
    data = pack.dumps(model)
    x = inputs(model, 3)
    records = [record(Command.HELLO, struct.pack("<H", VERSION))]
    records += [record(Command.PUT_BEGIN, struct.pack("<II", len(data), zlib.crc32(data)))]
    for at in range(0, len(data), 1024):
        records.append(record(Command.PUT_DATA, struct.pack("<I", at) + data[at : at + 1024]))
    records += [record(Command.PUT_END)]
    for at in range(0, x.size, 13):
        records.append(record(Command.INPUTS, struct.pack("<I", at) + x.tobytes()[at : at + 13]))
    last = len(model.subnets) - 1
    records += [record(Command.SELECT, struct.pack("<H", last)), record(Command.INFER, struct.pack("<H", 3))]
    records += [record(Command.MEASURE, struct.pack("<HBBHH", 0, 0, 0, 3, 2))]
    records += [record(Command.SWITCH, struct.pack("<HHBBHH", 0, last, 0, 0, 3, 3))]
    records += [struct.pack("<H", 0x8000 | 9) + b"\x03\x41\xff\x00\x05\x00\x01\x01\x00"]
    endless = b"\xff" * 5000 + b"\x00"  # longer than any frame
    records += [struct.pack("<H", 0x8000 | len(endless)) + endless]
    records += [record(Command.RESET), record(Command.INFER, struct.pack("<H", 1))]
    return b"".join(records)


def test_mutated_sessions(compiled: Compile, tmp_path: Path) -> None:
    seed = tmp_path / "session"
    seed.write_bytes(session(NETS[1]))
    counts = fuzz(compiled("fuzz_session", "fuzz/driver.c", "fuzz/session.c", agent=True), [seed])
    assert min(counts.values()) > ITERATIONS, "the mutations no longer reach both answers and refusals"
