"""What carries ADB's messages directly: TCP or USB, as adb-shell wants it.

adb-shell gives a timeout to each read and write, ignores it in places, and does not see that a connection
was closed or took only a part. Here all of them end with one deadline.
"""

import socket
from typing import Any

from adb_shell.transport.base_transport import BaseTransport

from hil.transports.deadline import Deadline
from hil.transports.host import Host, reach


class TcpWire(BaseTransport):  # type: ignore[misc]  # adb-shell has no types
    """A connection that is made by `connect`."""

    advice = "check that it is on and that adb listens there (adb tcpip 5555)"

    def __init__(self, host: Host, deadline: Deadline) -> None:
        self.name = str(host)
        self.deadline = deadline
        self._host = host
        self._socket: socket.socket | None = None

    def connect(self, transport_timeout_s: float | None) -> None:
        """Raises `LinkError` or `DeadlineError`."""
        self._socket = reach(self._host, self.deadline)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def bulk_read(self, numbytes: int, transport_timeout_s: float | None = None) -> bytes:
        """At least one byte, at most so many. Raises `TimeoutError`, `OSError`, or `EOFError` at the end."""
        data = self._open().recv(numbytes)
        if not data:
            raise EOFError("it closed the connection")
        return data

    def bulk_write(self, data: bytes, transport_timeout_s: float | None = None) -> int:
        """All of `data`. Raises `TimeoutError` or `OSError`."""
        self._open().sendall(data)
        return len(data)

    def close(self) -> None:
        """Twice is harmless."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _open(self) -> socket.socket:
        if self._socket is None:
            raise EOFError("the connection is closed")
        self._socket.settimeout(max(self.deadline.left, 0.001))
        return self._socket


class UsbWire(BaseTransport):  # type: ignore[misc]  # adb-shell has no types
    """A device that libusb has found; `usb` is adb-shell's transport for it."""

    advice = "end what else uses it, plug it in again and run again"

    def __init__(self, name: str, usb: Any, deadline: Deadline) -> None:
        self.name = name
        self.deadline = deadline
        self._usb = usb

    def connect(self, transport_timeout_s: float | None) -> None:
        """Raises `PermissionError` or another `OSError`."""
        import usb1

        try:
            self._usb.connect(None)
        except usb1.USBErrorAccess as error:
            raise PermissionError("it may not be opened") from error
        except usb1.USBError as error:
            raise OSError(str(error)) from error

    def bulk_read(self, numbytes: int, transport_timeout_s: float | None = None) -> bytes:
        """Raises `TimeoutError` or another `OSError`."""
        return bytes(self._waited(self._usb.bulk_read, numbytes))

    def bulk_write(self, data: bytes, transport_timeout_s: float | None = None) -> int:
        """All of `data`. Raises `TimeoutError` or another `OSError`."""
        rest = memoryview(data)
        while rest:
            rest = rest[self._waited(self._usb.bulk_write, bytes(rest)) :]
        return len(data)

    def close(self) -> None:
        """Twice is harmless."""
        self._usb.close()

    def _waited(self, work: Any, what: Any) -> Any:
        import usb1
        from adb_shell.exceptions import UsbReadFailedError, UsbWriteFailedError

        try:
            return work(what, max(self.deadline.left, 0.001))  # 0 would wait for ever
        except (UsbReadFailedError, UsbWriteFailedError) as error:
            reason = error.args[-1]
            raise (TimeoutError if isinstance(reason, usb1.USBErrorTimeout) else OSError)(
                str(reason)
            ) from error


Wire = TcpWire | UsbWire
