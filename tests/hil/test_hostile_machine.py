"""Test that logins, scripts and transfers end within their deadline and in bounded memory, whatever comes."""

import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import pytest

from hil.errors import DeadlineError, LinkError, LoginError, ProtocolError
from hil.transports.adb import find, sync
from hil.transports.adb.device import Device
from hil.transports.adb.direct import Direct
from hil.transports.adb.key import Key, make
from hil.transports.adb.server import Server
from hil.transports.adb.session import ShellSession
from hil.transports.adb.stream import LOST
from hil.transports.adb.wire import TcpWire
from hil.transports.deadline import Deadline
from hil.transports.host import Host
from hil.transports.machine import MOST_ERRORS, Machine
from hil.transports.ssh.machine import SshMachine
from hil.transports.ssh.session import closing_after
from tests.hil.support import phone as phones
from tests.hil.support import sshd as sshds
from tests.hil.support.boards import android_refusal, pi_refusal, taking
from tests.hil.support.raising import raises
from tests.hil.support.sshd import script

SECONDS, OVERRUN = 1.0, 3.0
ENDLESS = {"output": "exec cat /dev/zero", "errors": "exec yes >&2"}
"""Agents that print without end."""


def head(command: bytes, kind: int, size: int) -> bytes:
    """Return the head of an ADB message that announces so many bytes."""
    (word,) = struct.unpack("<I", command)
    return struct.pack("<6I", word, kind, 0, size, 0, word ^ 0xFFFFFFFF)


def kex_init(name: bytes) -> bytes:
    """Return an SSH packet that lists algorithms of this name."""
    lists = (struct.pack(">I", len(name)) + name) * 10
    payload = b"\x14" + bytes(16) + lists + bytes(5)
    padding = 8 - (len(payload) + 5) % 8 + 8
    return struct.pack(">IB", 1 + len(payload) + padding, padding) + payload + bytes(padding)


FLOODS = {
    "zeros": bytes(4096),
    "lines": b"hello\r\n" * 500,
    "a line without end": b"x" * 4096,
    "messages": head(b"OKAY", 1, 0) * 99,
    "a message of 4 GB": head(b"CNXN", 0, 0xFFFFFFFF) * 99,
    "challenges": head(b"AUTH", 1, 0) * 99,
    "pieces of an SSH banner": b"SSH-2.0-x",
    "an SSH packet": b"SSH-2.0-x\r\n\0\0\0\x0c\4" + bytes(11),
    "SSH names that are no text": b"SSH-2.0-x\r\n" + kex_init(b"\xff\xfe"),
}


@contextmanager
def flooding(data: bytes, once: bytes = b"") -> Iterator[int]:
    """Serve one connection with `once`, then `data` for ever, and return the port."""

    def serve() -> None:
        with suppress(OSError), listener.accept()[0] as connection:
            connection.sendall(once)
            while True:
                connection.sendall(data)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)
    thread.join(10)
    assert not thread.is_alive(), "the host has not closed its connection"


@pytest.mark.parametrize("flood", FLOODS)
def test_ssh_login_to_a_flood_ends_within_its_deadline(flood: str) -> None:
    with flooding(FLOODS[flood]) as port, taking(SECONDS + OVERRUN), pytest.raises(LinkError):
        SshMachine(Host("127.0.0.1", port, "u", host_key="SHA256:x"), Deadline.after(SECONDS))
    for timer in (each for each in threading.enumerate() if isinstance(each, threading.Timer)):
        timer.join(1)
        assert not timer.is_alive(), "a timer of the login runs on"


@pytest.mark.parametrize("flood", FLOODS)
def test_adb_login_to_a_flood_ends_within_its_deadline(flood: str, tmp_path: Path) -> None:
    make(tmp_path / ".android" / "key")
    key, error = Key(tmp_path / ".android" / "key"), LoginError if flood == "challenges" else LinkError
    with flooding(FLOODS[flood]) as port, taking(SECONDS + OVERRUN), pytest.raises(error):
        Direct(TcpWire(Host("127.0.0.1", port), Deadline.after(SECONDS)), key)


@pytest.mark.parametrize(("once", "flood"), [(b"", bytes(99)), (b"OKAYffff", b"\x1b"), (b"FAILffff", b"A")])
def test_flooding_adb_server_ends_within_the_deadline(once: bytes, flood: bytes) -> None:
    with flooding(flood, once) as port, taking(SECONDS + OVERRUN), suppress(*LOST):
        states = Server("127.0.0.1", port).devices(Deadline.after(SECONDS))
        assert all(serial.isprintable() and len(serial) <= 200 for serial in states)


class Endless:
    """A stream that repeats some bytes for ever, as fast as it is read."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def write(self, data: bytes, deadline: Deadline) -> None:
        pass

    def read(self, deadline: Deadline) -> bytes:
        deadline.remaining()
        return self._data

    def close(self) -> None:
        pass


def test_shell_that_prints_for_ever_has_no_status_and_keeps_little() -> None:
    for kind in (0, 1, 2, 9):
        session = ShellSession(Endless(struct.pack("<BI", kind, 995) + bytes(995)))
        with taking(SECONDS + OVERRUN):
            assert session.status(SECONDS) is None
        assert len(session.stderr()) <= MOST_ERRORS
        assert len(session._out) < 1 << 20


def test_endless_answer_to_a_file_is_refused() -> None:
    for data in (b"\0", b"FAIL", b"DATA\0\0\0\0"):
        with taking(SECONDS + OVERRUN), pytest.raises(LOST):
            sync.send(Endless(data), b"data", "/x", Deadline.after(SECONDS))


@pytest.fixture(params=["ssh", "adb"])
def machine(request: pytest.FixtureRequest) -> Iterator[Machine]:
    if request.param == "ssh":
        start: sshds.Start = request.getfixturevalue("sshd")
        host = start().entry().host
        assert host is not None
        with SshMachine(host, Deadline.after(15)) as machine:
            yield machine
    else:
        there = request.getfixturevalue("phone")()
        with Device(find.on_network(there.entry().host)(Deadline.after(15))) as machine:
            yield machine


def test_script_that_prints_for_ever_is_a_protocol_error(machine: Machine) -> None:
    with taking(SECONDS + OVERRUN), raises(ProtocolError):
        machine.run("yes", "say yes", Deadline.after(SECONDS))


def test_script_that_complains_for_ever_ends_within_its_deadline(machine: Machine) -> None:
    with taking(SECONDS + OVERRUN), raises(DeadlineError):
        machine.run("yes >&2", "complain", Deadline.after(SECONDS))


@pytest.fixture
def hurried_hello(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hil.boards.shell_board.START_SECONDS", SECONDS)


@pytest.mark.usefixtures("hurried_hello")
@pytest.mark.parametrize("stream", ENDLESS)
def test_endless_agent_over_ssh_ends_and_leaves_nothing(
    sshd: sshds.Start, tmp_path: Path, stream: str
) -> None:
    there = sshd()
    pi_refusal(there.entry(agent=script(tmp_path / "endless", ENDLESS[stream])), DeadlineError)
    assert there.running() == []


@pytest.mark.usefixtures("hurried_hello")
@pytest.mark.parametrize("stream", ENDLESS)
def test_endless_agent_over_adb_ends_and_leaves_nothing(
    phone: phones.Start, tmp_path: Path, stream: str
) -> None:
    there = phone()
    android_refusal(there.entry(agent=script(tmp_path / "endless", ENDLESS[stream])), DeadlineError)
    assert there.running() == []


def test_wait_is_ended_by_closing() -> None:
    closed = threading.Event()
    with taking(OVERRUN), closing_after(0.1, closed.set):
        assert closed.wait(10)


@contextmanager
def stalling(server: Host) -> Iterator[tuple[Host, threading.Event]]:
    """Pass a connection on to a server, until the event is set: then no more bytes are taken."""
    stalled = threading.Event()

    def carry(source: socket.socket, sink: socket.socket, stalls: bool) -> None:
        with suppress(OSError):
            while (data := source.recv(1 << 12)) and not (stalls and stalled.is_set()):
                sink.sendall(data)

    with socket.create_server(("127.0.0.1", 0)) as listener, ExitStack() as stack:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 12)

        def serve() -> None:
            here = stack.enter_context(listener.accept()[0])
            there = stack.enter_context(socket.create_connection((server.name, server.port)))
            threading.Thread(target=carry, args=(there, here, False), daemon=True).start()
            carry(here, there, True)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield replace(server, port=listener.getsockname()[1]), stalled
        thread.join(10)


def test_write_to_a_stalled_network_ends_soon_after_its_deadline(sshd: sshds.Start) -> None:
    server = sshd().entry().host
    assert server is not None
    with stalling(server) as (host, stalled), SshMachine(host, Deadline.after(15)) as machine:
        session = machine.execute("exec cat >/dev/null", Deadline.after(5))
        session.write(bytes(9), Deadline.after(5))
        stalled.set()
        with taking(SECONDS + 1 + OVERRUN), pytest.raises(machine.lost):
            session.write(bytes(64 << 20), Deadline.after(SECONDS))
