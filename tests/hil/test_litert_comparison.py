"""Test the comparison with LiteRT on this machine, and on a real sshd in place of a Pi."""

import json
import subprocess
import sys
from contextlib import closing
from importlib.util import find_spec
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from hil.boards.entry import Entry
from hil.cli import main
from hil.errors import ProtocolError, SetupError
from hil.kernels import desktop
from hil.kernels.litert import LOADS, LiteRT, started
from hil.transports.process import ProcessTransport
from reds import pack
from reds.export import tflite
from tests.hil.support.raising import raises
from tests.hil.support.sshd import Start
from tests.targets.support.x86 import needs

# Looked for, not imported: OR-Tools, which other tests import, dies in a process that has TensorFlow already.
if find_spec("tensorflow") is None or find_spec("ai_edge_litert") is None:
    pytest.skip("no tensorflow or no ai-edge-litert here", allow_module_level=True)


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(desktop, "ROUNDS", 1)


def beside(*words: object) -> Result:
    return CliRunner().invoke(main, ["kernels", "beside", *map(str, words)])


def test_every_subnet_of_the_shipped_pack_is_compared_on_the_desktop(tmp_path: Path) -> None:
    run = beside("--json", tmp_path / "a.json")
    assert run.exit_code == 0, run.output
    (table,) = json.loads((tmp_path / "a.json").read_text())
    assert table["title"] == "kws-dnn-s on desktop (hardware), one thread, medians"
    assert [row["subnet"] for row in table["rows"]] == ["25%", "50%", "75%", "100%"]
    for row in table["rows"]:
        assert row["LiteRT int8, us"] > 0
        assert row["LiteRT loads, us"] > row["LiteRT int8, us"]


def test_litert_is_held_to_avx2() -> None:
    needs("reds_x86_avx2")
    hides = "import ai_edge_litert.interpreter; from hil.kernels.litert_remote import hide_avx512 as hide; "
    done = subprocess.run([sys.executable, "-c", f"{hides} print(hide(), hide())"], capture_output=True)
    assert done.stdout == b"True False\n", "the second time, nothing is left that asks for AVX-512"


def test_board_over_ssh_is_compared(sshd: Start, small_pack: Path, tmp_path: Path) -> None:
    there = sshd()
    keys = there.keys() | {"name": "pi-1", "target": "pi"}
    lines = "\n".join(f"{key} = {json.dumps(value)}" for key, value in keys.items())
    (tmp_path / "boards.toml").write_text(f"[[board]]\n{lines}\n")
    board = ("--board", "pi-1", "--boards", tmp_path / "boards.toml", "--pack", small_pack)
    run = beside(*board, "--python", sys.executable, "--json", tmp_path / "a.json")
    assert run.exit_code == 0, run.output
    (table,) = json.loads((tmp_path / "a.json").read_text())
    assert "on pi-1 (hardware)" in table["title"]
    assert there.running() == []
    run = beside(*board, "--python", "no-such-python")
    assert run.exit_code == 1
    assert "the agent at 127.0.0.1" in run.output
    assert "no-such-python" in run.output
    assert there.running() == []


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--board", "nano33ble"], "nano33ble: it has no LiteRT"),
        (["--board", "pi"], "pi: LiteRT runs"),
        (["--board", "desktob"], "no board 'desktob'; did you mean desktop?"),
        (["--python", "/bin/true"], "agent true ended by itself with exit status 0"),
        (["--python", "/bin/echo"], "is not an answer of LiteRT"),
        (["--pack", "none.reds"], "none.reds"),
    ],
)
def test_impossible_comparison_is_one_line(words: list[str], says: str) -> None:
    run = beside(*words)
    assert run.exit_code == 1
    (line,) = [line for line in run.output.splitlines() if line.startswith("Error: ")]
    assert says in line


def test_python_without_litert_raises_with_the_package_to_install(tmp_path: Path) -> None:
    bare = tmp_path / "python"
    bare.write_text(f'#!/bin/sh\nexec {sys.executable} -S "$@"\n')
    bare.chmod(0o755)
    run = beside("--python", bare)
    assert run.exit_code == 1
    assert f"no LiteRT: No module named 'numpy'; {bare} -m pip install ai-edge-litert" in run.output


def test_file_that_litert_refuses_raises_with_its_name(small_pack: Path) -> None:
    with started(Entry("here", "desktop")) as there:
        assert there.load(tflite.dumps(pack.load(small_pack), 0)) > 0
        assert len(there.time(5)) == 5
        with raises(SetupError):
            there.load(b"no model")


@pytest.mark.parametrize("more", [{}, {"ram": -1}, {"ram": "4096"}, {"ram": None}, {"ram": 1, "outputs": -1}])
def test_memory_that_litert_cannot_take_is_refused(more: dict[str, object], tmp_path: Path) -> None:
    program = tmp_path / "python"
    ready, answer = json.dumps({"ready": True}), json.dumps({"us": [1.0] * LOADS, **more})
    program.write_text(f"#!/bin/sh\necho '{ready}'\nread line\necho '{answer}'\n")
    program.chmod(0o755)
    with closing(ProcessTransport(program)) as transport, raises(ProtocolError):
        LiteRT(transport, "python").load(b"file")


@pytest.mark.parametrize("us", [[], [1.0], [0.0, 0.0, 0.0], [1.0, 2.0, -3.0], ["1", "2", "3"], None])
def test_times_that_litert_cannot_have_taken_are_refused(us: object, tmp_path: Path) -> None:
    program = tmp_path / "python"
    ready, answer = json.dumps({"ready": True}), json.dumps({"us": us})
    program.write_text(f"#!/bin/sh\necho '{ready}'\nread line\necho '{answer}'\n")
    program.chmod(0o755)
    with closing(ProcessTransport(program)) as transport, raises(ProtocolError):
        LiteRT(transport, "python").time(3)
