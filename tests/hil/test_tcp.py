"""Test boards whose serial port is a raw TCP port, as ser2net and socat serve one."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from hil.boards import lease, network_board, opening
from hil.boards import recovery as recovery_module
from hil.boards.board import Board
from hil.boards.entry import Entry
from hil.boards.facts import Identity, Provenance
from hil.boards.recovery import Record, RecoverableBoard
from hil.boards.targets.nano33ble import THIS_DESK, absent, device
from hil.errors import BoardAbsent, BoardBusy, BoardsFileError, BuildError, DeadlineError, LinkError
from hil.protocol.definition import ANSWER, Command
from hil.protocol.frame import Frame, encode
from hil.transports.deadline import Deadline
from hil.transports.host import Host
from hil.transports.network_port import RAW, NetworkPort, network_port
from hil.transports.tcp import ClosedAtOnce, TcpTransport
from reds.pack.model import Model
from tests.hil.support.boards import equals_the_interpreter, taking
from tests.hil.support.ptyboard import PtyBoard, nano_agent
from tests.hil.support.raising import raises
from tests.hil.support.ser2net import Ser2net
from tests.hil.support.sshd import free_port
from tests.hil.support.tcpboard import TcpBoard, entry, open_, serving, until_closed
from tests.support.nets import inputs

SILENT = replace(THIS_DESK, hello_seconds=0.5)


@pytest.fixture(scope="session")
def nano() -> Path:
    return nano_agent()


@pytest.fixture
def board(nano: Path) -> Iterator[TcpBoard]:
    with TcpBoard.of(nano) as there:
        yield there


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give a server little time to release its port."""
    monkeypatch.setattr(network_board, "RELEASE_SECONDS", 0.1)


def transport(port: str) -> TcpTransport:
    address = network_port(port)
    assert address is not None
    return TcpTransport(address, Deadline.after(4))


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("socket://exporter:5701", "exporter", 5701),
        ("rfc2217://10.0.0.7:1", "10.0.0.7", 1),
        ("socket://[fe80::1%eth0]:65535", "fe80::1%eth0", 65535),
    ],
)
def test_port_on_the_network_is_read_and_written_as_one_text(text: str, host: str, port: int) -> None:
    read = network_port(text)
    assert read == NetworkPort(text.partition(":")[0], host, port)
    assert str(read) == text
    assert read.server == Host(host, port)


@pytest.mark.parametrize("port", ["/dev/ttyACM0", "COM3", "socket:/x", "tty:1"])
def test_port_of_this_machine_is_no_port_on_the_network(port: str) -> None:
    assert network_port(port) is None


@pytest.mark.parametrize(
    "port",
    [
        *("socket://exporter", "socket://:5701", "socket://exporter:0", "socket://exporter:65536"),
        *("http://exporter:5701", "socket://a@exporter:5701", "socket://exporter:5701/x", "socket://a b:1"),
        *("rfc2217://exporter:5701?logging=debug", "socket://[::1:5701", "socket://exporter:٣", "://"),
    ],
)
def test_other_urls_are_refused(port: str) -> None:
    with pytest.raises(ValueError, match="socket://HOST:PORT"):
        network_port(port)
    with raises(BoardsFileError, board="left", key="port"):
        absent(entry(port))


def test_board_over_tcp_gives_the_outputs_of_the_interpreter(board: TcpBoard, small: Model) -> None:
    assert absent(entry(board.port)) is None
    equals_the_interpreter(open_(board.port), small)


def test_board_is_identified_by_its_serial_number_or_else_by_its_port(board: TcpBoard) -> None:
    with open_(board.port) as opened:
        assert opened.facts().identity == Identity(board.host)
    with open_(board.port, serial="S1") as opened:
        assert opened.facts().identity == Identity("S1")
    named = board.port.replace("127.0.0.1", "localhost")
    assert device(entry(named)) in (board.host, f"::1:{board.host.partition(':')[2]}")
    assert device(entry(board.port)) == board.host
    assert device(entry(board.port, serial="S1")) == "Arduino Nano 33 BLE S1"


def test_bytes_that_an_earlier_client_left_are_dropped(nano: Path, small: Model) -> None:
    late = b"".join(encode(Frame(command | ANSWER, command)) for command in Command if command < 127)
    with TcpBoard.of(nano, greeting=late) as board:
        equals_the_interpreter(open_(board.port), small)


def test_port_without_a_server_is_absent() -> None:
    port = f"socket://127.0.0.1:{free_port()}"
    assert "Connection refused" in (absent(entry(port)) or "")
    with raises(BoardAbsent, board="left"), open_(port):
        pass


def test_unknown_name_of_a_server_is_absent() -> None:
    port = "socket://no-such-exporter.invalid:5701"
    assert "no-such-exporter.invalid" in (absent(entry(port)) or "")
    with raises(BoardAbsent, board="left"), opening.leased(entry(port), Provenance.HARDWARE):
        pass
    with raises(BoardAbsent, board="left"), open_(port):
        pass


def test_port_that_another_client_has_raises_with_the_words_of_its_server(hurried: None) -> None:
    with (
        serving(lambda client: client.sendall(b"Port already in use\r\n")) as port,
        raises(ClosedAtOnce, board="left") as caught,
        taking(5),
        open_(port),
    ):
        pass
    assert "at once: Port already in use; another client" in caught.value.text


def test_words_of_a_server_are_shown_as_text() -> None:
    with serving(lambda client: client.sendall(b"\x1b[2Jin use\nby you")) as port:
        link = transport(port)
        with raises(ClosedAtOnce) as caught:
            link.drain()
        link.close()
    assert r"at once: \x1b[2Jin use\nby you; another client" in caught.value.text


def test_server_that_is_still_busy_with_an_earlier_connection_is_tried_again(
    nano: Path, small: Model
) -> None:
    busy = iter([True, True])
    with TcpBoard.of(nano) as board:
        carry = board._carry
        board._carry = lambda client: None if next(busy, False) else carry(client)  # type: ignore[method-assign]
        equals_the_interpreter(open_(board.port), small)
    assert board.clients == 3


def test_silent_port_raises_at_the_deadline() -> None:
    with serving(until_closed) as port, taking(4), raises(DeadlineError, board="left"), open_(port, SILENT):
        pass


def test_flooding_port_raises_at_the_deadline() -> None:
    def flood(client: socket.socket) -> None:
        while True:
            client.sendall(b"\x01\x02\x00" * 10_000)

    with serving(flood) as port, taking(5), raises(DeadlineError, board="left"), open_(port, SILENT):
        pass


def test_connection_that_is_cut_in_the_middle_raises_link_error(board: TcpBoard, small: Model) -> None:
    with open_(board.port) as opened:
        opened.deploy(small)
        board.cut()
        with raises(LinkError, board="left") as caught:
            opened.infer(inputs(small, 3))
    assert board.port in caught.value.text


@dataclass
class Recovery:
    """A board that is recovered, and what was said about it."""

    board: RecoverableBoard
    said: list[str] = field(default_factory=list)


@contextmanager
def recoverable(of: Entry) -> Iterator[Recovery]:
    said: list[str] = []
    with RecoverableBoard(of, Provenance.HARDWARE, Record(), lambda _: None, said.append) as board:
        yield Recovery(board, said)


def infer(board: Board, model: Model) -> int:
    return len(board.infer(inputs(model, 3)))


def test_cut_connection_is_opened_again_and_the_work_is_done_once_more(board: TcpBoard, small: Model) -> None:
    with recoverable(entry(board.port)) as recovery:
        recovery.board.deploy(small)
        board.cut()
        assert recovery.board.do(lambda opened: infer(opened, small)) == 3
    (said,) = recovery.said
    assert said.endswith("; it works after a restart")


def test_board_whose_server_closes_at_once_is_waited_for(
    board: TcpBoard, small: Model, hurried: None
) -> None:
    """Close connections as ser2net does while a board is away, for longer than it keeps a port."""
    with recoverable(entry(board.port)) as recovery:
        recovery.board.deploy(small)
        carry, closed = board._carry, 0

        def away(client: socket.socket) -> None:
            nonlocal closed
            closed += 1
            if closed > 10:
                carry(client)

        board._carry = away  # type: ignore[method-assign]
        board.cut()
        assert recovery.board.do(lambda opened: infer(opened, small)) == 3
    assert closed > 10


def test_power_cycle_brings_a_board_of_another_machine_back(
    tmp_path: Path, nano: Path, small: Model, hurried: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The board vanishes from a real ser2net, and comes back when the command has run."""
    monkeypatch.setattr(recovery_module, "RETURN_SECONDS", 0.1)
    with PtyBoard(nano) as before, PtyBoard(nano) as after:
        (tmp_path / "nano").symlink_to(before.port)
        with Ser2net(tmp_path, str(tmp_path / "nano"), RAW) as server:
            cycle = "ln", "-sfn", after.port, str(tmp_path / "nano")
            with recoverable(entry(server.port, power_cycle=cycle)) as recovery:
                recovery.board.deploy(small)
                before.vanish()
                assert recovery.board.do(lambda opened: infer(opened, small)) == 3
    (said,) = recovery.said
    assert said.endswith("; it works after a power cycle")


def test_port_that_takes_no_bytes_raises_at_the_deadline_and_closes_at_once() -> None:
    ended = threading.Event()

    def idle(client: socket.socket) -> None:
        ended.wait(20)

    with serving(idle) as port:
        link = transport(port)
        with taking(3), raises(DeadlineError):
            link.write(bytes(1 << 24), Deadline.after(0.3))
        with taking(1):
            link.close()
            link.close()
        with raises(LinkError):
            link.read(Deadline.after(1))
        ended.set()


def test_nothing_is_read_or_written_after_the_deadline() -> None:
    with serving(until_closed) as port:
        link, past = transport(port), Deadline.after(0)
        for use in (lambda: link.read(past), lambda: link.write(b"x", past)):
            with raises(DeadlineError):
                use()
        link.close()


def test_agent_of_other_sources_is_refused_and_not_replaced(board: TcpBoard) -> None:
    def upload(port: str) -> None:
        pytest.fail(f"an upload to {port}")

    other = replace(THIS_DESK, upload=upload, build_id=lambda: "0" * 16)
    with raises(BuildError, board="left"), open_(board.port, other):
        pass


def test_board_that_a_run_of_this_machine_holds_is_not_probed(board: TcpBoard) -> None:
    with opening.started(entry(board.port), Provenance.HARDWARE):
        before = board.clients
        assert absent(entry(board.port)) is None
    with open_(board.port):  # which a probe would have preceded in the queue of the server
        assert board.clients == before + 1


def test_two_entries_for_one_port_have_one_lease(board: TcpBoard) -> None:
    with (
        opening.started(entry(board.port), Provenance.HARDWARE),
        raises(BoardBusy, board="right"),
        opening.started(replace(entry(board.port), name="right"), Provenance.HARDWARE, lambda _: None, 0),
    ):
        pass


def test_lease_of_a_serial_number_is_that_of_the_board_on_usb(board: TcpBoard) -> None:
    name = device(entry(board.port, serial="S1"))
    assert name is not None
    with (
        lease.held("usb", name, 0, lambda _: None),
        raises(BoardBusy, board="left"),
        opening.started(entry(board.port, serial="S1"), Provenance.HARDWARE, lambda _: None, 0),
    ):
        pass
