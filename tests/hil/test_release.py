"""Test that `hil release` finds the true holder of a lease, ends it and nobody else."""

import os
import select
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from hil.boards import lease, lease_holder
from hil.cli import main
from hil.errors import LeaseError
from tests.hil.support.ptyboard import PtyBoard, nano_agent
from tests.hil.support.raising import raises

Start = Callable[..., subprocess.Popen[str]]
HOLD = """
import os, signal, sys
from pathlib import Path
from hil.boards import lease
folder, device, how = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
if how == "deaf":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
with lease.held("theirs", device, 60, print, folder):
    if how == "other user":
        os.setuid(65534)
    if how == "forked" and os.fork():
        os._exit(0)
    print(os.getpid(), flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start a run that holds the lease of a device until its input ends."""
    with ExitStack() as stack:

        def run(device: str = "D", how: str = "", folder: Path = tmp_path) -> subprocess.Popen[str]:
            command = [sys.executable, "-c", HOLD, str(folder), device, how]
            process = stack.enter_context(
                subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            )
            stack.callback(process.kill)
            return process

        yield run


def holds(process: subprocess.Popen[str]) -> int:
    """Wait until the run holds its lease; return the process that does."""
    assert process.stdout is not None
    return int(process.stdout.readline())


def release(*words: object) -> Result:
    return CliRunner().invoke(main, ["release", *map(str, words)])


@contextmanager
def pty_board(boards_toml: Callable[..., Path]) -> Iterator[tuple[str, Path]]:
    """Plug in a board; yield its device and a boards file."""
    with PtyBoard(nano_agent()) as board:
        yield board.port, boards_toml("nano33ble", port=board.port)


def test_holder_is_found_by_the_kernel_whatever_the_file_says(start: Start, tmp_path: Path) -> None:
    owner, bystander = start(), start("E")
    holds(owner), holds(bystander)
    path = lease.path_of("D", tmp_path)
    path.write_text(f"root, process {bystander.pid}, since 1999-01-01 00:00:00")
    assert [(h.pid, h.uid, h.seen) for h in lease_holder.holders(path)] == [(owner.pid, os.getuid(), True)]
    assert f"process {owner.pid}, since 20" in str(lease_holder.in_use(path))
    with raises(LeaseError):
        lease_holder.end(lease_holder.Holder(bystander.pid, os.getuid(), True), path)
    assert bystander.poll() is None


def test_process_that_only_opens_the_lock_file_is_no_holder(tmp_path: Path) -> None:
    path = lease.path_of("D", tmp_path)
    with path.open("w"):
        assert lease_holder.holders(path) == []
        assert lease_holder.in_use(path) is None
    assert lease_holder.in_use(tmp_path / "none") is None


def test_text_of_a_killed_owner_does_not_make_a_lease_busy(start: Start, tmp_path: Path) -> None:
    owner = start()
    holds(owner)
    owner.kill()
    owner.wait()
    path = lease.path_of("D", tmp_path)
    assert str(owner.pid) in path.read_text()
    assert lease_holder.in_use(path) is None


def test_lease_that_a_forked_child_holds_names_the_child(start: Start, tmp_path: Path) -> None:
    owner = start(how="forked")
    child = holds(owner)
    assert owner.wait() == 0
    path = lease.path_of("D", tmp_path)
    (holder,) = lease_holder.holders(path)
    assert holder.pid == child != owner.pid
    assert lease_holder.end(holder, path) == "SIGTERM"
    assert lease_holder.in_use(path) is None


def test_stopped_holder_is_shown_as_stopped(start: Start, tmp_path: Path) -> None:
    owner = start()
    holds(owner)
    owner.send_signal(signal.SIGSTOP)
    os.waitid(os.P_PID, owner.pid, os.WSTOPPED | os.WNOWAIT)
    (holder,) = lease_holder.holders(lease.path_of("D", tmp_path))
    assert holder.stopped
    assert ", stopped" in str(holder)


def test_holder_that_ignores_sigterm_is_killed(start: Start, tmp_path: Path) -> None:
    owner = start(how="deaf")
    holds(owner)
    path = lease.path_of("D", tmp_path)
    (holder,) = lease_holder.holders(path)
    assert lease_holder.end(holder, path, seconds=0.2) == "SIGKILL"
    assert owner.wait(timeout=10) == -signal.SIGKILL


def test_release_with_force_ends_the_run_and_frees_the_board(
    start: Start, boards_toml: Callable[..., Path]
) -> None:
    with pty_board(boards_toml) as (device, boards):
        assert "board is free" in release("board", "--boards", boards).output
        owner = start(device, folder=lease.shared())
        holds(owner)
        asked = release("board", "--boards", boards)
        assert (asked.exit_code, asked.stderr.count("\n"), owner.poll()) == (1, 1, None)
        assert f"process {owner.pid}, since" in asked.output
        done = release("board", "--boards", boards, "--force")
        assert (done.exit_code, owner.wait(timeout=10)) == (0, -signal.SIGTERM)
        assert done.output.splitlines()[-1] == "board is free"


WORKER = """
import subprocess, sys
with subprocess.Popen([sys.executable, "-c", *sys.argv[2:]]) as worker:
    sys.stdin.read()
"""


def test_run_whose_worker_held_the_board_is_named(boards_toml: Callable[..., Path]) -> None:
    with pty_board(boards_toml) as (device, boards):
        command = [sys.executable, "-c", WORKER, "pytest", HOLD, str(lease.shared()), device, ""]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as run:
            worker = holds(run)
            done = release("board", "--boards", boards, "--force")
            assert (done.exit_code, run.poll()) == (0, None)
            assert f"process {worker}, since" in done.output
            assert f"kill {run.pid}" in done.output


def test_lock_file_names_the_lease_of_a_board_that_is_unplugged(start: Start) -> None:
    owner = start("a device that is gone", folder=lease.shared())
    holds(owner)
    path = lease.path_of("a device that is gone")
    assert release(path, "--force").exit_code == 0
    assert owner.wait(timeout=10) == -signal.SIGTERM
    assert release("/etc/passwd", "--force").exit_code == 1


@pytest.mark.parametrize("target", ["desktop", "nano33ble"])
def test_board_without_a_lease_of_its_own_is_one_error(
    target: str, boards_toml: Callable[..., Path], tmp_path: Path
) -> None:
    port = {"port": str(tmp_path / "none")} if target == "nano33ble" else {}
    done = release("board", "--boards", boards_toml(target, **port), "--force")
    assert (done.exit_code, done.stderr.count("\n")) == (1, 1)


@pytest.mark.skipif(os.getuid() != 0, reason="only root can start a process of another user")
def test_run_of_another_user_is_named_and_not_ended(start: Start, boards_toml: Callable[..., Path]) -> None:
    with pty_board(boards_toml) as (device, boards):
        owner = start(device, "other user", lease.shared())
        holds(owner)
        done = release("board", "--boards", boards, "--force")
        assert (done.exit_code, done.stderr.count("\n")) == (1, 1), done.output
        assert f"kill {owner.pid}" in done.stderr
        assert select.select([os.pidfd_open(owner.pid)], [], [], 0)[0] == []
