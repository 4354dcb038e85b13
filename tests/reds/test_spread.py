"""The trainings of a table in workers of a real Ray: the same bits, and nothing finished is lost."""

import os
import pickle
import re
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp

import pytest

from reds.errors import CoupledError
from tests.reds.support.command import run
from tests.reds.support.tiny_recipe import tiny_recipe

pytest.importorskip("ray", reason="needs pip install 'reds-hil[cluster]'")
ROOT = Path(__file__).parents[2]
SECONDS = 300
"""Longest time that a command takes to end; on a quiet machine it takes 20."""


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    """A tiny dense net on examples of four classes."""
    return tiny_recipe(tmp_path)


class Spread:
    """Hold a `reds compare` with two workers, whose processes a variable of their environment marks."""

    def __init__(self, recipe: Path, out: Path) -> None:
        self._mark = f"REDS_TEST_MARK={secrets.token_hex(8)}"
        name, _, value = self._mark.partition("=")
        self.temporary = Path(mkdtemp())  # a socket's path is short, so not in pytest's folder
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", name: value}
        environment |= {"TMPDIR": str(self.temporary), "TORCHINDUCTOR_CACHE_DIR": str(out.parent / "torch")}
        command = [sys.executable, "-m", "reds", "compare", str(recipe), "--seeds=0", "--workers=2"]
        self.process = subprocess.Popen(
            [*command, f"--out={out}"],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment,
        )  # fmt: skip

    def lines(self) -> Iterator[str]:
        """Give each line of its output as it comes."""
        assert self.process.stdout is not None
        yield from self.process.stdout

    def workers(self) -> list[int]:
        """Return the processes that run a training."""
        return [pid for pid in self.all() if _read(pid, "cmdline").startswith("ray::train_remotely")]

    def all(self) -> list[int]:
        """Return all its processes that live."""
        found = (int(path.name) for path in Path("/proc").iterdir() if path.name.isdecimal())
        return [pid for pid in found if f"\0{self._mark}\0" in f"\0{_read(pid, 'environ')}\0"]

    def left(self) -> list[object]:
        """Return the processes and the temporary files that are left of it."""
        left: list[object] = [*self.all(), *self.temporary.rglob("*")]
        rmtree(self.temporary)
        return left

    def listening(self) -> set[str]:
        """Return the addresses that its processes listen on, in the kernel's hexadecimal form."""
        sockets = set()
        for pid in self.all():
            with suppress(OSError):  # it has ended
                sockets |= {os.readlink(file) for file in Path(f"/proc/{pid}/fd").iterdir()}
        rows = [row.split() for kind in ("tcp", "tcp6") for row in _read("net", kind).splitlines()[1:]]
        return {
            row[1].rpartition(":")[0] for row in rows if row[3] == "0A" and f"socket:[{row[9]}]" in sockets
        }


def _read(pid: int | str, file: str) -> str:
    try:
        return Path(f"/proc/{pid}/{file}").read_bytes().decode(errors="replace")
    except OSError:  # it has ended
        return ""


@pytest.mark.long
def test_a_killed_worker_loses_nothing_finished_and_no_bit(
    recipe: Path, tmp_path: Path, usual_counts: Mapping[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    out, finished, listening, said = tmp_path / "spread", dict[Path, int](), set[str](), ""
    spread = Spread(recipe, out)
    for line in spread.lines():
        said += line
        if line.startswith("own-seed0-alone0: together 2/"):
            finished = {path: path.stat().st_mtime_ns for path in out.glob("*.reds")}
            listening = spread.listening()
            os.kill(spread.workers()[0], signal.SIGKILL)
    assert spread.process.wait(SECONDS) == 0, said
    assert [path.name for path in finished] == ["own-seed0.reds"]
    assert all(path.stat().st_mtime_ns == time for path, time in finished.items())
    assert len(re.findall(r"(?m)^own-seed0-alone\d+: its worker died", said)) == 1
    assert len(re.findall(r"(?m)^own-seed0(-alone\d+)?: done, \d of 3$", said)) == 3
    assert not spread.left()
    assert listening
    assert listening <= {"0100007F", "0000000000000000FFFF00000100007F"}, "not only 127.0.0.1"

    for name, count in usual_counts.items():  # as in a worker
        monkeypatch.setattr(name, count)
    status, serial = run("compare", recipe, "--seeds=0", "--out", tmp_path / "serial")
    assert status == 0, serial
    assert said[said.index("Int8 accuracy") :] == serial[serial.index("Int8 accuracy") :]
    files = {path.name: path.read_bytes() for path in (tmp_path / "serial").iterdir()}
    assert files == {path.name: path.read_bytes() for path in out.iterdir()}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.long
def test_an_interrupted_command_leaves_nothing_but_its_finished_epochs(
    number: signal.Signals, recipe: Path, tmp_path: Path
) -> None:
    spread, said = Spread(recipe, tmp_path / "out"), ""
    for line in spread.lines():
        said += line
        if line.startswith("own-seed0: together 2/"):
            spread.process.send_signal(number)
    assert spread.process.wait(SECONDS) == {signal.SIGINT: 1, signal.SIGTERM: 143}[number], said
    assert ("the same command goes on" in said) is (number is signal.SIGINT), said
    assert not spread.left()
    assert (tmp_path / "out" / "own-seed0.training").exists()


@pytest.mark.long
def test_workers_end_with_a_killed_command(recipe: Path, tmp_path: Path) -> None:
    spread = Spread(recipe, tmp_path / "out")
    for line in spread.lines():
        if line.startswith("own-seed0: together 1/"):
            spread.process.kill()
    spread.process.wait(SECONDS)
    end = time.monotonic() + SECONDS
    while spread.workers():
        assert time.monotonic() < end
        time.sleep(0.5)
    rmtree(spread.temporary)


@pytest.mark.parametrize("workers", ["0", "two", "ray:", "ray://desk", "-1"])
def test_workers_of_no_known_kind_are_refused(workers: str, recipe: Path) -> None:
    status, output = run("compare", recipe, f"--workers={workers}")
    assert status == 2
    assert "--workers" in output


@pytest.mark.parametrize("command", [("compare", "own.toml"), ("reproduce", "kws-dnn-s")])
def test_a_table_is_refused_under_torchrun(command: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"TORCHELASTIC_RUN_ID": "1", "WORLD_SIZE": "2", "RANK": "0"}.items():
        monkeypatch.setenv(name, value)
    status, output = run(*command)
    assert status == 2
    assert "--workers" in output
    monkeypatch.setenv("RANK", "1")
    assert run(*command) == (2, "")


def test_an_error_with_values_of_its_own_reaches_another_process() -> None:
    error = CoupledError((1, 2), (30, 40), ["a", "b"])
    again = pickle.loads(pickle.dumps(error))
    assert (again.groups, again.sizes, str(again)) == (error.groups, error.sizes, str(error))
