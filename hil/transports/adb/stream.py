"""Define what an adb server and a direct login both offer: byte streams to the services of a device."""

from typing import Protocol

from hil.transports.deadline import Deadline

LOST = (OSError, EOFError)
"""Errors of a lost stream, `TimeoutError` among them."""
UDEV_ADVICE = "install android-sdk-platform-tools-common, which has the udev rules, and plug it in again"


class NoService(Exception):  # noqa: N818, it names a state of the device, not a bug
    """The device answers, but does not offer the service."""


class Stream(Protocol):
    """A byte stream to one service. Raises `TimeoutError`, or another error in `LOST`."""

    def write(self, data: bytes, deadline: Deadline) -> None:
        """Send all of `data`."""
        ...

    def read(self, deadline: Deadline) -> bytes:
        """Return at least one byte, or none after the service has ended."""
        ...

    def close(self) -> None:
        """Close the stream; closing it twice is harmless."""
        ...


class Services(Protocol):
    """A device that is logged in to. `name` names it in errors."""

    name: str

    def open(self, service: str, deadline: Deadline) -> Stream:
        """Open a stream to a service. Raises `NoService`, or an error in `LOST`."""
        ...

    def alive(self) -> bool:
        """Return whether the device still answers."""
        ...

    def close(self) -> None:
        """Close the login and all its streams."""
        ...
