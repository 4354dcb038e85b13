"""Test that nothing outlives the process that made it, whenever and however that ends."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from hil.errors import SetupError
from hil.lifetime import child, folder
from hil.lifetime.child import Child, run
from hil.lifetime.folder import LOCK, PREFIX, TemporaryFolder, sweep
from tests.hil.support.processes import eventually, marked
from tests.hil.support.raising import raises

TREE = ["sh", "-c", "sleep 61 & sleep 62 & wait"]
"""A program with children of its own, as make has compilers."""


@pytest.fixture
def parent(tmp_path: Path) -> Callable[..., subprocess.Popen[bytes]]:
    """Run Python code in a process that tests kill; the environment of all its children names `tmp_path`."""

    def start(code: str, **options: object) -> subprocess.Popen[bytes]:
        imports = (
            "import signal, sys, threading; from pathlib import Path; from hil.lifetime.child import Child\n"
        )
        imports += "from hil.lifetime.folder import TemporaryFolder\n"
        environment = {**os.environ, "MARK": str(tmp_path)}
        return subprocess.Popen([sys.executable, "-c", imports + code], env=environment, **options)  # type: ignore[call-overload, no-any-return]

    return start


Parent = Callable[..., subprocess.Popen[bytes]]


@contextmanager
def killed(process: subprocess.Popen[bytes], number: int = signal.SIGKILL) -> Iterator[None]:
    """Kill a process after the block, and wait for its end."""
    with process:
        yield
        process.send_signal(number)
        assert process.wait() != 0


def sleeping(folder: Path) -> int:
    """Count the grandchildren that live."""
    return sum(line.startswith("sleep") for line in marked(str(folder)))


def test_grandchildren_die_with_a_killed_parent(parent: Parent, tmp_path: Path) -> None:
    with killed(parent(f"Child({TREE}); signal.pause()")):
        assert eventually(lambda: sleeping(tmp_path) == 2)
    assert eventually(lambda: not marked(str(tmp_path)))


def test_a_child_outlives_the_thread_that_started_it(parent: Parent, tmp_path: Path) -> None:
    code = f"t = threading.Thread(target=lambda: Child({TREE})); t.start(); t.join(); print(flush=True)"
    with killed(parent(code + "; signal.pause()", stdout=subprocess.PIPE)):
        assert eventually(lambda: sleeping(tmp_path) == 2)
    assert eventually(lambda: not marked(str(tmp_path)))


def test_a_parent_that_ends_by_itself_leaves_no_child(parent: Parent, tmp_path: Path) -> None:
    with parent(f"Child({TREE})") as process:
        assert process.wait() == 0
    assert eventually(lambda: not marked(str(tmp_path)))


def test_the_folder_of_a_killed_parent_is_removed(parent: Parent, tmp_path: Path) -> None:
    code = f"folder = TemporaryFolder('x', Path({str(tmp_path)!r})); signal.pause()"
    with killed(parent(code)):
        assert eventually(lambda: list(tmp_path.glob(f"{PREFIX}x-*/{LOCK}")))
    assert eventually(lambda: not list(tmp_path.iterdir()))


def test_a_killed_guard_is_replaced(parent: Parent, tmp_path: Path) -> None:
    code = f"""
from hil.lifetime import guard
import os
guard.channel()
print(os.getpid(), flush=True)
sys.stdin.readline()
Child({TREE})
signal.pause()
"""
    process = parent(code, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    with killed(process):
        assert process.stdin is not None
        assert process.stdout is not None
        me = process.stdout.readline().decode().strip()
        (guard,) = eventually(lambda: children(int(me)))
        os.kill(guard, signal.SIGKILL)
        assert eventually(lambda: Path(f"/proc/{guard}/stat").read_text().split()[2] == "Z")
        process.stdin.write(b"\n")
        process.stdin.flush()
        assert eventually(lambda: sleeping(tmp_path) == 2)
    assert eventually(lambda: not marked(str(tmp_path)))


def children(pid: int) -> list[int]:
    return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def test_a_program_that_cannot_be_started_raises(tmp_path: Path) -> None:
    (tmp_path / "data").write_bytes(b"no program")
    for program in ("/nowhere/program", str(tmp_path / "data")):
        with pytest.raises(OSError, match=r"program|data"):
            Child([program])


def test_a_program_that_takes_too_long_is_killed_with_its_children(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("MARK", str(tmp_path))
    with pytest.raises(subprocess.TimeoutExpired):
        run(TREE, 0.3)
    assert eventually(lambda: not sleeping(tmp_path))


def test_an_endless_output_ends_at_the_deadline_and_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    begun = time.monotonic()
    with pytest.raises(subprocess.TimeoutExpired):
        run(["cat", "/dev/zero"], 0.3)
    assert time.monotonic() - begun < 10
    monkeypatch.setattr(child, "KEPT", 100)
    done = run(["sh", "-c", "seq 100000; exit 3"], 20)
    assert (done.status, len(done.output)) == (3, 100)
    assert done.output.endswith("99999\n100000\n")


def test_a_living_owner_s_folder_stays_whatever_its_process_is_called(tmp_path: Path) -> None:
    """In another container its process has another number, or none."""
    with TemporaryFolder("a", tmp_path) as mine:
        (mine / "file").touch()
        sweep(tmp_path)
        assert (mine / "file").exists()
    assert not mine.exists()


def test_sweeping_removes_dead_folders_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dead, empty, foreign, other = (
        tmp_path / name for name in (f"{PREFIX}d", f"{PREFIX}e", f"{PREFIX}f", "o")
    )
    for path in (dead, empty, foreign, other):
        path.mkdir()
    (dead / LOCK).touch()
    (dead / "deep").mkdir()
    (foreign / "file").touch()
    (tmp_path / f"{PREFIX}link").symlink_to(other)
    with monkeypatch.context() as stranger:
        stranger.setattr(os, "geteuid", lambda: 12345)
        sweep(tmp_path)
        assert dead.exists()
    sweep(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {f"{PREFIX}f", f"{PREFIX}link", "o"}


def test_a_folder_swept_before_it_is_locked_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flock = folder.fcntl.flock

    def swept_before(file: int, how: int) -> None:
        monkeypatch.setattr(folder.fcntl, "flock", flock)
        sweep(tmp_path)
        flock(file, how)

    monkeypatch.setattr(folder.fcntl, "flock", swept_before)
    with TemporaryFolder("a", tmp_path) as made:
        assert list(tmp_path.iterdir()) == [made]
        assert (made / LOCK).exists()


def test_a_place_for_temporary_files_that_is_no_folder_raises(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with raises(SetupError):
        TemporaryFolder("a", tmp_path / "file")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_terminated_run_cleans_up(parent: Parent, tmp_path: Path, number: int) -> None:
    code = f"""
from hil.lifetime.termination import termination_interrupts
from reds.files import atomic_file
with termination_interrupts(), atomic_file(Path({str(tmp_path)!r}) / "kept"), Child({TREE}):
    signal.pause()
"""
    with killed(parent(code, stderr=subprocess.DEVNULL), number):
        assert eventually(lambda: sleeping(tmp_path) == 2)
    assert list(tmp_path.iterdir()) == []
    assert eventually(lambda: not marked(str(tmp_path)))


@pytest.mark.parametrize(
    ("starts", "survives"), [(["7", "7"], False), (["7", "8"], True), (["7", ""], False)]
)
def test_a_group_whose_number_was_given_to_another_program_is_spared(
    starts: list[str], survives: bool
) -> None:
    code = f"from hil.lifetime import guard_program; starts = iter({starts})\n"
    code += "guard_program.start_of = lambda process: next(starts); guard_program.main()"
    with subprocess.Popen(["sleep", "60"], start_new_session=True) as other:
        order = f"+group {other.pid}\n".encode()
        subprocess.run([sys.executable, "-c", code], input=order, timeout=60, check=True)
        if survives:
            assert other.poll() is None
            other.kill()
        assert other.wait(20) == -signal.SIGKILL


LAST = """
from hil.lifetime.last_command import LastCommand
import os, signal, sys
for name in ("ran", "forgotten"):
    last = LastCommand(["/bin/sh", "-c", f'touch "$FOLDER/{name}"'], {"FOLDER": os.environ["MARK"]})
last.forget()
LastCommand(["/nowhere"], {})
LastCommand(["/bin/sh", "-c", 'touch "$FOLDER/after"'], {"FOLDER": os.environ["MARK"]})
print("ready", flush=True)
signal.pause()
"""


def test_last_command_runs_after_a_kill_unless_it_was_forgotten(parent: Parent, tmp_path: Path) -> None:
    with killed(process := parent(LAST, stdout=subprocess.PIPE)):
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        assert list(tmp_path.iterdir()) == []
    assert eventually(lambda: {file.name for file in tmp_path.iterdir()} == {"ran", "after"})
    assert eventually(lambda: not marked(str(tmp_path)))
    assert not (tmp_path / "forgotten").exists()
