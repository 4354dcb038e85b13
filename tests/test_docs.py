"""The documentation agrees with the code: structs, commands, errors, figures, and the programs in it run."""

import ast
import re
import struct
import subprocess
import tomllib
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hil.firmware import build
from hil.protocol import definition as protocol
from reds import pack
from reds.fixtures import fixtures_dir
from reds.pack import format as pack_format
from reds.pack import interpreter
from reds.pack.model import Kind, Model
from tests.support.depth import deep_nets
from tests.support.modern import modern_nets
from tests.support.nets import random_model

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
CODES = {"u8": "B", "i8": "b", "u16": "H", "u32": "I", "u64": "Q", "i16": "h", "i32": "i", "f32": "f"}
PACK_STRUCTS = {
    "Header": pack_format.HEADER,
    "Tensor": pack_format.TENSOR,
    "Layer": pack_format.LAYER,
    "Plan": pack_format.PLAN,
    "Room": pack_format.ROOM,
    "Step": pack_format.STEP,
}
RECORDS = {
    "Hello": protocol.HELLO,
    "Clock": protocol.CLOCK,
    "Samples": protocol.SAMPLES,
    "Rules": protocol.GOVERN,
    "Resources": protocol.DECIDE,
    "Decision": protocol.DECISION,
}


def blocks(page: str, mark: str) -> list[str]:
    """Code blocks of a page whose opening line is three backticks and `mark`."""
    return re.findall(
        rf"^```{re.escape(mark)}\n(.*?)^```", (DOCS / page).read_text(), re.DOTALL | re.MULTILINE
    )


def fields(page: str, title: str) -> Iterator[tuple[int, str, str]]:
    """Offset, struct code and name of each field in the table under a heading."""
    section = re.split(r"^##+ ", (DOCS / page).read_text(), flags=re.MULTILINE)
    (text,) = (each for each in section if each.startswith(f"{title}\n"))
    row = rf"^\| (\d+) \| ({'|'.join([*CODES, 'char'])})(?:\[(\d+)\])? \| (\w+) \|"
    for offset, kind, count, name in re.findall(row, text, re.MULTILINE):
        yield int(offset), f"{count}s" if kind == "char" else CODES[kind] * int(count or 1), name


def one_by_one(code: str) -> str:
    """A struct's format with `3H` written as `HHH`; a text keeps its length, and padding is bytes."""
    code = code.lstrip("<").replace("x", "B")
    return re.sub(r"(\d+)([^s\d])", lambda found: found[2] * int(found[1]), code)


@pytest.mark.parametrize("title", PACK_STRUCTS)
def test_documented_struct_of_the_pack_has_the_offsets_of_the_code(title: str) -> None:
    code = ""
    for offset, field, name in fields("pack-format.md", title):
        assert offset == struct.calcsize(f"<{code}"), f"{title}: {name} does not begin at {offset}"
        code += field
    assert code == one_by_one(PACK_STRUCTS[title].format)


@pytest.mark.parametrize("title", RECORDS)
def test_documented_record_of_the_protocol_has_the_offsets_of_the_code(title: str) -> None:
    documented = list(fields("protocol.md", title))
    assert {name: offset for offset, _, name in documented} == RECORDS[title].offsets
    assert struct.calcsize("<" + "".join(code for _, code, _ in documented)) == RECORDS[title].size


def test_documented_commands_and_faults_have_the_numbers_of_the_code() -> None:
    text = (DOCS / "protocol.md").read_text()
    named = {
        name: int(number) for number, name in re.findall(r"^\| (\d+) \| `([A-Z_]+)`", text, re.MULTILINE)
    }
    assert named == {each.name: each.value for enum in (protocol.Command, protocol.Fault) for each in enum}


def reader() -> dict[str, Any]:
    """The program in the specification of the pack format."""
    scope: dict[str, Any] = {}
    (program,) = blocks("pack-format.md", 'python {test="reader"}')
    exec(program, scope)
    return scope


def assert_reader_equals_reference(model: Model, data: bytes, subnets: int) -> None:
    """The specification's reader gives the reference's bits, in the smallest `subnets` subnets."""
    program = reader()
    x = np.random.default_rng(0).integers(-127, 128, (1, model.input_size)).astype(np.int8)
    read = list(program["read"](data))
    assert [(name, macs) for name, macs, _ in read] == [(s.name, s.macs) for s in model.subnets]
    for s, (_, _, subnet) in enumerate(read[:subnets]):
        assert program["run"](data, subnet, x[0].tolist()) == interpreter.run(model, s, x)[0].tolist()


@pytest.mark.parametrize(("name", "subnets"), [("kws-dnn-s", 4), ("kws-cnn-s", 1), ("kws-ds-cnn-s", 1)])
def test_reader_of_the_specification_runs_shipped_pack_as_the_reference(name: str, subnets: int) -> None:
    path = fixtures_dir() / f"{name}.reds"
    assert_reader_equals_reference(pack.load(path), path.read_bytes(), subnets)


@pytest.mark.parametrize("seed", range(12))
def test_reader_of_the_specification_runs_random_network_as_the_reference(seed: int) -> None:
    for model in (random_model(seed), *deep_nets([seed]), *modern_nets(range(3 * seed, 3 * seed + 3))):
        assert_reader_equals_reference(model, pack.dumps(model), len(model.subnets))


def test_random_networks_of_the_reader_test_have_every_kind_of_layer() -> None:
    nets = [*map(random_model, range(12)), *modern_nets(range(36))]
    assert {layer.kind for net in nets for layer in net.layers} == set(Kind)


def test_host_of_the_specification_benches_a_pack_on_the_desktop_agent() -> None:
    scope: dict[str, Any] = {}
    (program,) = blocks("protocol.md", 'python {test="host"}')
    exec(program, scope)
    path = fixtures_dir() / "kws-dnn-s.reds"
    model = pack.load(path)
    x = np.random.default_rng(0).integers(-127, 128, (1, model.input_size)).astype(np.int8)
    command = [build.agent("desktop")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0) as agent:
        assert agent.stdin is not None
        assert agent.stdout is not None
        host = scope["Host"](agent.stdin.write, partial(agent.stdout.read, 1))
        for s in range(len(model.subnets)):
            output, ticks = scope["bench"](host, path.read_bytes(), s, x[0].tolist(), 100)
            assert output == interpreter.run(model, s, x)[0].tolist()
            assert len(ticks) == 100
        with pytest.raises(RuntimeError, match="subnet"):
            host.ask(5, struct.pack("<H", 99))
        agent.stdin.close()


def literals() -> str:
    """The fixed parts of every string in the sources, one a line."""
    found: list[str] = []
    for path in (each for wing in ("reds", "hil") for each in sorted((ROOT / wing).rglob("*.py"))):
        tree = ast.parse(path.read_text())
        found += [n.value for n in ast.walk(tree) if isinstance(n, ast.Constant) and isinstance(n.value, str)]
    for path in sorted((ROOT / "targets").rglob("*.c")):
        found += re.findall(r'"((?:[^"\\]|\\.)*)"', path.read_text())
    return "\n".join(found)


def test_every_message_in_troubleshooting_is_in_the_sources() -> None:
    known = literals()
    rows = re.findall(r"^\| (`+.*?`+) \| ", (DOCS / "troubleshooting.md").read_text(), re.MULTILINE)
    assert len(rows) > 40
    parts = [(row, part.strip(" `,;:")) for row in rows for part in row.split("…")]
    assert [(row, part) for row, part in parts if part and part not in known] == []


def test_each_promise_of_the_threat_model_names_tests_that_exist() -> None:
    missing, text = [], (DOCS / "threat-model.md").read_text()
    for file, name in re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", text):
        path = ROOT / file
        tree = ast.parse(path.read_text()) if path.exists() else ast.Module([], [])
        if name not in {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}:
            missing.append(f"{file}::{name}")
    assert missing == []
    rows = re.findall(r"^\| (?!promise|---).*", text, re.MULTILINE)
    assert len(rows) > 20
    assert [row for row in rows if "::test_" not in row] == []


def test_site_lists_every_page_once() -> None:
    def pages(entries: list[Any]) -> Iterator[str]:
        for entry in entries:
            for below in entry.values():
                yield from [below] if isinstance(below, str) else pages(below)

    listed = sorted(pages(tomllib.loads((ROOT / "zensical.toml").read_text())["project"]["nav"]))
    assert listed == sorted(str(page.relative_to(DOCS)) for page in DOCS.rglob("*.md"))


PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")),
    *sorted(DOCS.rglob("*.md")),
    *sorted((ROOT / "fixtures").glob("*.md")),
    *sorted((ROOT / "examples").rglob("*.md")),
]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_files_and_folders_that_a_page_names_exist(page: Path) -> None:
    text = page.read_text()
    folders = "reds|hil|targets|ci|docs|fixtures|tests|examples"
    named = [ROOT / path for path in re.findall(rf"`((?:{folders})/[\w./-]*)`", text)]
    named += [page.parent / path for path in re.findall(r"\]\(([\w./-]+)(?:#[\w-]*)?\)", text)]
    assert [str(path) for path in named if not path.exists()] == []
