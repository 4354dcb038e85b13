"""A device is used by one run at a time, whoever asks and however the owner ends."""

import getpass
import os
import re
import select
import signal
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
    """Another run: it says when it has to wait, when it has the lease, and keeps that to its input's end."""
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
    """Take a lease and let it go; what was said on the way."""
    said: list[str] = []
    with lease.held("ours", device, seconds, said.append, folder):
        return said


def test_a_second_run_is_told_who_has_the_board_and_given_up_in_time(tmp_path: Path) -> None:
    with holder(tmp_path) as owner:
        assert line(owner) == "held"
        who = rf"ours: {DEVICE} is in use by {getpass.getuser()}, process {owner.pid}, since \d{{4}}-[\d: -]+"
        with pytest.raises(BoardBusy, match=rf"^{who}, and was not free within 0 s; .* --lease-wait$"):
            take(tmp_path)
        assert take(tmp_path, "Arduino Nano 33 BLE 4567") == []


def test_an_owner_that_is_killed_leaves_the_board_to_the_next(tmp_path: Path) -> None:
    with holder(tmp_path) as owner:
        assert line(owner) == "held"
        os.kill(owner.pid, signal.SIGKILL)
        owner.wait()
        assert take(tmp_path) == []


def test_two_runs_that_wait_come_one_after_the_other(tmp_path: Path) -> None:
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
        with pytest.raises(BoardBusy, match=f"process {first.pid}, "):
            take(tmp_path)
        assert select.select([second.stdout], [], [], 0)[0] == []
        assert first.communicate() == ("gone\n", None)
        assert line(second) == "held"


def test_what_an_owner_wrote_is_shown_without_what_would_move_the_cursor(tmp_path: Path) -> None:
    with holder(tmp_path) as owner:
        assert line(owner) == "held"
        (file,) = tmp_path.iterdir()
        file.write_text("\x1b[2Jmallory\nprocess 1" + "x" * 1000)
        with pytest.raises(BoardBusy) as busy:
            take(tmp_path)
    assert "in use by [2Jmalloryprocess 1xxx" in str(busy.value)
    assert len(str(busy.value)) < 300


def test_any_user_may_lock_after_the_first_and_links_are_not_followed(tmp_path: Path) -> None:
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
    with pytest.raises(LeaseError, match=rf"^ours: cannot lock its use in {file}: .*; remove that file, or"):
        take(tmp_path)
    assert (tmp_path / "precious").read_text() == "kept"


def test_a_device_is_one_whatever_it_is_called(tmp_path: Path, sshd: Start) -> None:
    port = Port("/dev/ttyACM0", (0x2341, 0x805A), "S1")
    desk = replace(THIS_DESK, ports=lambda: (port,))
    by_serial = Entry("left", "nano33ble", serial="S1")
    by_port = Entry("right", "nano33ble", port="/dev/ttyACM0")
    assert nano33ble.device(by_serial, desk) == nano33ble.device(by_port, desk) == f"{nano33ble.MODEL} S1"
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


def test_emulated_boards_and_the_desktop_take_no_lease(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(lease, "shared", lambda: tmp_path)
    for name, provenance in (("desktop", Provenance.HARDWARE), ("nano33ble", Provenance.EMULATED)):
        with opening.started(Entry(name, name), provenance):
            assert list(tmp_path.iterdir()) == []


def test_the_suite_waits_for_a_board_that_another_run_uses(
    hil: Run, small_pack: Path, boards_toml: Callable[..., Path]
) -> None:
    with PtyBoard(nano_agent()) as board, holder(lease.shared(), board.port) as other:
        assert line(other) == "held"
        args = ("--boards", boards_toml("nano33ble", port=board.port), "--pack", small_pack)
        done = hil(*args, "--lease-wait=0")
        assert (done.returncode, outcomes(done.stdout)) == (1, {"error": 1, "skipped": 10})
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
        assert (waiting.returncode, outcomes(out)) == (0, {"passed": 9, "skipped": 2})


def test_an_android_is_one_on_the_network_and_on_an_adb_server(phone: phones.Start, adb: AdbServer) -> None:
    there = phone().entry().host
    assert there is not None
    serial = adb.connect(there.port)
    entries = Entry("a", "android", host=there), Entry("b", "android"), Entry("c", "android", serial=serial)
    assert {android.device(entry) for entry in entries} == {f"127.0.0.1:{there.port}"}
    assert android.device(Entry("d", "android", serial="other")) is None


def test_a_board_that_is_not_here_is_not_used_without_a_lease(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not even one that is back by the time it would be started."""
    monkeypatch.setattr(nano33ble, "device", lambda entry: None)
    monkeypatch.setattr(nano33ble, "absent", lambda entry: None)
    entry = Entry("left", "nano33ble")
    with (
        pytest.raises(BoardAbsent, match="left: it answers at some times only"),
        opening.started(entry, Provenance.HARDWARE),
    ):
        pass
