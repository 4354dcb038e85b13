"""What an adb server and a direct connection both offer: byte streams to the services of a device."""

from typing import Protocol

from hil.transports.deadline import Deadline

LOST = (OSError, EOFError)
"""What is raised when a connection is gone, `TimeoutError` among them."""
UDEV_ADVICE = "install android-sdk-platform-tools-common, which has the udev rules, and plug it in again"


class NoService(Exception):  # noqa: N818, it names a state of the device, not a bug
    """The device does not offer a service, and is there all the same."""


class Stream(Protocol):
    """Bytes to and from one service. Raises `TimeoutError`, or another of `LOST`."""

    def write(self, data: bytes, deadline: Deadline) -> None:
        """Send all of `data`."""
        ...

    def read(self, deadline: Deadline) -> bytes:
        """At least one byte; none once the service has ended."""
        ...

    def close(self) -> None:
        """Let go of it; twice is harmless."""
        ...


class Services(Protocol):
    """A device that is open. `name` says in errors which."""

    name: str

    def open(self, service: str, deadline: Deadline) -> Stream:
        """One of its services. Raises `NoService` if it has no such, or one of `LOST`."""
        ...

    def alive(self) -> bool:
        """Whether it is still there."""
        ...

    def close(self) -> None:
        """Close it and all its streams; twice is harmless."""
        ...
