"""Log in to a device directly: adb-shell proves our key, or the device's user allows it."""

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

_NOT_ADB = (InvalidChecksumError, InvalidCommandError, InvalidResponseError)
_PAIR = "use adb pair and adb connect, and leave `host` out: an adb server has it then"
_ALLOW = "unlock its screen, run again and allow this computer there, always"


def log_in(wire: Wire, key: Key) -> int:
    """Log in, and return the most bytes that a message may carry.

    Raises:
        LoginError: The device accepts none of our keys.
        LinkError: The stream was lost, or the other end does not speak ADB.
        DeadlineError: The device did not answer in time.
    """
    deadline, asked = wire.deadline, list[object]()
    device = AdbDevice(wire)
    try:
        device.connect([key], None, deadline.left, deadline.left, asked.append)
    except PermissionError as error:
        raise LoginError(f"{wire.name}: {error}; {UDEV_ADVICE}") from error
    except (*LOST, *_NOT_ADB, AdbTimeoutError) as error:
        if "STLS" in str(error):
            raise LoginError(f"{wire.name} wants to be paired; {_PAIR}") from error
        if asked:
            how = "nobody allowed it in time" if deadline.passed else "refused it"
            raise LoginError(f"{wire.name} does not know {key}, and {how}; {_ALLOW}") from error
        if deadline.passed:
            took = f"{wire.name} took longer than {deadline.span:g} s to log in"
            raise DeadlineError(f"{took}; {wire.advice}") from error
        reason = "it does not speak ADB" if isinstance(error, _NOT_ADB) else str(error)
        raise LinkError(f"{wire.name} was lost when asked to log in: {reason}; {wire.advice}") from error
    return int(device.max_chunk_size)
