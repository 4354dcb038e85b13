"""Test the errors of serial ports and their remedies."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from hil.boards.entry import Entry
from hil.boards.facts import Provenance
from hil.boards.registry import target
from hil.emulators import cortex_m4
from hil.errors import DeadlineError, LinkError
from hil.transports.deadline import Deadline
from hil.transports.serial import SerialTransport
from reds.pack.model import Model
from tests.hil.support.boards import taking
from tests.hil.support.ptyboard import PtyBoard
from tests.hil.support.raising import raises
from tests.support.nets import inputs


@contextmanager
def as_nobody() -> Iterator[None]:
    """Drop the rights that root has to every file."""
    me = os.geteuid()
    if me == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(me)


def test_port_without_permission_raises_with_the_group_to_join(tmp_path: Path) -> None:
    port = tmp_path / "tty"
    port.touch(mode=0)
    denied = f"port {port} cannot be opened: Permission denied; add yourself to the dialout group "
    with as_nobody(), pytest.raises(LinkError) as caught:
        SerialTransport(str(port))
    assert str(caught.value) == denied + "(sudo usermod -aG dialout $USER) and log in again"


@pytest.mark.parametrize("kind", ["folder", "file", "/dev/null"])
def test_file_that_is_not_a_serial_port_is_refused(tmp_path: Path, kind: str) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    path = tmp_path / kind  # of an absolute kind, that alone
    with pytest.raises(LinkError) as caught:
        SerialTransport(str(path))
    assert str(caught.value) == f"port {path} is not a serial port; name another"


def test_missing_port_raises_with_a_remedy() -> None:
    with raises(LinkError):
        SerialTransport("/dev/ttyNOWHERE")


def test_port_that_takes_no_bytes_raises_at_the_deadline_and_closes_at_once() -> None:
    with PtyBoard() as board:
        transport = SerialTransport(board.port)
        with taking(3), raises(DeadlineError):
            transport.write(bytes(1 << 20), Deadline.after(0.3))
        with taking(3):
            transport.close()


def test_nothing_is_read_or_written_after_the_deadline() -> None:
    with PtyBoard() as board:
        transport, past = SerialTransport(board.port), Deadline.after(0)
        os.write(board._master, b"here")
        for use in (lambda: transport.read(past), lambda: transport.write(b"x", past)):
            with raises(DeadlineError):
                use()
        assert transport.read(Deadline.after(5))
        transport.close()


@pytest.mark.qemu("qemu-system-arm")
@pytest.mark.cross("arm-none-eabi-gcc")
def test_dead_emulator_raises_without_the_advice_to_check_a_cable(
    small: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[cortex_m4.Emulator] = []
    start = cortex_m4.start
    monkeypatch.setattr(cortex_m4, "start", lambda elf: started.append(start(elf)) or started[-1])
    with target("nano33ble").start(Entry("nano", "nano33ble"), Provenance.EMULATED) as board:
        board.deploy(small)
        started[0].stop()
        with pytest.raises(LinkError) as caught:
            board.infer(inputs(small, 3))
    assert re.fullmatch(r"nano: port \S+ is lost: .*; the emulator has ended: run again", str(caught.value))
