"""Describe a machine on the network, and open TCP streams to it under one deadline."""

import queue
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from hil.errors import DeadlineError, LinkError
from hil.transports.deadline import Deadline

T = TypeVar("T")
ADVICE = "check its power, its network and `host`"
"""Remedy for a host that is named by `host` in boards.toml."""


@dataclass(frozen=True)
class Host:
    """Address of an SSH server or adbd, with the user, the private key and the expected host key.

    Without `user`, `key` or `host_key` the defaults of `ssh NAME` count: the user of this machine, the keys
    of ssh-agent and ~/.ssh, the file known_hosts.
    """

    name: str
    port: int = 22
    user: str | None = None
    key: Path | None = None
    host_key: str | None = None

    def __str__(self) -> str:
        user = f"{self.user}@" if self.user else ""
        return f"{user}{self.name}" + (f" port {self.port}" if self.port != 22 else "")


def open_tcp(host: Host, deadline: Deadline, advice: str = ADVICE) -> socket.socket:
    """Open a TCP stream to the host. Name lookup has no timeout of its own, so it runs in a thread.

    Args:
        host: The address.
        deadline: When the stream must be open.
        advice: Remedy for errors.

    Raises:
        DeadlineError: The host does not answer in time.
        LinkError: The host refuses, or its name is unknown.
    """
    made = _within(
        lambda: socket.create_connection((host.name, host.port), timeout=deadline.remaining()), deadline
    )
    if not isinstance(made, Exception):
        return made
    if isinstance(made, TimeoutError):
        raise DeadlineError(f"{host} does not answer within {deadline.span:g} s; {advice}") from made
    reason = (made.strerror if isinstance(made, OSError) else None) or made
    raise LinkError(f"{host} cannot be reached: {reason}; {advice}") from made


def resolved(host: Host, deadline: Deadline) -> str | None:
    """Return an IP address of the host, the same in every run; None if its name is unknown here."""
    found = _within(lambda: socket.getaddrinfo(host.name, host.port, type=socket.SOCK_STREAM), deadline)
    return None if isinstance(found, Exception) else min(str(each[4][0]) for each in found)


def address(host: Host, deadline: Deadline) -> str | None:
    """Return the host's IP address and port, the same for each of its names; None without an answer."""
    try:
        with open_tcp(host, deadline) as connection:
            ip, port, *_ = connection.getpeername()
            return f"{ip}:{port}"
    except (LinkError, OSError):
        return None


def _within(work: Callable[[], T], deadline: Deadline) -> T | Exception:
    """Return the result of work in a thread, or its error; a `TimeoutError` if it is not done in time."""
    answer: queue.SimpleQueue[T | Exception] = queue.SimpleQueue()

    def do() -> None:
        try:
            answer.put(work())
        except (OSError, ValueError) as error:  # an impossible name is a ValueError
            answer.put(error)

    threading.Thread(target=do, daemon=True).start()
    try:
        return answer.get(timeout=deadline.left)
    except queue.Empty:
        return TimeoutError()
