"""End a worker of pytest-xdist with the process that controls it, and so the boards that it emulates.

xdist lets a worker finish its test when the controlling process is killed, which may take minutes.
"""

import fcntl
import os
import signal
import threading
import time
from contextlib import suppress
from functools import cache
from pathlib import Path

from hil.lifetime.folder import LOCK

_LOOK_SECONDS = 0.05
"""Seconds between two looks at whether the owner has ended."""


@cache
def end_with_owner(folder: Path) -> None:
    """Kill this process when the owner of a temporary folder ends; its guard then ends what it started.

    The owner is the process that started this one. While it lives, a lock that is lost kills nobody.
    """
    threading.Thread(target=_wait, args=(folder, os.getppid()), daemon=True).start()


def _wait(folder: Path, owner: int) -> None:
    with suppress(OSError):  # without a lock there is nothing to wait for
        lock = os.open(folder / LOCK, os.O_RDWR)
        fcntl.flock(lock, fcntl.LOCK_SH)  # the owner holds it for life
        while os.getppid() == owner:  # its lock is given back just before it ends
            time.sleep(_LOOK_SECONDS)
        os.kill(os.getpid(), signal.SIGKILL)
