"""Test the Nano on its port, played by the real agent behind a pseudo terminal."""

import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest

from hil.boards.board import Board
from hil.boards.desk import Desk
from hil.boards.entry import Entry
from hil.boards.facts import Identity, Provenance
from hil.boards.registry import target
from hil.boards.targets.nano33ble import THIS_DESK, absent, start
from hil.errors import BoardAbsent, BoardsFileError, BuildError, LinkError, SetupError
from hil.firmware import build
from hil.transports.serial_ports import Port
from reds.pack import interpreter
from reds.pack.model import Model
from tests.hil.support.ptyboard import PtyBoard, nano_agent
from tests.hil.support.raising import raises
from tests.support.nets import inputs

RUNNING, BOOTLOADER = (0x2341, 0x805A), (0x2341, 0x005A)
ENTRY = Entry("left", "nano33ble")


@dataclass
class PlayedDesk:
    """The ports of a machine with boards on them; `upload` does what the test sets."""

    stack: ExitStack
    ports: list[Port] = field(default_factory=list)
    uploads: list[str] = field(default_factory=list)
    on_upload: Callable[[str], None] = lambda port: None
    patience: float = 5.0

    def board(self, agent: Path | None, serial: str = "S1", usb: tuple[int, int] = RUNNING) -> PtyBoard:
        board = self.stack.enter_context(PtyBoard(agent))
        self.ports.append(Port(board.port, usb, serial))
        return board

    def unplug(self, board: PtyBoard) -> None:
        self.ports = [port for port in self.ports if port.device != board.port]
        board.vanish()

    @property
    def desk(self) -> Desk:
        def upload(port: str) -> None:
            self.uploads.append(port)
            self.on_upload(port)

        return Desk(
            lambda: tuple(self.ports),
            upload,
            build.build_id,
            THIS_DESK.upload_there,
            self.patience,
            self.patience,
        )


@pytest.fixture
def played() -> Iterator[PlayedDesk]:
    with ExitStack() as stack:
        yield PlayedDesk(stack, [Port("/dev/ttyS0"), Port("/dev/ttyUSB7", (0x10C4, 0xEA60), "S1")])


def test_ports_that_cannot_be_listed_make_the_board_absent(monkeypatch: pytest.MonkeyPatch) -> None:
    """As pyserial fails where /sys has gaps, in containers and while a board comes and goes."""

    def fail() -> None:
        raise TypeError("int() argument must be a string, not 'NoneType'")

    monkeypatch.setattr("serial.tools.list_ports.comports", fail)
    assert "cannot be listed: TypeError" in str(absent(ENTRY))
    with raises(BoardAbsent, board="left"), start(ENTRY, Provenance.HARDWARE):
        pass


@pytest.fixture(scope="session")
def nano() -> Path:
    return nano_agent()


def open_(entry: Entry, desk: Desk) -> AbstractContextManager[Board]:
    return start(entry, Provenance.HARDWARE, desk)


def test_board_is_found_by_its_usb_id_and_runs_a_pack(played: PlayedDesk, nano: Path, small: Model) -> None:
    played.board(nano)
    assert absent(ENTRY, played.desk) is None
    x = inputs(small, 9)
    with open_(ENTRY, played.desk) as board:
        board.deploy(small)
        for subnet, out in enumerate(board.infer_each([0, 1], x)):
            assert np.array_equal(out, interpreter.run(small, subnet, x))
        assert board.facts().identity == Identity("S1")
    assert not played.uploads


def test_board_that_an_upload_moves_to_another_port_keeps_its_identity(
    played: PlayedDesk, old_agent: Path, nano: Path
) -> None:
    """Another board takes the port that the entry names."""
    before = played.board(old_agent)

    def upload(port: str) -> None:
        played.board(nano)
        played.ports = [replace(p, serial="S2") if p.device == before.port else p for p in played.ports]

    played.on_upload = upload
    with open_(replace(ENTRY, port=before.port), played.desk) as board:
        assert board.facts().identity == Identity("S1")


def test_serial_number_selects_one_of_two_boards(played: PlayedDesk, nano: Path) -> None:
    played.board(None, "S1")
    played.board(nano, "S2")
    with open_(replace(ENTRY, serial="S2"), played.desk) as board:
        assert board.facts().provenance is Provenance.HARDWARE
    assert not played.uploads


def test_missing_board_is_absent_with_a_remedy(played: PlayedDesk) -> None:
    assert absent(ENTRY, played.desk)
    assert "S9" in (absent(replace(ENTRY, serial="S9"), played.desk) or "")
    with raises(BoardAbsent, board="left"):
        open_(ENTRY, played.desk).__enter__()


def test_missing_port_is_absent_with_the_list_of_ports(played: PlayedDesk) -> None:
    reason = absent(replace(ENTRY, port="/dev/ttyACM9"), played.desk)
    assert reason is not None
    assert {"/dev/ttyACM9", "/dev/ttyS0"} <= set(re.findall(r"/dev/\w+", reason))


def test_old_agent_is_replaced_and_followed_to_another_port(
    played: PlayedDesk, old_agent: Path, nano: Path, small: Model
) -> None:
    before = played.board(old_agent)
    neighbor = played.board(nano, "S2")

    def upload(port: str) -> None:
        played.board(nano)  # first, so that it gets another name
        played.unplug(before)

    played.on_upload = upload
    with open_(replace(ENTRY, serial="S1"), played.desk) as board:
        board.deploy(small)
        assert board.facts().build == build.build_id()
        with open_(replace(ENTRY, port=neighbor.port), played.desk):
            pass  # it was left alone, for a port is opened exclusively
    assert played.uploads == [before.port]


def test_board_that_comes_back_is_identified_by_its_serial_number(
    played: PlayedDesk, old_agent: Path, nano: Path
) -> None:
    """Another board comes back at the same time, as when two runs upload at once."""
    before = played.board(old_agent)
    others: list[PtyBoard] = []

    def upload(port: str) -> None:
        played.unplug(before)
        others.append(played.board(nano, "S2"))
        played.board(nano)

    played.on_upload = upload
    with open_(ENTRY, played.desk), open_(replace(ENTRY, port=others[0].port), played.desk):
        pass  # the other was left alone, for a port is opened exclusively


@pytest.mark.parametrize("silent", [True, False])
def test_two_matching_boards_are_absent_until_one_is_selected(
    played: PlayedDesk, nano: Path, old_agent: Path, silent: bool
) -> None:
    boards = played.board(None if silent else old_agent, "S1"), played.board(nano, "S2")
    with raises(BoardAbsent, board="left") as caught:
        open_(ENTRY, played.desk).__enter__()
    assert all(board.port in caught.value.text for board in boards)
    for chosen in (replace(ENTRY, serial="S2"), replace(ENTRY, port=boards[1].port)):
        with open_(chosen, played.desk):
            pass
    assert not played.uploads


def test_device_that_is_not_a_nano_is_never_written_to(played: PlayedDesk, old_agent: Path) -> None:
    other = played.board(old_agent, usb=(0x10C4, 0xEA60)).port
    reason = absent(replace(ENTRY, port=other), played.desk)
    assert reason is not None
    assert "10c4:ea60" in reason
    with raises(BoardAbsent, board="left"):
        open_(replace(ENTRY, port=other), played.desk).__enter__()
    assert not played.uploads


def test_unlisted_port_is_uploaded_to_only_after_a_nano_answered(played: PlayedDesk, old_agent: Path) -> None:
    played.patience = 0.5
    with PtyBoard() as mute, raises(BoardAbsent, board="left"):  # a pseudo terminal is never listed
        open_(replace(ENTRY, port=mute.port), played.desk).__enter__()
    assert not played.uploads
    with PtyBoard(old_agent) as old:
        entry = replace(ENTRY, port=old.port)
        with raises(BuildError):
            open_(entry, replace(played.desk, hello_seconds=20)).__enter__()
    assert played.uploads == [old.port]


def test_port_is_recognized_through_a_link(played: PlayedDesk, nano: Path, tmp_path: Path) -> None:
    (tmp_path / "by-id").symlink_to(played.board(nano).port)
    assert absent(replace(ENTRY, port=str(tmp_path / "by-id"), serial="S1"), played.desk) is None
    wrong = absent(replace(ENTRY, port=str(tmp_path / "by-id"), serial="S2"), played.desk)
    assert wrong
    assert "has serial number S1, not S2" in wrong


def test_board_that_never_answers_gets_the_agent(played: PlayedDesk, nano: Path) -> None:
    played.patience = 0.5
    silent = played.board(None, usb=BOOTLOADER)

    def upload(port: str) -> None:
        played.unplug(silent)
        played.board(nano)

    played.on_upload = upload
    with open_(ENTRY, played.desk) as board:
        assert board.facts().model == "nano33ble"
    assert played.uploads == [silent.port]


def test_failed_upload_raises_with_both_reasons(played: PlayedDesk, old_agent: Path) -> None:
    port = played.board(old_agent).port

    def upload(port: str) -> None:
        raise BuildError("no PlatformIO on this machine")

    played.on_upload = upload
    with raises(BuildError, board="left") as caught:
        open_(ENTRY, played.desk).__enter__()
    assert all(part in caught.value.text for part in (port, "0123456789abcdef", "no PlatformIO"))


def test_failed_upload_raises_with_one_remedy(played: PlayedDesk) -> None:
    played.patience = 0.5
    played.board(None)

    def upload(port: str) -> None:
        raise BuildError("no PlatformIO on this machine; install it")

    played.on_upload = upload
    with raises(BuildError, board="left") as caught:
        open_(ENTRY, played.desk).__enter__()
    assert caught.value.text.endswith("; install it")
    assert "reset the board" not in caught.value.text


@pytest.mark.parametrize("comes_back", [True, False])
def test_upload_without_effect_raises(played: PlayedDesk, old_agent: Path, comes_back: bool) -> None:
    played.patience = 0.5
    board = played.board(old_agent)
    if not comes_back:
        played.on_upload = lambda port: played.unplug(board)
    with raises(BuildError, board="left") as caught:
        open_(ENTRY, played.desk).__enter__()
    assert ("0123456789abcdef" in caught.value.text) is comes_back


def test_unplugged_board_raises_link_error(played: PlayedDesk, nano: Path, small: Model) -> None:
    board_on_desk = played.board(nano)
    with open_(ENTRY, played.desk) as board:
        board.deploy(small)
        board_on_desk.vanish()
        with raises(LinkError, board="left"):
            board.infer(inputs(small, 3))


def test_port_is_opened_by_one_run_only(played: PlayedDesk, nano: Path) -> None:
    played.board(nano)
    with (
        open_(ENTRY, played.desk),
        raises(LinkError, board="left"),
    ):
        open_(ENTRY, played.desk).__enter__()


def test_prebuilt_agent_is_refused_on_hardware(played: PlayedDesk) -> None:
    with raises(BoardsFileError, board="left", key="agent"):
        open_(replace(ENTRY, agent=Path("x.elf")), played.desk).__enter__()


def test_agent_with_another_provenance_is_refused(script: Callable[[str], Path], played: PlayedDesk) -> None:
    emulated = script(f"""
from hil.protocol.frame import Frame, Reader, encode
from hil.protocol.definition import HELLO, VERSION
reader = Reader()
while data := os.read(0, 4096):
    reader.feed(data)
    while frame := reader.next():
        payload = HELLO.pack(VERSION, 1, 1, 1, 1, 1000, 0, 1, 0, 0, b"{build.build_id()}", b"nano33ble")
        os.write(1, encode(Frame(frame.command | 128, frame.sequence, payload)))
""")
    played.board(emulated)
    with raises(SetupError, board="left"):
        open_(ENTRY, played.desk).__enter__()


def test_agent_of_another_target_is_refused_and_not_replaced(played: PlayedDesk, posix_agent: Path) -> None:
    port = played.board(posix_agent).port
    for entry in (ENTRY, replace(ENTRY, port=port)):
        with raises(SetupError, board="left"):
            open_(entry, played.desk).__enter__()
    assert not played.uploads


def test_desktop_refuses_an_agent_of_another_target(nano: Path) -> None:
    with (
        raises(SetupError, board="desk"),
        target("desktop").start(Entry("desk", "desktop", agent=nano), Provenance.HARDWARE),
    ):
        pass
