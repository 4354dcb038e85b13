"""Name the owner of a place, so that two runs of one user compete, and a dead run is told from a living one.

labgrid takes any text as host and user, and lets everybody with the same ones share a place. So each lease
has an owner of its own: `HOST/USER.reds-hil.PROCESS.START.MACHINE.LEASE`.
"""

import hashlib
import os
import platform
import re
import secrets
from dataclasses import dataclass
from functools import cache
from getpass import getuser
from pathlib import Path

from hil.boards import process_table

_UNSAFE = re.compile(r"[^A-Za-z0-9_-]+")
"""Characters that do not belong in the name of a host or a user: labgrid splits owners at `/`, we at `.`."""
_OURS = re.compile(
    r"(?P<host>[\w-]+)/(?P<user>[\w-]+)\.reds-hil\.(?P<pid>\d{1,10})\.(?P<start>\d{1,20})\.(?P<machine>[0-9a-f]{12})"
    r"\.(?P<lease>[0-9a-f]{12})",
    re.ASCII,
)


@dataclass(frozen=True)
class Owner:
    """The owner of one lease.

    Attributes:
        start: When the process started, in ticks since its machine did.
        machine: Hash of the start of the machine and of the view that the process has of processes there.
        lease: Random digits, another text for each lease.
    """

    host: str
    user: str
    pid: int
    start: int
    machine: str
    lease: str

    def __str__(self) -> str:
        return f"{self.host}/{self.username}"

    @property
    def username(self) -> str:
        """Return the user, as labgrid is told."""
        return f"{self.user}.reds-hil.{self.pid}.{self.start}.{self.machine}.{self.lease}"

    @property
    def described(self) -> str:
        """Return the owner as messages show it."""
        return f"{self.user} on {self.host}, process {self.pid}"

    @property
    def is_of_this_machine(self) -> bool:
        """Return whether the process of the owner is among those that this process sees."""
        return self.machine == _machine() and not process_table.is_hidden(self.pid)

    @property
    def lives(self) -> bool:
        """Return whether the process of an owner of this machine has not ended."""
        return process_table.lives(self.pid) and process_table.start_ticks(self.pid) == self.start


def new() -> Owner:
    """Return the owner of a new lease of this process."""
    pid = os.getpid()
    host = _UNSAFE.sub("-", platform.node()) or "unknown"
    return Owner(host, _user(), pid, process_table.start_ticks(pid), _machine(), secrets.token_hex(6))


def parse(text: str) -> Owner | None:
    """Return the owner that labgrid shows; None if it is not one of this package, as a person."""
    found = _OURS.fullmatch(text)
    if found is None:
        return None
    pid, start = int(found["pid"]), int(found["start"])
    return Owner(found["host"], found["user"], pid, start, found["machine"], found["lease"])


def described(text: str) -> str:
    """Return an owner that labgrid shows, as messages show it."""
    ours = parse(text)
    return ours.described if ours else text


def _user() -> str:
    try:
        user = getuser()
    except (OSError, KeyError):  # a user without a name, as in containers
        user = f"user{os.getuid()}"
    return _UNSAFE.sub("-", user) or "unknown"


@cache
def _machine() -> str:
    """Return a text that processes share that see each other; it changes with each boot."""
    boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii")
    return hashlib.sha256(f"{boot}{os.readlink('/proc/self/ns/pid')}".encode()).hexdigest()[:12]
