"""Talk to an agent behind a serial port or a pseudo terminal, opened exclusively."""

import errno
import os
import termios
from contextlib import suppress

import serial

from hil.errors import DeadlineError, LinkError
from hil.transports.deadline import Deadline
from hil.transports.transport import Advice

BAUD = 115_200
"""USB and pseudo terminals ignore the baud rate, but pyserial needs one."""


HARDWARE_ADVICE = Advice("check its cable and power, then run again", "reset the board and run again")
_NOT_A_SERIAL_PORT = (errno.ENOTTY, errno.EISDIR, errno.EINVAL)
_REMEDIES = {
    errno.EACCES: "add yourself to the dialout group (sudo usermod -aG dialout $USER) and log in again",
    errno.EAGAIN: "another program has it open: close that and run again",
    errno.EBUSY: "another program has it open: close that and run again",
    errno.ENOENT: "plug it in",
}
_LOST = (OSError, termios.error)  # SerialException is an OSError


class SerialTransport:
    """An open serial port. Raises `LinkError` if it is missing, or open in another program."""

    def __init__(self, port: str, advice: Advice = HARDWARE_ADVICE) -> None:
        self.name = f"port {port}"
        self.advice = advice
        try:
            self._port = serial.Serial(port, BAUD, timeout=0, exclusive=True)
        except (*_LOST, ValueError) as error:
            if _errno(error) in _NOT_A_SERIAL_PORT:
                raise LinkError(f"{self.name} is not a serial port; name another") from error
            advised = _REMEDIES.get(_errno(error), advice.lost)
            raise LinkError(f"{self.name} cannot be opened: {_reason(error)}; {advised}") from error

    def write(self, data: bytes, deadline: Deadline) -> None:
        """Send all of `data`."""
        try:
            self._port.write_timeout = deadline.remaining()  # 0 would silently send a part
            self._port.write(data)
        except (TimeoutError, serial.SerialTimeoutException) as error:
            slow = f"{self.name} did not take {len(data):,} bytes within {deadline.span:g} s"
            raise DeadlineError(slow) from error
        except _LOST as error:
            raise LinkError(f"{self.name} is lost: {_reason(error)}") from error

    def read(self, deadline: Deadline) -> bytes:
        """Return at least one byte that arrived."""
        try:
            self._port.timeout = deadline.remaining()
            if data := bytes(self._port.read(max(1, self._port.in_waiting))):
                return data
            raise TimeoutError
        except TimeoutError as error:
            raise DeadlineError(f"{self.name} was silent for {deadline.span:g} s") from error
        except _LOST as error:
            raise LinkError(f"{self.name} is lost: {_reason(error)}") from error

    def close(self) -> None:
        """Close the port."""
        with suppress(*_LOST):
            self._port.reset_output_buffer()  # else the system waits for a board that takes no bytes
        self._port.close()


def _errno(error: BaseException | None) -> int:
    """Return the errno of an error, which pyserial may leave in its cause; 0 if there is none."""
    while error is not None:
        if error.args and isinstance(error.args[0], int):
            return error.args[0]
        error = error.__context__
    return 0


def _reason(error: Exception) -> str:
    number = _errno(error)
    return os.strerror(number) if number else str(error)
