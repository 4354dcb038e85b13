"""End a worker of pytest-xdist with the process that controls it, and so the boards that it emulates.

xdist lets a worker finish its test when the controlling process is killed, which may take minutes.
"""

import fcntl
import os
import signal
import threading
from contextlib import suppress
from functools import cache
from pathlib import Path

from hil.lifetime.folder import LOCK


@cache
def end_with_owner(folder: Path) -> None:
    """Kill this process when the owner of a temporary folder ends; its guard then ends what it started."""
    threading.Thread(target=_wait, args=(folder,), daemon=True).start()


def _wait(folder: Path) -> None:
    with suppress(OSError):  # without a lock there is nothing to wait for
        lock = os.open(folder / LOCK, os.O_RDWR)
        fcntl.flock(lock, fcntl.LOCK_SH)  # the owner holds it for life
        os.kill(os.getpid(), signal.SIGKILL)
