"""A machine on the network: how boards.toml names it, and the first bytes to it, under one deadline."""

import queue
import socket
import threading
from dataclasses import dataclass
from pathlib import Path

from hil.errors import DeadlineError, LinkError
from hil.transports.deadline import Deadline


@dataclass(frozen=True)
class Host:
    """Where SSH listens, who we are there and by which key, and the fingerprint of the machine's own key.

    Without `user`, `key` or `host_key` what `ssh NAME` takes counts: the user here, the keys of ssh-agent
    and ~/.ssh, known_hosts.
    """

    name: str
    port: int = 22
    user: str | None = None
    key: Path | None = None
    host_key: str | None = None

    def __str__(self) -> str:
        user = f"{self.user}@" if self.user else ""
        return f"{user}{self.name}" + (f" port {self.port}" if self.port != 22 else "")


def reach(host: Host, deadline: Deadline) -> socket.socket:
    """A TCP connection to `host`. Raises `LinkError`, or `DeadlineError`: looking up a name has no end."""
    answer: queue.SimpleQueue[socket.socket | Exception] = queue.SimpleQueue()

    def connect() -> None:
        try:
            answer.put(socket.create_connection((host.name, host.port), timeout=deadline.left))
        except (OSError, ValueError) as error:  # a name that cannot be one is a ValueError
            answer.put(error)

    threading.Thread(target=connect, daemon=True).start()
    try:
        made = answer.get(timeout=deadline.left)
    except queue.Empty:
        made = TimeoutError()
    if isinstance(made, socket.socket):
        return made
    advice = "check its power, its network and `host`"
    if isinstance(made, TimeoutError):
        raise DeadlineError(f"{host} does not answer within {deadline.span:g} s; {advice}") from made
    reason = (made.strerror if isinstance(made, OSError) else None) or made
    raise LinkError(f"{host} cannot be reached: {reason}; {advice}") from made


def address(host: Host, deadline: Deadline) -> str | None:
    """Where `host` is reached, the same by whichever name; None if it is not."""
    try:
        with reach(host, deadline) as connection:
            ip, port, *_ = connection.getpeername()
            return f"{ip}:{port}"
    except (LinkError, OSError):
        return None
