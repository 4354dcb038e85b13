"""Carry ADB messages directly over TCP or USB, behind adb-shell's interface.

adb-shell gives each read and write a timeout of its own, ignores it in places, and overlooks closed streams
and partial writes. Here one deadline ends all of them.
"""

import socket
from typing import Any

from adb_shell.constants import MAX_ADB_DATA
from adb_shell.transport.base_transport import BaseTransport

from hil.transports.deadline import Deadline
from hil.transports.host import Host, open_tcp


class TcpWire(BaseTransport):  # type: ignore[misc]  # adb-shell has no types
    """A TCP stream that `connect` opens."""

    advice = "check that it is on and that adb listens there (adb tcpip 5555)"

    def __init__(self, host: Host, deadline: Deadline) -> None:
        self.name = str(host)
        self.deadline = deadline
        self._host = host
        self._socket: socket.socket | None = None

    def connect(self, transport_timeout_s: float | None) -> None:
        """Open the stream. Raises `LinkError` or `DeadlineError`."""
        self._socket = open_tcp(self._host, self.deadline)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def bulk_read(self, numbytes: int, transport_timeout_s: float | None = None) -> bytes:
        """Return 1 to `numbytes` bytes. Raises `TimeoutError`, `OSError`, or `EOFError` at the end."""
        data = self._open().recv(_checked(numbytes))
        if not data:
            raise EOFError("the other end closed the stream")
        return data

    def bulk_write(self, data: bytes, transport_timeout_s: float | None = None) -> int:
        """Send all of `data`. Raises `TimeoutError` or `OSError`."""
        self._open().sendall(data)
        return len(data)

    def close(self) -> None:
        """Close the stream; closing it twice is harmless."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _open(self) -> socket.socket:
        if self._socket is None:
            raise EOFError("the stream is closed")
        self._socket.settimeout(self.deadline.remaining())
        return self._socket


class UsbWire(BaseTransport):  # type: ignore[misc]  # adb-shell has no types
    """A device that libusb found; `usb` is adb-shell's transport for it."""

    advice = "end what else uses it, plug it in again and run again"

    def __init__(self, name: str, usb: Any, deadline: Deadline) -> None:
        self.name = name
        self.deadline = deadline
        self._usb = usb

    def connect(self, transport_timeout_s: float | None) -> None:
        """Open the device. Raises `PermissionError` or another `OSError`."""
        import usb1

        try:
            self._usb.connect(None)
        except usb1.USBErrorAccess as error:
            raise PermissionError("no permission to open it") from error
        except usb1.USBError as error:
            raise OSError(str(error)) from error

    def bulk_read(self, numbytes: int, transport_timeout_s: float | None = None) -> bytes:
        """Return at least one byte. Raises `TimeoutError` or another `OSError`."""
        return bytes(self._transfer(self._usb.bulk_read, _checked(numbytes)))

    def bulk_write(self, data: bytes, transport_timeout_s: float | None = None) -> int:
        """Send all of `data`. Raises `TimeoutError` or another `OSError`."""
        rest = memoryview(data)
        while rest:
            rest = rest[self._transfer(self._usb.bulk_write, bytes(rest)) :]
        return len(data)

    def close(self) -> None:
        """Close the device; closing it twice is harmless."""
        self._usb.close()

    def _transfer(self, transfer: Any, argument: Any) -> Any:
        import usb1
        from adb_shell.exceptions import UsbReadFailedError, UsbWriteFailedError

        try:
            return transfer(argument, self.deadline.remaining())  # 0 would wait forever
        except (UsbReadFailedError, UsbWriteFailedError) as error:
            reason = error.args[-1]
            raise (TimeoutError if isinstance(reason, usb1.USBErrorTimeout) else OSError)(
                str(reason)
            ) from error


def _checked(size: int) -> int:
    """Return the size of a read. Raises `EOFError` if no message of ADB is so long."""
    if size > MAX_ADB_DATA:
        raise EOFError(f"a message announces {size:,} bytes, more than the limit of {MAX_ADB_DATA:,}")
    return size


Wire = TcpWire | UsbWire
