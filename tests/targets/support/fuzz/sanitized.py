"""Run mutated packs through the runtime and mutated sessions through the agent, in C under sanitizers."""

import struct
import subprocess
import zlib
from dataclasses import replace
from pathlib import Path

from hil.protocol.definition import (
    COST,
    DECIDE,
    GOVERN,
    HELLO_REQUEST,
    INFER,
    MEASURE,
    MEMORY,
    OFFSET,
    PAGES,
    PUT_BEGIN,
    PUT_COPY,
    SELECT,
    SWITCH,
    VERSION,
    Command,
    Policy,
)
from reds import pack
from reds.pack.layouts import CANONICAL, Layout
from reds.pack.model import Model
from tests.support.nets import inputs
from tests.targets.support.compilation import Compiler
from tests.targets.support.models import NETS, stored

TARGETS = {"packs": "fuzz/pack.c", "frames": "fuzz/session.c"}
"""What is fuzzed, and the C source of each target."""


def program(compiler: Compiler, target: str, family: str = "", header: Path | None = None) -> Path:
    """Compile a fuzz target with the driver that mutates its seeds."""
    sources = "fuzz/driver.c", TARGETS[target]
    return compiler.program(*sources, agent=target == "frames", family=family, header=header)


def seed_files(target: str, folder: Path, layout: Layout = CANONICAL) -> list[Path]:
    """Write the seeds of a fuzz target, packs in a layout or a session, and return their paths."""
    sessions = map(session, (NETS[1], NETS[-1]))
    seeds = list(sessions) if target == "frames" else [stored(net, layout) for net in NETS]
    files = [folder / f"{target}-{i}" for i in range(len(seeds))]
    for file, seed in zip(files, seeds, strict=True):
        file.write_bytes(seed)
    return files


def run(
    fuzzer: Path, seeds: list[Path], runs: int, number: int
) -> tuple[subprocess.CompletedProcess[str], dict[str, int]]:
    """Run a fuzz target so many times, and return its process and what it counted."""
    command = [str(fuzzer), str(runs), str(number), *map(str, seeds)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    rows = [line.split(":")[0].split() for line in done.stdout.splitlines()]
    return done, {what: sum(int(n) for w, n in rows if w == what) for what in {w for w, _ in rows}}


def session(model: Model) -> bytes:
    """Return every command of the protocol in the order of a real session, as the fuzz target's records."""
    data = pack.dumps(model)
    x = inputs(model, 3)
    records = [_record(Command.HELLO, HELLO_REQUEST.pack(VERSION))]
    records += [_record(Command.PUT_BEGIN, PUT_BEGIN.pack(len(data), zlib.crc32(data)))]
    for at in range(0, len(data), 1024):
        records.append(_record(Command.PUT_DATA, OFFSET.pack(at) + data[at : at + 1024]))
    records += [_record(Command.PUT_END)]
    for at in range(0, x.size, 13):
        records.append(_record(Command.INPUTS, OFFSET.pack(at) + x.tobytes()[at : at + 13]))
    last = len(model.subnets) - 1
    records += [_record(Command.SELECT, SELECT.pack(last)), _record(Command.INFER, INFER.pack(3))]
    records += [_record(Command.MEASURE, MEASURE.pack(0, 0, 0, 3, 2))]
    records += [_record(Command.SWITCH, SWITCH.pack(0, last, 0, 0, 3, 3))]
    records += [_record(Command.PROFILE, MEASURE.pack(last, 0, 0, 2, 3))]
    records += [_record(Command.MEMORY, MEMORY.pack(0, 2))]
    rules = GOVERN.pack(Policy.DEADLINE_AND_ENERGY, 10, 0, 0, 0, 0, 0, 2, 10**9, 1000, 9000, 9, 0)
    costs = b"".join(COST.pack(i + 1, i + 1) for i in range(len(model.subnets)))
    records += [_record(Command.GOVERN, rules + costs)]
    for held, deadline in ((99, 99), (99, 1), (0, 99)):
        records.append(_record(Command.DECIDE, DECIDE.pack(held, 9, deadline, 0, 0, 20, 2)))
    records += _update(data, pack.dumps(replace(model, name="new")))
    records += [_raw(b"\0"), *map(_raw, _texts(model))]
    records += [_raw(b"\x03\x41\xff\x00\x05\x00\x01\x01\x00")]
    records += [_raw(b"\xff" * 5000 + b"\x00")]  # longer than any frame
    records += [_record(Command.RESET), _record(Command.INFER, INFER.pack(1))]
    return b"".join(records)


def _texts(model: Model) -> list[bytes]:
    """Return a session of the MLPerf Tiny runner: inputs as int8 and as real numbers, and every command."""
    commands = ["name", "profile", "subnet 0", "infer 2 1", "x"]
    for data in (inputs(model, 1).tobytes(), inputs(model, 1).astype("<f4").tobytes()):
        commands += [f"db load {len(data)}"]
        commands += [f"db {data[at : at + 31].hex()}" for at in range(0, len(data), 31)]
        commands += ["infer 1 0"]
    return [f"{command}%".encode() for command in commands]


def _raw(data: bytes) -> bytes:
    return struct.pack("<H", 0x8000 | len(data)) + data


def _update(old: bytes, new: bytes) -> list[bytes]:
    """Return the records that store a pack beside the loaded one, and copy all pages but the first."""
    records = [_record(Command.PAGES, PAGES.pack(0))]
    records += [_record(Command.PUT_BEGIN, PUT_BEGIN.pack(len(new), zlib.crc32(new)))]
    records += [_record(Command.PUT_DATA, OFFSET.pack(0) + new[:512])]
    assert old[512:] == new[512:]
    return [*records, _record(Command.PUT_COPY, PUT_COPY.pack(512, len(new) - 512)), _record(Command.PUT_END)]


def _record(command: Command, payload: bytes = b"") -> bytes:
    return struct.pack("<HBB", len(payload) + 2, command, 1) + payload
