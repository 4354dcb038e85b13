"""Structs that C shares with the host or with assembler have each field at the same offset on both sides."""

import configparser
import json
import re
import subprocess
from itertools import accumulate
from pathlib import Path
from struct import Struct, calcsize

import pytest

from reds.pack import format as pack_format
from tests.targets.support.compilation import Compiler
from tests.targets.support.sources import TARGETS

CORTEX_M4 = TARGETS / "runtime/kernels/cortex_m4"


def fields(layout: Struct) -> list[tuple[int, int]]:
    """Return offset and size of each field that the struct packs."""
    sizes: list[int] = []
    for count, code in re.findall(r"(\d*)(\w)", layout.format.lstrip("<")):
        sizes += [calcsize(f"<{count}s")] if code == "s" else [calcsize(f"<{code}")] * int(count or 1)
    return list(zip(accumulate([0, *sizes[:-1]]), sizes, strict=True))


def test_structs_of_the_pack_have_the_offsets_the_host_writes(compiler: Compiler) -> None:
    program = compiler.program("offsets.c")
    printed = subprocess.run([program], capture_output=True, text=True, check=True).stdout
    ours: dict[str, list[tuple[int, int]]] = {}
    for line in printed.splitlines():
        name, offset, size, elements = line.split()
        each = int(size) // int(elements)
        ours.setdefault(name, []).extend((int(offset) + each * i, each) for i in range(int(elements)))
    host = {name: fields(getattr(pack_format, name.upper())) for name in ours}
    assert ours == host


@pytest.mark.cross("arm-none-eabi-gcc")
@pytest.mark.parametrize("constant", re.findall(r"#define (\w+) \d+", (CORTEX_M4 / "offsets.h").read_text()))
def test_wrong_offset_in_the_assembler_does_not_compile(constant: str, tmp_path: Path) -> None:
    """Every constant of offsets.h is checked by offsets.c: moved by four bytes, none is let through."""
    text = (CORTEX_M4 / "offsets.h").read_text()
    moved = re.sub(rf"(#define {constant}) (\d+)", lambda m: f"{m[1]} {int(m[2]) + 4}", text)
    (tmp_path / "offsets.h").write_text(moved)
    (tmp_path / "offsets.c").write_text((CORTEX_M4 / "offsets.c").read_text())
    command = ["arm-none-eabi-gcc", "-mcpu=cortex-m4", "-fsyntax-only", f"-I{CORTEX_M4}", "offsets.c"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert constant in done.stderr


def test_assembler_reads_fields_by_named_offsets_alone() -> None:
    """The struct's address is in lr: no load or store there has a bare number."""
    for source in CORTEX_M4.glob("*.S"):
        assert not re.search(r"\[lr, #\d", source.read_text()), source.name


def test_application_ends_where_the_pack_begins_in_every_description_of_the_nano() -> None:
    nano = TARGETS / "nano33ble"
    found = re.search(r"PACK_AT (0x[0-9a-f]+)", (nano / "src/map.h").read_text())
    assert found
    pack_at = int(found[1], 16)
    ini = configparser.ConfigParser(interpolation=None)
    ini.read(nano / "platformio.ini")
    board = json.loads((nano / "platform/boards/emulated_nano33ble.json").read_text())
    linked = (nano / "platform/startup/memory.ld").read_text()
    application = re.search(r"FLASH .*ORIGIN = (0x\w+), LENGTH = (0x\w+) - 0x10000", linked)
    assert application
    start, end = int(application[1], 16), int(application[2], 16)
    assert end == pack_at
    assert int(ini["env:nano33ble"]["board_upload.maximum_size"]) == pack_at - start
    assert board["upload"]["maximum_size"] == pack_at - start
