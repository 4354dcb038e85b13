"""Test boards behind a real ser2net, by telnet with RFC 2217 and raw, and what other servers may answer."""

import os
import select
import socket
import subprocess
import sys
import termios
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hil.boards import network_board
from hil.boards.entry import Entry
from hil.boards.facts import Identity
from hil.errors import DeadlineError, LinkError, SetupError
from hil.transports.deadline import Deadline
from hil.transports.network_port import RAW, TELNET, network_port
from hil.transports.rfc2217 import RefusedOption, Rfc2217Transport
from hil.transports.tcp import ClosedAtOnce
from hil.transports.telnet import IAC, MOST_VALUE, SB, SE, Decoder, Option, Said, Value, Verb, escaped, said
from hil.transports.telnet import value as value_of
from reds.pack.model import Model
from tests.hil.support.boards import HOST, equals_the_interpreter, taking
from tests.hil.support.ptyboard import PtyBoard, nano_agent
from tests.hil.support.raising import raises
from tests.hil.support.ser2net import Ser2net
from tests.hil.support.tcpboard import open_, serving, until_closed
from tests.support.nets import inputs


@pytest.fixture(scope="session")
def nano() -> Path:
    return nano_agent()


@pytest.fixture
def pty(nano: Path) -> Iterator[PtyBoard]:
    with PtyBoard(nano) as board:
        yield board


def transport(port: str, seconds: float = 4) -> Rfc2217Transport:
    address = network_port(port)
    assert address is not None
    return Rfc2217Transport(address, Deadline.after(seconds))


@pytest.mark.parametrize("scheme", [RAW, TELNET])
def test_board_behind_ser2net_gives_the_outputs_of_the_interpreter(
    tmp_path: Path, pty: PtyBoard, small: Model, scheme: str
) -> None:
    """Also at once after an earlier connection, whose end ser2net may not have noticed."""
    with Ser2net(tmp_path, pty.port, scheme) as server:
        for _ in range(3):
            equals_the_interpreter(open_(server.port), small)
        with open_(server.port) as board:
            assert board.facts().identity == Identity(server.port.partition("://")[2])


@pytest.mark.parametrize("scheme", [RAW, TELNET])
def test_second_client_of_ser2net_is_refused_with_its_words(
    tmp_path: Path, pty: PtyBoard, small: Model, scheme: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(network_board, "RELEASE_SECONDS", 0.1)
    with Ser2net(tmp_path, pty.port, scheme) as server, open_(server.port) as board:
        board.deploy(small)
        with raises(ClosedAtOnce, board="left") as caught, taking(5), open_(server.port):
            pass
        assert "at once: Port already in use; another client" in caught.value.text
        assert len(board.infer(inputs(small, 3))) == 3


@pytest.mark.parametrize("scheme", [RAW, TELNET])
def test_board_of_a_killed_run_can_be_opened_at_once(
    tmp_path: Path, pty: PtyBoard, boards_toml: Callable[..., Path], small: Model, scheme: str
) -> None:
    with Ser2net(tmp_path, pty.port, scheme) as server:
        boards = boards_toml("nano33ble", port=server.port)
        command = [sys.executable, "-c", HOST, "nano33ble", str(boards)]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as killed:
            assert killed.stdout is not None
            assert killed.stdout.readline() == b"up\n"
            killed.kill()
        with taking(5):
            equals_the_interpreter(open_(server.port), small)


def test_banner_of_ser2net_is_dropped(tmp_path: Path, pty: PtyBoard, small: Model) -> None:
    with Ser2net(tmp_path, pty.port, RAW, r'banner: "ser2net \\p\\r\\n"') as server:
        equals_the_interpreter(open_(server.port), small)


def test_board_of_a_server_with_many_clients_gives_the_outputs_of_the_interpreter(
    tmp_path: Path, pty: PtyBoard, small: Model
) -> None:
    """Start ser2net as the exporter of labgrid does; somebody else only listens."""
    with Ser2net(tmp_path, pty.port, TELNET, "max-connections: 10") as server:
        address = network_port(server.port)
        assert address is not None
        with socket.create_connection((address.host, address.port)):
            for _ in range(2):
                equals_the_interpreter(open_(server.port), small)


@pytest.mark.parametrize("scheme", [RAW, TELNET])
def test_board_that_is_unplugged_from_its_machine_raises_link_error(
    tmp_path: Path, pty: PtyBoard, small: Model, scheme: str
) -> None:
    with Ser2net(tmp_path, pty.port, scheme) as server, open_(server.port) as board:
        board.deploy(small)
        pty.vanish()
        with raises(LinkError, board="left"):
            board.infer(inputs(small, 3))


def test_telnet_port_is_set_and_touched_at_1200_baud(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def baud() -> int:
        return int(termios.tcgetattr(board._slave)[4])

    with PtyBoard() as board, Ser2net(tmp_path, board.port, TELNET) as server:
        link = transport(server.port)
        assert baud() == termios.B115200
        with monkeypatch.context() as patch:
            patch.setattr(link, "close", lambda: None)  # after which ser2net puts the old settings back
            link.touch(Deadline.after(5))
            assert baud() == termios.B1200
        link.close()


def test_every_byte_passes_both_ways(tmp_path: Path) -> None:
    sent = bytes(range(256)) + b"\r\n\r\0\xff\xff\xff\xf0\r"
    with PtyBoard() as board, Ser2net(tmp_path, board.port, TELNET) as server:
        link, deadline, there, here = transport(server.port), Deadline.after(10), b"", b""
        link.write(sent, deadline)
        while len(there) < len(sent) and select.select([board._master], [], [], 5)[0]:
            there += os.read(board._master, 1000)
        assert there == sent
        os.write(board._master, sent)
        while len(here) < len(sent):
            here += link.read(deadline)
        link.close()
    assert here == sent


def test_raw_port_is_told_from_a_telnet_port() -> None:
    with serving(until_closed) as port, raises(DeadlineError) as caught:
        transport(port.replace(RAW, TELNET), 0.3)
    assert "write socket://" in caught.value.text


def test_flood_of_a_raw_port_ends_at_the_deadline() -> None:
    def flood(client: socket.socket) -> None:
        while True:
            client.sendall(bytes(1 << 16))

    with serving(flood) as port, taking(2), raises(DeadlineError):
        transport(port.replace(RAW, TELNET), 0.3)


@pytest.mark.parametrize("option", [Option.BINARY, Option.COM_PORT])
def test_server_that_refuses_an_option_is_refused(option: Option) -> None:
    def refuse(client: socket.socket) -> None:
        client.sendall(said(Said(Verb.DONT, option)))
        until_closed(client)

    with serving(refuse) as port:
        telnet = port.replace(RAW, TELNET)
        with raises(RefusedOption) as caught:
            transport(telnet)
        with raises(SetupError, board="left") as of_board:
            network_board.connect(Entry("left", "nano33ble", port=telnet), network_port(telnet))
    assert option.name.replace("_", "-") in caught.value.text
    assert type(of_board.value) is SetupError, (
        "a wrong setting is no absent board, which would be passed over"
    )


def test_options_that_nobody_needs_are_refused() -> None:
    heard = bytearray()
    echo = 1

    def offer(client: socket.socket) -> None:
        client.sendall(said(Said(Verb.WILL, echo)) + said(Said(Verb.DO, echo)))
        while said(Said(Verb.WONT, echo)) not in heard:
            heard.extend(client.recv(1 << 16))

    with serving(offer) as port, raises(ClosedAtOnce):
        transport(port.replace(RAW, TELNET))
    assert said(Said(Verb.DONT, echo)) in heard


def cut(stream: bytes, at: list[int]) -> list[bytes]:
    """Cut a stream into pieces at these places."""
    places = sorted({0, len(stream), *(place % (len(stream) + 1) for place in at)})
    return [stream[a:b] for a, b in pairwise(places)]


@given(
    st.lists(
        st.binary(max_size=20)
        | st.builds(Said, st.sampled_from(Verb), st.integers(0, 255))
        | st.builds(Value, st.integers(0, 254), st.binary(max_size=20))
    ),
    st.lists(st.integers(0, 10_000), max_size=8),
)
def test_decoder_returns_what_was_sent_however_it_is_cut(
    parts: list[bytes | Said | Value], at: list[int]
) -> None:
    stream, data = b"", b""
    for part in parts:
        if isinstance(part, bytes):
            stream, data = stream + escaped(part), data + part
        else:
            stream += said(part) if isinstance(part, Said) else value_of(part.option, part.data)
    decoder = Decoder()
    assert b"".join(map(decoder.feed, cut(stream, at))) == data
    assert decoder.commands == [part for part in parts if not isinstance(part, bytes)]


@given(st.binary(max_size=300))
def test_decoder_survives_any_bytes_and_finds_the_next_command(noise: bytes) -> None:
    decoder = Decoder()
    decoder.feed(noise)
    decoder.feed(bytes((0, IAC, SE, 0, IAC, SE)))  # ends whatever is open
    decoder.commands.clear()
    assert decoder.feed(b"a" + said(Said(Verb.DO, 3)) + b"b") == b"ab"
    assert decoder.commands == [Said(Verb.DO, 3)]


def test_value_without_end_is_cut() -> None:
    decoder = Decoder()
    decoder.feed(bytes((IAC, SB, 44)) + bytes(1 << 20))
    decoder.feed(bytes((IAC, SE)))
    (value,) = decoder.commands
    assert value == Value(44, bytes(MOST_VALUE - 1))
