"""What a port's errors say, each with the advice that helps."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from hil.boards.entry import Entry
from hil.boards.facts import Provenance
from hil.boards.registry import target
from hil.emulators import cortex_m4
from hil.errors import LinkError
from hil.transports.serial import SerialTransport
from reds.pack.model import Model
from tests.support.nets import inputs


@contextmanager
def as_nobody() -> Iterator[None]:
    """Without the rights that root has to every file."""
    me = os.geteuid()
    if me == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(me)


def test_a_port_without_permission_says_which_group_has_it(tmp_path: Path) -> None:
    port = tmp_path / "tty"
    port.touch(mode=0)
    denied = f"port {port} cannot be opened: Permission denied; add yourself to the dialout group "
    with as_nobody(), pytest.raises(LinkError) as caught:
        SerialTransport(str(port))
    assert str(caught.value) == denied + "(sudo usermod -aG dialout $USER) and log in again"


@pytest.mark.parametrize("kind", ["folder", "file", "/dev/null"])
def test_what_is_no_serial_port_is_said_to_be_none(tmp_path: Path, kind: str) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    path = tmp_path / kind  # of an absolute kind, that alone
    with pytest.raises(LinkError) as caught:
        SerialTransport(str(path))
    assert str(caught.value) == f"port {path} is not a serial port; name another"


def test_a_port_that_is_not_there_is_to_be_plugged_in() -> None:
    with pytest.raises(LinkError, match=r"cannot be opened: No such file or directory; plug it in$"):
        SerialTransport("/dev/ttyNOWHERE")


def test_a_dead_emulator_has_no_cable_to_check(small: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[cortex_m4.Emulator] = []
    start = cortex_m4.start
    monkeypatch.setattr(cortex_m4, "start", lambda elf: started.append(start(elf)) or started[-1])
    with target("nano33ble").start(Entry("nano", "nano33ble"), Provenance.EMULATED) as board:
        board.deploy(small)
        started[0].stop()
        with pytest.raises(LinkError) as caught:
            board.infer(inputs(small, 3))
    assert str(caught.value).startswith(f"nano: port {started[0].port} is lost: ")
    assert str(caught.value).endswith("; the emulator has ended: run again")
