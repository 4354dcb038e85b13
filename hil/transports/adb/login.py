"""Logging in to a device directly: adb-shell proves our key, the user of the device allows a new one."""

from adb_shell.adb_device import AdbDevice
from adb_shell.exceptions import (
    AdbTimeoutError,
    InvalidChecksumError,
    InvalidCommandError,
    InvalidResponseError,
)

from hil.errors import DeadlineError, LinkError, LoginError
from hil.transports.adb.key import Key
from hil.transports.adb.stream import LOST, UDEV_ADVICE
from hil.transports.adb.wire import Wire

_STRANGE = (InvalidChecksumError, InvalidCommandError, InvalidResponseError)
_PAIR = "use adb pair and adb connect, and leave `host` out: an adb server has it then"
_ALLOW = "unlock its screen, run again and allow this computer there, always"


def log_in(wire: Wire, key: Key) -> int:
    """The most bytes that a message may carry. Raises `LoginError`, `LinkError` or `DeadlineError`."""
    deadline, asked = wire.deadline, list[object]()
    device = AdbDevice(wire)
    try:
        device.connect([key], None, deadline.left, deadline.left, asked.append)
    except PermissionError as error:
        raise LoginError(f"{wire.name}: {error}; {UDEV_ADVICE}") from error
    except (*LOST, *_STRANGE, AdbTimeoutError) as error:
        if "STLS" in str(error):
            raise LoginError(f"{wire.name} wants to be paired; {_PAIR}") from error
        if asked:
            how = "was not told to allow it in time" if deadline.passed else "refused it"
            raise LoginError(f"{wire.name} does not know {key}, and {how}; {_ALLOW}") from error
        if deadline.passed:
            took = f"{wire.name} took longer than {deadline.span:g} s to log in"
            raise DeadlineError(f"{took}; {wire.advice}") from error
        words = "it does not speak ADB" if isinstance(error, _STRANGE) else str(error)
        raise LinkError(f"{wire.name} was lost as it was to log in: {words}; {wire.advice}") from error
    return int(device.max_chunk_size)
