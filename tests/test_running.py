"""A test that takes its process along is named in a file."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.support.running import ENDING, FOLDER, WORKER_BYTES, workers

DYING = "import os\ndef test_that_passes(): pass\ndef test_that_dies(): os.abort()\n"
ROOT = Path(__file__).parents[1]


def run(folder: Path, *options: str, prefix: Sequence[str] = ()) -> subprocess.CompletedProcess[str]:
    """Run the tests of a folder as `make test` does, by a command that starts it if there is one."""
    usual = ["-p", "tests.support.running", "-p", "no:cacheprovider", f"--rootdir={folder}"]
    return subprocess.run(
        [*prefix, sys.executable, "-m", "pytest", *usual, *options],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.parametrize("workers", [(), ("-n", "1")], ids=["alone", "in a worker"])
def test_a_test_that_aborts_is_named_with_its_lines(tmp_path: Path, workers: tuple[str, ...]) -> None:
    (tmp_path / "test_dying.py").write_text(DYING, encoding="utf-8")
    assert run(tmp_path, *workers).returncode != 0
    (left,) = (tmp_path / FOLDER).iterdir()
    said = left.read_text(encoding="utf-8")
    assert said.startswith("died in test_dying.py::test_that_dies\n")
    assert "test_dying.py" in said.partition("Fatal Python error: Aborted")[2]


@pytest.mark.parametrize("number", ENDING)
def test_a_test_that_a_signal_ends_is_named_with_its_lines(tmp_path: Path, number: int) -> None:
    (tmp_path / "test_ended.py").write_text(
        f"import os\ndef test_that_ends(): os.kill(os.getpid(), {number})\n"
    )
    assert run(tmp_path).returncode == -number
    (left,) = (tmp_path / FOLDER).iterdir()
    said = left.read_text(encoding="utf-8")
    assert said.startswith("died in test_ended.py::test_that_ends\n")
    assert '/test_ended.py", line 2 in test_that_ends' in said


@pytest.mark.parametrize("options", [(), ("-n", "1")], ids=["alone", "in a worker"])
def test_programs_of_a_run_in_the_background_can_be_interrupted(
    tmp_path: Path, options: tuple[str, ...]
) -> None:
    (tmp_path / "test_interrupt.py").write_text(
        "import signal, subprocess\n"
        "def test_it():\n"
        "    with subprocess.Popen(['sleep', '60']) as program:\n"
        "        program.send_signal(signal.SIGINT)\n"
        "        assert program.wait(30) == -signal.SIGINT\n"
    )
    done = run(tmp_path, *options, prefix=["env", "--ignore-signal=INT"])
    assert done.returncode == 0, done.stdout


def test_an_alarm_that_a_test_leaves_is_switched_off_and_the_test_fails(tmp_path: Path) -> None:
    (tmp_path / "test_alarm.py").write_text(
        "import signal, time\n"
        "def test_that_leaves_it(): signal.setitimer(signal.ITIMER_REAL, 0.2)\n"
        "def test_that_comes_later(): time.sleep(0.3)\n"
    )
    done = run(tmp_path, "-rE")
    assert done.returncode == pytest.ExitCode.TESTS_FAILED
    assert "2 passed, 1 error" in done.stdout
    assert "test_that_leaves_it - Failed: the test left an alarm set" in done.stdout


def test_nothing_is_left_of_a_run_that_ends(tmp_path: Path) -> None:
    (tmp_path / "test_living.py").write_text("def test_that_fails(): assert False\n", encoding="utf-8")
    assert run(tmp_path).returncode == pytest.ExitCode.TESTS_FAILED
    assert not [*(tmp_path / FOLDER).iterdir()]


@pytest.mark.parametrize(
    ("processors", "gibibytes", "number"),
    [
        (1, 4, 2),
        (1, 2, 1),
        (2, 8, 3),
        (2, 4, 2),
        (2, 1, 2),
        (4, 16, 6),
        (4, 10, 5),
        (16, 24, 16),
        (16, 64, 24),
    ],
)
def test_there_are_more_workers_than_processors_where_memory_suffices(
    processors: int, gibibytes: int, number: int
) -> None:
    assert workers(processors, gibibytes << 30) == number
    assert workers(processors, number * WORKER_BYTES) == number


def test_a_run_starts_as_many_workers_as_it_chooses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PYTEST_XDIST_AUTO_NUM_WORKERS", raising=False)
    (tmp_path / "test_living.py").write_text("def test_that_passes(): pass\n", encoding="utf-8")
    body = "import tests.support.running as running\nrunning.workers = lambda processors, memory: 3\n"
    (tmp_path / "conftest.py").write_text(body, encoding="utf-8")
    assert "created: 3/3 workers" in run(tmp_path, "-n", "auto").stdout
    monkeypatch.setenv("PYTEST_XDIST_AUTO_NUM_WORKERS", "1")
    assert "created: 1/1 worker" in run(tmp_path, "-n", "auto").stdout
