"""Serve boards on TCP ports of 127.0.0.1, as ser2net in raw mode serves serial ports of a lab.

A board outlives the connections to it, takes one client at a time and closes others at once. What it writes
while nobody is connected is lost. An agent that has ended is started for the next client, as by a reset.
"""

import os
import select
import socket
import subprocess
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Protocol, Self

from hil.emulators import cortex_m4
from hil.firmware import build
from hil.lifetime.child import Child
from hil.transports.deadline import Deadline
from hil.transports.transport import Advice
from tests.hil.support.ptyboard import nano_agent

_CHUNK = 1 << 16
_ANSWER = Advice("it has ended", "it is silent")
_TAKE_SECONDS = 60.0


class Device(Protocol):
    """A device behind a port. `read` returns no bytes once it has ended."""

    def fileno(self) -> int: ...

    def read(self) -> bytes: ...

    def write(self, data: bytes) -> None: ...

    def end(self) -> None: ...


class AgentProcess:
    """An agent for this machine."""

    def __init__(self, program: Path) -> None:
        self._process = Child(
            [str(program)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            bufsize=0,
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._to, self._from = self._process.stdin, self._process.stdout

    def fileno(self) -> int:
        return self._from.fileno()

    def read(self) -> bytes:
        return os.read(self._from.fileno(), _CHUNK)

    def write(self, data: bytes) -> None:
        left = memoryview(data)
        while left:
            left = left[os.write(self._to.fileno(), left) :]

    def end(self) -> None:
        self._process.end()


class EmulatedNano:
    """An emulated Nano; its UART is connected to the port."""

    def __init__(self) -> None:
        self._emulator = cortex_m4.start(build.agent("emulated"))
        try:
            self._transport = self._emulator.open(_ANSWER)
        except BaseException:
            self._emulator.stop()
            raise

    def fileno(self) -> int:
        return int(self._transport._uart._port.fileno())

    def read(self) -> bytes:
        return self._transport.read(Deadline.after(_TAKE_SECONDS))

    def write(self, data: bytes) -> None:
        self._transport.write(data, Deadline.after(_TAKE_SECONDS))

    def end(self) -> None:
        self._transport.close()
        self._emulator.stop()


def agent_of(program: Path) -> Callable[[], Device]:
    """Return a function that starts an agent of this machine."""
    return lambda: AgentProcess(program)


class LabBoard:
    """A board at `host` and `port`, served by a thread until the `with` block ends.

    Args:
        device: Starts what is behind the port; by default an agent of this machine that says it is a Nano.
        host: Address to listen at.
        port: TCP port to listen at, 0 for a free one.
    """

    def __init__(
        self, device: Callable[[], Device] | None = None, host: str = "127.0.0.1", port: int = 0
    ) -> None:
        self._start = device or agent_of(nano_agent())
        self._device: Device | None = None
        self._listener = socket.create_server((host, port))
        self.host, self.port = self._listener.getsockname()[:2]
        self._client: socket.socket | None = None
        self._woken, self._waker = os.pipe()
        self.clients = 0
        """Clients that were served, without those that were turned away."""
        self._thread = threading.Thread(target=self._serve, daemon=True, name=f"board at {self.port}")

    @property
    def url(self) -> str:
        """Return the port as a boards file names it."""
        return f"socket://{self.host}:{self.port}"

    @property
    def resource(self) -> dict[str, dict[str, object]]:
        """Return the port as a group of an exporter of labgrid names it."""
        where = {"host": self.host, "port": self.port, "speed": 115_200, "protocol": "raw"}
        return {"NetworkSerialPort": where}

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        if self._waker < 0:
            return
        os.close(self._waker)
        self._waker = -1
        if self._thread.is_alive():
            self._thread.join()
        self._hang_up()
        self._listener.close()
        if self._device is not None:
            self._device.end()
            self._device = None
        os.close(self._woken)

    def vanish(self) -> None:
        """End the board and close its port, as a machine that goes down; a second call is harmless."""
        self.__exit__()

    def cut(self) -> None:
        """Close the connection of the present client, as a network that fails."""
        if (client := self._client) is not None:
            with suppress(OSError):
                client.shutdown(socket.SHUT_RDWR)

    def _serve(self) -> None:
        while True:
            watched = [item for item in (self._woken, self._listener, self._client, self._device) if item]
            ready = select.select(watched, [], [])[0]
            if self._woken in ready:
                return
            if self._listener in ready:
                self._accept()
            elif self._client in ready and self._client is not None:
                self._to_device(self._client)
            if self._device in ready and self._device is not None:
                self._to_client(self._device)

    def _accept(self) -> None:
        client, _ = self._listener.accept()
        if self._client is not None and _has_left(self._client):
            self._hang_up()
        if self._client is not None:
            client.close()
            return
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self._device is None:
            self._device = self._start()
        self._client = client
        self.clients += 1

    def _to_device(self, client: socket.socket) -> None:
        data = b""
        with suppress(OSError):
            data = client.recv(_CHUNK)
        if not data:
            self._hang_up()
        elif self._device is not None:
            try:
                self._device.write(data)
            except Exception:  # it has ended; a client learns that from its silence or the closed port
                self._lose()

    def _to_client(self, device: Device) -> None:
        try:
            data = device.read()
        except Exception:
            data = b""
        if not data:
            self._lose()
        elif self._client is not None:
            try:
                self._client.sendall(data)
            except OSError:
                self._hang_up()

    def _lose(self) -> None:
        self._hang_up()
        if self._device is not None:
            self._device.end()
            self._device = None

    def _hang_up(self) -> None:
        if self._client is not None:
            self._client.close()
            self._client = None


def _has_left(client: socket.socket) -> bool:
    """Return whether a client has closed its end and sent nothing more."""
    try:
        return not client.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
    except BlockingIOError:
        return False
    except OSError:
        return True
