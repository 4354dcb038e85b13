"""Use a running adb server, which owns the devices on USB. No server is ever started."""

import os
import re
import socket
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass
from typing import Protocol

from hil.errors import HilError, LinkError, SetupError
from hil.transports.adb.stream import LOST, NoService
from hil.transports.deadline import Deadline
from hil.transports.host import Host, open_tcp
from reds.text import printable

PORT = 5037
"""TCP port of an adb server unless it is told another."""
LOOK_SECONDS = 2.0
"""Seconds that a server on this machine may take to list its devices."""
_NOTICE_SECONDS = 0.5
_LONGEST = 64 << 10


class Denied(OSError):  # noqa: N818, it names what happened, not a bug
    """The server refuses a request; the text is its reason."""


class Connection(Protocol):
    """A TCP connection, of this machine or one that another machine forwards."""

    def settimeout(self, seconds: float, /) -> None:
        """Limit every later wait."""
        ...

    def sendall(self, data: bytes, /) -> None:
        """Send all of `data`."""
        ...

    def recv(self, most: int, /) -> bytes:
        """Return at least one byte, or none at the end."""
        ...

    def close(self) -> None:
        """Close the connection; closing it twice is harmless."""
        ...


def _connect(host: str, port: int, deadline: Deadline) -> Connection:
    made = socket.create_connection((host, port), timeout=deadline.remaining())
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return made


@dataclass(frozen=True)
class Server:
    """Address of an adb server.

    Attributes:
        host: Name of its machine, as seen from where the connections are made.
        port: TCP port.
        connect: Makes connections; by default this machine does.
        within: Name of the machine that makes them, empty for this one.
    """

    host: str
    port: int
    connect: Callable[[str, int, Deadline], Connection] = _connect
    within: str = ""

    def __str__(self) -> str:
        return f"the adb server at {self.host}:{self.port}" + (f" of {self.within}" if self.within else "")

    def listens(self) -> bool:
        """Return whether anything listens there."""
        try:
            open_tcp(Host(self.host, self.port), Deadline.after(LOOK_SECONDS)).close()
        except LinkError:
            return False
        return True

    def devices(self, deadline: Deadline) -> dict[str, str]:
        """Return the state of each device by its serial number. Raises an error in `LOST`."""
        with closing(self._ask("host:devices", deadline)) as stream:
            rows = (line.partition("\t") for line in stream.text(deadline).splitlines())
            return {printable(serial): printable(state) for serial, _, state in rows}

    def state(self, serial: str, deadline: Deadline) -> str:
        """Return the state of one device. Raises an error in `LOST`."""
        with closing(self._ask(f"host-serial:{serial}:get-state", deadline)) as stream:
            return stream.text(deadline)

    def open(self, serial: str, service: str, deadline: Deadline) -> "ServerStream":
        """Open a stream to a service of a device. Raises `NoService`, or an error in `LOST`."""
        stream = self._ask(f"host:transport:{serial}", deadline)
        try:
            stream.ask(service, deadline)
        except BaseException as error:
            stream.close()
            if isinstance(error, Denied):
                raise NoService(str(error)) from error
            raise
        return stream

    def _ask(self, request: str, deadline: Deadline) -> "ServerStream":
        stream = ServerStream(self.connect(self.host, self.port, deadline))
        try:
            stream.ask(request, deadline)
        except BaseException:
            stream.close()
            raise
        return stream


class ServerStream:
    """A stream to the server, which becomes a stream to a service of a device."""

    def __init__(self, connection: Connection) -> None:
        self._socket = connection

    def ask(self, request: str, deadline: Deadline) -> None:
        """Send a request and read the server's verdict. Raises `Denied`, or another error in `LOST`."""
        data = request.encode()
        if len(data) > 0xFFFF:
            raise ValueError(f"a request has {len(data)} bytes, more than the 65,535 that a server takes")
        self.write(b"%04x" % len(data) + data, deadline)
        answer = self._exactly(4, deadline)
        if answer == b"FAIL":
            raise Denied(printable(self.text(deadline)))
        if answer != b"OKAY":
            raise EOFError(f"the listener is not an adb server: it answered {answer!r}")

    def text(self, deadline: Deadline) -> str:
        """Read an answer that begins with its length."""
        size = self._exactly(4, deadline)
        if not re.fullmatch(rb"[0-9a-fA-F]{4}", size):
            raise EOFError(f"the listener is not an adb server: it answered {size!r}")
        return self._exactly(int(size, 16), deadline).decode(errors="replace")

    def write(self, data: bytes, deadline: Deadline) -> None:
        """Send all of `data`."""
        self._socket.settimeout(deadline.remaining())
        self._socket.sendall(data)

    def read(self, deadline: Deadline, most: int = _LONGEST) -> bytes:
        """Return at least one byte, or none after the service has ended or the device is gone."""
        self._socket.settimeout(deadline.remaining())
        return self._socket.recv(most)

    def close(self) -> None:
        """Close the stream, and with it the service."""
        self._socket.close()

    def _exactly(self, size: int, deadline: Deadline) -> bytes:
        data = b""
        while len(data) < size:
            more = self.read(deadline, size - len(data))
            if not more:
                raise EOFError("the adb server closed the stream")
            data += more
        return data


class Served:
    """A device at a server, by its serial number; `close` closes what the connections go through."""

    def __init__(self, server: Server, serial: str, close: Callable[[], None] = lambda: None) -> None:
        self.name = f"{serial} on {server}"
        self._server, self._serial, self.close = server, serial, close

    def open(self, service: str, deadline: Deadline) -> ServerStream:
        """Open a stream to a service of the device."""
        return self._server.open(self._serial, service, deadline)

    def alive(self) -> bool:
        """Return whether the server still lists the device as ready."""
        with suppress(HilError, *LOST):
            return self._server.state(self._serial, Deadline.after(_NOTICE_SECONDS)) == "device"
        return False


def address() -> Server:
    """Return the address of the adb server, from the environment variables that `adb` reads.

    Raises:
        SetupError: A variable names no TCP port.
    """
    told = os.environ.get("ADB_SERVER_SOCKET", "")
    port = os.environ.get("ANDROID_ADB_SERVER_PORT", str(PORT))
    host = os.environ.get("ANDROID_ADB_SERVER_ADDRESS", "127.0.0.1")
    where = told or f"tcp:{host}:{port}"
    found = re.fullmatch(r"tcp:(?:(\[.+\]|[^:]+):)?(\d{1,5})", where)
    if found is None or int(found[2]) > 0xFFFF:
        name = "ADB_SERVER_SOCKET" if told else "ANDROID_ADB_SERVER_PORT"
        raise SetupError(f"{name} is {told or port!r}, which names no TCP port; write tcp:127.0.0.1:5037")
    return Server((found[1] or "127.0.0.1").strip("[]"), int(found[2]))
