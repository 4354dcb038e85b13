"""A real Nano's life on a port, played by the real agent behind a pseudo terminal."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest

from hil.boards.board import Board
from hil.boards.entry import Entry
from hil.boards.facts import Provenance
from hil.boards.registry import target
from hil.boards.targets.nano33ble import Desk, absent, start
from hil.errors import BoardAbsent, BoardsFileError, BuildError, LinkError, SetupError
from hil.firmware import build
from hil.transports.serial_ports import Port
from reds.pack import interpreter
from reds.pack.model import Model
from tests.hil.support.ptyboard import PtyBoard, nano_agent
from tests.support.nets import inputs

RUNNING, BOOTLOADER = (0x2341, 0x805A), (0x2341, 0x005A)
ENTRY = Entry("left", "nano33ble")


@dataclass
class PlayedDesk:
    """A desk with boards on it; `upload` does what the test says."""

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

        return Desk(lambda: tuple(self.ports), upload, build.build_id, self.patience, self.patience)


@pytest.fixture
def played() -> Iterator[PlayedDesk]:
    with ExitStack() as stack:
        yield PlayedDesk(stack, [Port("/dev/ttyS0"), Port("/dev/ttyUSB7", (0x10C4, 0xEA60), "S1")])


@pytest.fixture(scope="session")
def nano() -> Path:
    return nano_agent()


@pytest.fixture
def old_agent(script: Callable[[str], Path]) -> Path:
    """An agent of the same protocol, built from other sources."""
    return script("""
from hil.protocol.frame import Frame, Reader, encode
from hil.protocol.definition import HELLO, VERSION
reader = Reader()
while data := os.read(0, 4096):
    reader.feed(data)
    while frame := reader.next():
        payload = HELLO.pack(VERSION, 0, 1, 1, 1, 1000, 0, 1, 0, 0, b"0123456789abcdef", b"nano33ble")
        os.write(1, encode(Frame(frame.command | 128, frame.sequence, payload)))
""")


def open_(entry: Entry, desk: Desk) -> AbstractContextManager[Board]:
    return start(entry, Provenance.HARDWARE, desk)


def test_a_board_is_found_by_its_usb_id_and_runs_a_pack(played: PlayedDesk, nano: Path, small: Model) -> None:
    played.board(nano)
    assert absent(ENTRY, played.desk) is None
    x = inputs(small, 9)
    with open_(ENTRY, played.desk) as board:
        board.deploy(small)
        for subnet, out in enumerate(board.infer_each([0, 1], x)):
            assert np.array_equal(out, interpreter.run(small, subnet, x))
    assert not played.uploads


def test_two_of_a_kind_are_told_apart_by_serial_number(played: PlayedDesk, nano: Path) -> None:
    played.board(None, "S1")
    played.board(nano, "S2")
    with open_(replace(ENTRY, serial="S2"), played.desk) as board:
        assert board.facts().provenance is Provenance.HARDWARE
    assert not played.uploads


def test_no_board_is_absent_and_says_what_was_looked_for(played: PlayedDesk) -> None:
    assert absent(ENTRY, played.desk) == "no Arduino Nano 33 BLE on USB; plug it in"
    other = absent(replace(ENTRY, serial="S9"), played.desk)
    assert other == "no Arduino Nano 33 BLE with serial number S9 on USB; plug it in"
    with pytest.raises(
        BoardAbsent, match=r"left: no Arduino Nano 33 BLE on USB; plug it in, or add --emulate"
    ):
        open_(ENTRY, played.desk).__enter__()


def test_a_port_that_is_not_there_is_named_beside_those_that_are(played: PlayedDesk) -> None:
    reason = absent(replace(ENTRY, port="/dev/ttyACM9"), played.desk)
    assert reason == "port /dev/ttyACM9 does not exist (ports here: /dev/ttyS0, /dev/ttyUSB7); plug it in"


def test_an_old_agent_is_replaced_and_followed_to_another_port(
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


def test_a_board_that_comes_back_is_known_by_its_serial_number(
    played: PlayedDesk, old_agent: Path, nano: Path
) -> None:
    """Another one comes at the same time, as when two runs upload at once."""
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
def test_of_two_boards_none_is_taken_until_one_is_chosen(
    played: PlayedDesk, nano: Path, old_agent: Path, silent: bool
) -> None:
    boards = played.board(None if silent else old_agent, "S1"), played.board(nano, "S2")
    which = rf"2 Arduino Nano 33 BLE on USB \(S1 at {boards[0].port}, S2 at {boards[1].port}\)"
    says = rf"left: {which}; choose by `serial` or `port` in a boards file, or add --emulate"
    with pytest.raises(BoardAbsent, match=says):
        open_(ENTRY, played.desk).__enter__()
    for chosen in (replace(ENTRY, serial="S2"), replace(ENTRY, port=boards[1].port)):
        with open_(chosen, played.desk):
            pass
    assert not played.uploads


def test_a_device_that_is_no_nano_is_never_written_to(played: PlayedDesk, old_agent: Path) -> None:
    other = played.board(old_agent, usb=(0x10C4, 0xEA60)).port
    reason = absent(replace(ENTRY, port=other), played.desk)
    assert reason == f"port {other} is USB device 10c4:ea60, no Arduino Nano 33 BLE; name another port"
    with pytest.raises(BoardAbsent, match=f"left: {reason}"):
        open_(replace(ENTRY, port=other), played.desk).__enter__()
    assert not played.uploads


def test_a_port_that_nothing_is_known_of_is_uploaded_to_only_if_a_nano_answers(
    played: PlayedDesk, old_agent: Path
) -> None:
    played.patience = 0.5
    with PtyBoard() as mute:  # not listed, as a pseudo terminal never is
        says = rf"left: no hello from port {mute.port} .*; {mute.port} is not listed as Arduino Nano 33 BLE"
        with pytest.raises(BoardAbsent, match=says):
            open_(replace(ENTRY, port=mute.port), played.desk).__enter__()
    assert not played.uploads
    with PtyBoard(old_agent) as old:
        entry = replace(ENTRY, port=old.port)
        with pytest.raises(BuildError, match="after its agent was uploaded"):
            open_(entry, played.desk).__enter__()
    assert played.uploads == [old.port]


def test_a_port_is_known_by_a_link_to_it(played: PlayedDesk, nano: Path, tmp_path: Path) -> None:
    (tmp_path / "by-id").symlink_to(played.board(nano).port)
    assert absent(replace(ENTRY, port=str(tmp_path / "by-id"), serial="S1"), played.desk) is None
    wrong = absent(replace(ENTRY, port=str(tmp_path / "by-id"), serial="S2"), played.desk)
    assert wrong
    assert "has serial number S1, not S2" in wrong


def test_a_board_that_never_answers_is_uploaded_too(played: PlayedDesk, nano: Path) -> None:
    played.patience = 0.5
    silent = played.board(None, usb=BOOTLOADER)

    def upload(port: str) -> None:
        played.unplug(silent)
        played.board(nano)

    played.on_upload = upload
    with open_(ENTRY, played.desk) as board:
        assert board.facts().model == "nano33ble"
    assert played.uploads == [silent.port]


def test_an_upload_that_fails_says_both_reasons(played: PlayedDesk, old_agent: Path) -> None:
    port = played.board(old_agent).port

    def upload(port: str) -> None:
        raise BuildError("no PlatformIO on this machine")

    played.on_upload = upload
    both = rf"left: the agent on {port} is of build 0123456789abcdef.*; its upload .* no PlatformIO"
    with pytest.raises(BuildError, match=both):
        open_(ENTRY, played.desk).__enter__()


def test_an_upload_that_fails_has_one_advice(played: PlayedDesk) -> None:
    played.patience = 0.5
    port = played.board(None).port

    def upload(port: str) -> None:
        raise BuildError("no PlatformIO on this machine; install it")

    played.on_upload = upload
    with pytest.raises(BuildError) as caught:
        open_(ENTRY, played.desk).__enter__()
    silent = f"left: no hello from port {port} within 0.5 s"
    assert (
        str(caught.value)
        == f"{silent}; its upload to {port} failed: no PlatformIO on this machine; install it"
    )


@pytest.mark.parametrize("comes_back", [True, False])
def test_an_upload_that_changes_nothing_is_an_error(
    played: PlayedDesk, old_agent: Path, comes_back: bool
) -> None:
    played.patience = 0.5
    board = played.board(old_agent)
    if not comes_back:
        played.on_upload = lambda port: played.unplug(board)
    reason = "is of build 0123456789abcdef" if comes_back else "did not come back on any port"
    with pytest.raises(
        BuildError, match=rf"left: .*{reason}.* after its agent was uploaded; press its reset"
    ):
        open_(ENTRY, played.desk).__enter__()


def test_a_board_that_vanishes_is_lost_by_name(played: PlayedDesk, nano: Path, small: Model) -> None:
    board_on_desk = played.board(nano)
    with open_(ENTRY, played.desk) as board:
        board.deploy(small)
        board_on_desk.vanish()
        with pytest.raises(LinkError, match=r"left: port .* is lost: .*; check its cable and power"):
            board.infer(inputs(small, 3))


def test_a_port_in_use_is_not_shared(played: PlayedDesk, nano: Path) -> None:
    played.board(nano)
    with (
        open_(ENTRY, played.desk),
        pytest.raises(
            LinkError, match=r"left: port .* cannot be opened: .*; another program has it open: close that"
        ),
    ):
        open_(ENTRY, played.desk).__enter__()


def test_a_prebuilt_agent_is_no_business_of_a_real_board(played: PlayedDesk) -> None:
    with pytest.raises(BoardsFileError, match="left: `agent` is for an emulated board"):
        open_(replace(ENTRY, agent=Path("x.elf")), played.desk).__enter__()


def test_provenance_is_held_against_the_agent(script: Callable[[str], Path], played: PlayedDesk) -> None:
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
    with pytest.raises(SetupError, match="left: opened as hardware, but its agent says it is emulated"):
        open_(ENTRY, played.desk).__enter__()


def test_an_agent_of_another_kind_of_board_is_refused_and_not_replaced(
    played: PlayedDesk, posix_agent: Path
) -> None:
    port = played.board(posix_agent).port
    says = rf"left: port {port} says it runs on a 'desktop', not a nano33ble; name the port"
    for entry in (ENTRY, replace(ENTRY, port=port)):
        with pytest.raises(SetupError, match=says):
            open_(entry, played.desk).__enter__()
    assert not played.uploads


def test_a_desktop_is_not_played_by_another_board(nano: Path) -> None:
    with (
        pytest.raises(SetupError, match=r"desk: agent .* says it runs on a 'nano33ble', not a desktop"),
        target("desktop").start(Entry("desk", "desktop", agent=nano), Provenance.HARDWARE),
    ):
        pass
