"""A running adb server: it owns the devices on USB, so they are reached through it. None is ever started."""

import os
import re
import socket
from contextlib import closing, suppress
from dataclasses import dataclass

from hil.errors import SetupError
from hil.transports.adb.stream import LOST, NoService
from hil.transports.deadline import Deadline

LOOK_SECONDS = 2.0
"""What a server on this machine may take to say which devices there are."""
_NOTICE_SECONDS = 0.5
_LONGEST = 64 << 10


class Denied(OSError):  # noqa: N818, it names what happened, not a bug
    """The server refuses a request; the text is its reason."""


@dataclass(frozen=True)
class Server:
    """Where it listens."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"the adb server at {self.host}:{self.port}"

    def listens(self) -> bool:
        """Whether anything does."""
        try:
            socket.create_connection((self.host, self.port), timeout=LOOK_SECONDS).close()
        except OSError:
            return False
        return True

    def devices(self, deadline: Deadline) -> dict[str, str]:
        """Their states by their serial numbers, as `adb devices` lists them. Raises one of `LOST`."""
        with closing(self._ask("host:devices", deadline)) as stream:
            rows = (line.partition("\t") for line in stream.text(deadline).splitlines())
            return {serial: state for serial, _, state in rows}

    def state(self, serial: str, deadline: Deadline) -> str:
        """Of one device, as the server sees it. Raises one of `LOST`."""
        with closing(self._ask(f"host-serial:{serial}:get-state", deadline)) as stream:
            return stream.text(deadline)

    def open(self, serial: str, service: str, deadline: Deadline) -> "ServerStream":
        """A service of a device. Raises `NoService` if it has no such, or one of `LOST`."""
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
        seconds = max(deadline.left, 0.001)
        stream = ServerStream(socket.create_connection((self.host, self.port), timeout=seconds))
        try:
            stream.ask(request, deadline)
        except BaseException:
            stream.close()
            raise
        return stream


class ServerStream:
    """A connection to the server, which becomes one to a service of a device."""

    def __init__(self, connection: socket.socket) -> None:
        self._socket = connection
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def ask(self, request: str, deadline: Deadline) -> None:
        """Raises `Denied`, or another of `LOST`."""
        data = request.encode()
        if len(data) > 0xFFFF:
            raise ValueError(f"a request of {len(data)} bytes is longer than a server takes")
        self.write(b"%04x" % len(data) + data, deadline)
        answer = self._exactly(4, deadline)
        if answer == b"FAIL":
            raise Denied(self.text(deadline))
        if answer != b"OKAY":
            raise EOFError(f"what listens there is no adb server: it says {answer!r}")

    def text(self, deadline: Deadline) -> str:
        """An answer with its length before it."""
        size = self._exactly(4, deadline)
        if not re.fullmatch(rb"[0-9a-fA-F]{4}", size):
            raise EOFError(f"what listens there is no adb server: it says {size!r}")
        return self._exactly(int(size, 16), deadline).decode(errors="replace")

    def write(self, data: bytes, deadline: Deadline) -> None:
        """Send all of `data`."""
        self._socket.settimeout(max(deadline.left, 0.001))
        self._socket.sendall(data)

    def read(self, deadline: Deadline, most: int = _LONGEST) -> bytes:
        """At least one byte; none once the service has ended, or the device is gone."""
        self._socket.settimeout(max(deadline.left, 0.001))
        return self._socket.recv(most)

    def close(self) -> None:
        """Close the connection, and with it the service."""
        self._socket.close()

    def _exactly(self, size: int, deadline: Deadline) -> bytes:
        data = b""
        while len(data) < size:
            more = self.read(deadline, size - len(data))
            if not more:
                raise EOFError("the adb server closed the connection")
            data += more
        return data


class Served:
    """A device that a server has, by its serial number."""

    def __init__(self, server: Server, serial: str) -> None:
        self.name = f"{serial} on {server}"
        self._server, self._serial = server, serial

    def open(self, service: str, deadline: Deadline) -> ServerStream:
        """One of its services."""
        return self._server.open(self._serial, service, deadline)

    def alive(self) -> bool:
        """Whether the server still has it."""
        with suppress(*LOST):
            return self._server.state(self._serial, Deadline.after(_NOTICE_SECONDS)) == "device"
        return False

    def close(self) -> None:
        """Nothing is held but its streams."""


def address() -> Server:
    """Where a server would listen, by the variables that `adb` itself heeds. Raises `SetupError`."""
    told = os.environ.get("ADB_SERVER_SOCKET", "")
    port = os.environ.get("ANDROID_ADB_SERVER_PORT", "5037")
    host = os.environ.get("ANDROID_ADB_SERVER_ADDRESS", "127.0.0.1")
    where = told or f"tcp:{host}:{port}"
    found = re.fullmatch(r"tcp:(?:(\[.+\]|[^:]+):)?(\d{1,5})", where)
    if found is None or int(found[2]) > 0xFFFF:
        name = "ADB_SERVER_SOCKET" if told else "ANDROID_ADB_SERVER_PORT"
        raise SetupError(f"{name} is {told or port!r}, which names no TCP port; write tcp:127.0.0.1:5037")
    return Server((found[1] or "127.0.0.1").strip("[]"), int(found[2]))
