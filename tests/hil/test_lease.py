"""Test that one run at a time uses a device, however its owner ends."""

import getpass
import os
import re
import resource
import select
import shlex
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from hil.boards import lease, opening
from hil.boards.entry import Entry
from hil.boards.facts import Provenance
from hil.boards.targets import android, nano33ble, pi
from hil.boards.targets.nano33ble import THIS_DESK
from hil.errors import BoardAbsent, BoardBusy, LeaseError
from hil.transports.serial_ports import Port
from tests.hil.support import phone as phones
from tests.hil.support.phone import AdbServer
from tests.hil.support.ptyboard import PtyBoard, nano_agent
from tests.hil.support.raising import raises
from tests.hil.support.sshd import Start
from tests.hil.support.suite_run import PLUGINS, Run, one_line_of_errors, outcomes

DEVICE = "Arduino Nano 33 BLE 0123"
HOLD = """
import sys
from pathlib import Path
from hil.boards import lease
folder, device, seconds = Path(sys.argv[1]), sys.argv[2], float(sys.argv[3])
with lease.held("theirs", device, seconds, lambda text: print(text, flush=True), folder):
    print("held", flush=True)
    sys.stdin.read()
print("gone", flush=True)
"""


@contextmanager
def holder(folder: Path, device: str = DEVICE, seconds: float = 60) -> Iterator[subprocess.Popen[str]]:
    """Start another run that prints when it waits and when it holds the lease, until its input ends."""
    command = [sys.executable, "-c", HOLD, str(folder), device, str(seconds)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().rstrip("\n")


def take(folder: Path, device: str = DEVICE, seconds: float = 0.0) -> list[str]:
    """Take a lease and release it; return the lines it printed."""
    said: list[str] = []
    with lease.held("ours", device, seconds, said.append, folder):
        return said


def test_lease_in_use_raises_with_its_owner_after_the_wait(tmp_path: Path) -> None:
    with holder(tmp_path) as owner:
        assert line(owner) == "held"
        with raises(BoardBusy, board="ours") as busy:
            take(tmp_path)
        who = rf"{getpass.getuser()}, process {owner.pid}, since \d{{4}}-[\d: -]+"
        assert re.fullmatch(who, busy.value.owner)
        assert take(tmp_path, "Arduino Nano 33 BLE 4567") == []


def test_lease_of_a_killed_owner_is_free(tmp_path: Path) -> None:
    with holder(tmp_path) as owner:
        assert line(owner) == "held"
        os.kill(owner.pid, signal.SIGKILL)
        owner.wait()
        assert take(tmp_path) == []


def test_waiting_runs_get_the_lease_one_after_the_other(tmp_path: Path) -> None:
    with ExitStack() as stack:
        owner = stack.enter_context(holder(tmp_path))
        assert line(owner) == "held"
        left, right = (stack.enter_context(holder(tmp_path)) for _ in range(2))
        for waits in (left, right):
            assert re.search(rf"in use by .* process {owner.pid}, .*; waiting up to 60 s", line(waits))
        owner.kill()
        (ready,), _, _ = select.select([left.stdout, right.stdout], [], [])
        first, second = (left, right) if ready is left.stdout else (right, left)
        assert line(first) == "held"
        with raises(BoardBusy, board="ours") as busy:
            take(tmp_path)
        assert f"process {first.pid}, " in busy.value.owner
        assert select.select([second.stdout], [], [], 0)[0] == []
        assert first.communicate() == ("gone\n", None)
        assert line(second) == "held"


def test_owner_text_is_shown_without_control_characters(tmp_path: Path) -> None:
    with holder(tmp_path) as owner:
        assert line(owner) == "held"
        (file,) = tmp_path.iterdir()
        file.write_text("\x1b[2Jmallory\nprocess 1" + "x" * 1000)
        with pytest.raises(BoardBusy) as busy:
            take(tmp_path)
    assert busy.value.owner.startswith(r"\x1b[2Jmallory\nprocess 1xxx")
    assert len(busy.value.owner) <= 100


def test_name_of_a_hostile_device_is_one_printable_line(tmp_path: Path) -> None:
    device = "Nano \x1b[2J\n\ud800"
    said: list[str] = []
    with (
        lease.held("theirs", device, 0, print, tmp_path),
        raises(BoardBusy, board="ours") as busy,
        lease.held("ours", device, 0.1, said.append, tmp_path),
    ):
        pass
    assert [text.isprintable() for text in (*said, str(busy.value))] == [True, True]


def test_lock_file_is_open_to_all_users_and_links_are_not_followed(tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        assert take(tmp_path) == []
    finally:
        os.umask(before)
    (file,) = tmp_path.iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o666
    file.unlink()
    (tmp_path / "precious").write_text("kept")
    file.symlink_to(tmp_path / "precious")
    with raises(LeaseError, board="ours"):
        take(tmp_path)
    assert (tmp_path / "precious").read_text() == "kept"


@pytest.mark.parametrize("kind", ["pipe", "folder", "device", "socket", "link to itself"])
def test_other_things_at_the_place_of_a_lock_file_are_one_error_and_no_wait(
    tmp_path: Path, kind: str
) -> None:
    path = lease.path_of(DEVICE, tmp_path)
    with socket.socket(socket.AF_UNIX) as unix:
        if kind == "pipe":
            os.mkfifo(path)
        elif kind == "folder":
            path.mkdir()
        elif kind == "device":
            path.symlink_to("/dev/zero")
        elif kind == "socket":
            unix.bind(str(path))
        else:
            path.symlink_to(path)
        before = path.lstat()
        with raises(LeaseError, board="ours"):
            take(tmp_path, seconds=60)
        assert path.lstat() == before


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give a file to another user")
def test_lock_file_of_another_user_in_a_sticky_folder_is_taken(tmp_path: Path) -> None:
    """Linux refuses to open such a file with O_CREAT (fs.protected_regular)."""
    assert take(tmp_path) == []
    tmp_path.chmod(0o1777)
    os.chown(lease.path_of(DEVICE, tmp_path), 65534, 65534)
    assert take(tmp_path) == []


def test_lease_of_a_removed_lock_file_is_taken_again(tmp_path: Path) -> None:
    """A lock of a file that is removed keeps nobody out: the run that waited for it opens the new one."""
    with ExitStack() as stack:
        owner = stack.enter_context(holder(tmp_path))
        assert line(owner) == "held"
        waits = stack.enter_context(holder(tmp_path))
        assert "waiting" in line(waits)
        lease.path_of(DEVICE, tmp_path).unlink()
        owner.kill()
        assert line(waits) == "held"
        with raises(BoardBusy, board="ours"):
            take(tmp_path)


def test_full_disk_costs_the_owner_text_but_not_the_lease(tmp_path: Path) -> None:
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    assert take(tmp_path) == []
    with signal_ignored(signal.SIGXFSZ):
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, limits[1]))
        try:
            said = take(tmp_path)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert said == []


@contextmanager
def signal_ignored(number: signal.Signals) -> Iterator[None]:
    before = signal.signal(number, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(number, before)


def test_device_has_one_identity_under_all_its_names(tmp_path: Path, sshd: Start) -> None:
    port = Port("/dev/ttyACM0", (0x2341, 0x805A), "S1")
    desk = replace(THIS_DESK, ports=lambda: (port,))
    by_serial = Entry("left", "nano33ble", serial="S1")
    by_port = Entry("right", "nano33ble", port="/dev/ttyACM0")
    assert (
        nano33ble.device(by_serial, desk) == nano33ble.device(by_port, desk) == f"{nano33ble.MODEL.name} S1"
    )
    assert nano33ble.device(Entry("left", "nano33ble", serial="S2"), desk) is None
    with PtyBoard() as board:
        link = tmp_path / "link"
        link.symlink_to(board.port)
        names = [nano33ble.device(Entry("n", "nano33ble", port=str(name))) for name in (link, board.port)]
        assert names == [board.port] * 2
    listens = sshd().entry().host
    assert listens is not None
    by_name = pi.device(Entry("pi", "pi", host=replace(listens, name="localhost")))
    assert by_name == pi.device(Entry("other", "pi", host=listens)) == f"127.0.0.1:{listens.port}"


@pytest.mark.qemu("qemu-system-arm")
@pytest.mark.cross("arm-none-eabi-gcc")
def test_emulated_boards_and_the_desktop_take_no_lease(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(lease, "shared", lambda: tmp_path)
    for name, provenance in (("desktop", Provenance.HARDWARE), ("nano33ble", Provenance.EMULATED)):
        with opening.started(Entry(name, name), provenance):
            assert list(tmp_path.iterdir()) == []


def test_suite_waits_for_a_leased_board(hil: Run, small_pack: Path, boards_toml: Callable[..., Path]) -> None:
    with PtyBoard(nano_agent()) as board, holder(lease.shared(), board.port) as other:
        assert line(other) == "held"
        args = ("--boards", boards_toml("nano33ble", port=board.port), "--pack", small_pack)
        done = hil(*args, "--lease-wait=0")
        assert (done.returncode, outcomes(done.stdout).keys()) == (1, {"error", "skipped"})
        assert one_line_of_errors(done.stdout).startswith(f"board: {board.port} is in use by ")
        waiting = subprocess.Popen(
            [sys.executable, "-m", "pytest", "--pyargs", "hil", *map(str, args), *PLUGINS],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert waiting.stderr is not None
        for said in waiting.stderr:
            if f"process {other.pid}, since" in said:
                break
        assert said.rstrip().endswith("; waiting up to 300 s")
        other.kill()
        out, _ = waiting.communicate(timeout=60)
        assert (waiting.returncode, outcomes(out).keys()) == (0, {"passed", "skipped"})


def test_android_has_one_identity_on_the_network_and_at_a_server(phone: phones.Start, adb: AdbServer) -> None:
    there = phone().entry().host
    assert there is not None
    serial = adb.connect(there.port)
    entries = Entry("a", "android", host=there), Entry("b", "android"), Entry("c", "android", serial=serial)
    assert {android.device(entry) for entry in entries} == {f"127.0.0.1:{there.port}"}
    assert android.device(Entry("d", "android", serial="other")) is None


def test_absent_board_is_not_opened_without_a_lease(monkeypatch: pytest.MonkeyPatch) -> None:
    """Refuse also a board that is back by the time it would start."""
    monkeypatch.setattr(nano33ble, "device", lambda entry: None)
    monkeypatch.setattr(nano33ble, "absent", lambda entry: None)
    entry = Entry("left", "nano33ble")
    with (
        raises(BoardAbsent, board="left"),
        opening.started(entry, Provenance.HARDWARE),
    ):
        pass


def test_names_that_a_shell_would_run_are_no_lock_files(tmp_path: Path) -> None:
    (tmp_path / "reds-hil-; touch x; #.lock").mkdir()
    (tmp_path / "reds-hil-$(id)0123456789.lock").touch()
    with lease.held("left", "D", 0, print, tmp_path):
        assert lease.lock_files(tmp_path) == [lease.path_of("D", tmp_path)]
    folder = tmp_path / "a; touch x"
    lease.path_of("D", folder).mkdir(parents=True)
    with raises(LeaseError, board="left") as caught, lease.held("left", "D", 0, print, folder):
        pass
    command = caught.value.text.partition("remove it: ")[2]
    assert shlex.split(command) == ["sudo", "rm", "-r", str(lease.path_of("D", folder))]
