"""Tell the guard of this process, a small program, what must not outlive the process.

A kill leaves a process no time to clean up. The kernel's own means (PR_SET_PDEATHSIG) misses grandchildren,
such as the compilers that make starts, and ends a child with the thread that started it.
"""

import os
import select
import sys
import threading
from pathlib import Path

_PROGRAM = Path(__file__).with_name("guard_program.py")
_starting = threading.Lock()
_channels: list[int] = []
"""Pipe to the guard, the latest last; a process forked from this one shares it."""


def channel() -> int:
    """Return the pipe to the guard, which is started on first use, and again if it was killed."""
    with _starting:
        if not _channels or _is_broken(_channels[-1]):
            _channels.append(_start())
        return _channels[-1]


def order(sign: str, kind: str, value: str) -> bytes:
    """Return an order to the guard, for `tell` or for a write by a forked child."""
    return f"{sign}{kind} {value}\n".encode()


def tell(line: bytes) -> None:
    """Send the guard an order."""
    os.write(channel(), line)


def _is_broken(pipe: int) -> bool:
    poll = select.poll()
    poll.register(pipe, 0)
    return bool(poll.poll(0))  # an error: nobody reads


def _start() -> int:
    reading, writing = os.pipe()
    try:
        os.posix_spawn(
            sys.executable,
            [sys.executable, "-I", "-S", str(_PROGRAM)],
            os.environ,
            file_actions=[
                (os.POSIX_SPAWN_DUP2, reading, 0),
                (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0),
                (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0),
            ],
            setsid=True,
        )
    finally:
        os.close(reading)
    return writing
