"""An agent behind a serial port, real or a pseudo terminal; opened exclusively."""

import serial

from hil.errors import DeadlineError, LinkError
from hil.link.deadline import Deadline

BAUD = 115_200
"""Of no effect over USB and pseudo terminals, but a port wants a number."""


class SerialTransport:
    """Opens `port`. Raises `LinkError` if it is not there, or another process has it open."""

    def __init__(self, port: str) -> None:
        self.name = f"port {port}"
        try:
            self._port = serial.Serial(port, BAUD, timeout=0, exclusive=True)
        except (OSError, ValueError) as error:  # SerialException is an OSError
            raise LinkError(f"{self.name} cannot be opened: {_reason(error)}") from error

    def write(self, data: bytes, deadline: Deadline) -> None:
        """Send all of `data`."""
        try:
            self._port.write_timeout = max(deadline.left, 0.001)  # 0 would send a part and say nothing
            self._port.write(data)
        except serial.SerialTimeoutException as error:
            raise DeadlineError(f"{self.name} took no bytes for {deadline.span:g} s") from error
        except OSError as error:
            raise LinkError(f"{self.name} is lost: {_reason(error)}") from error

    def read(self, deadline: Deadline) -> bytes:
        """What has come, at least one byte."""
        try:
            self._port.timeout = deadline.left
            data = bytes(self._port.read(max(1, self._port.in_waiting)))
        except OSError as error:
            raise LinkError(f"{self.name} is lost: {_reason(error)}") from error
        if not data:
            raise DeadlineError(f"{self.name} was silent for {deadline.span:g} s")
        return data

    def close(self) -> None:
        """Let the port go."""
        self._port.close()


def _reason(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error)
