"""Keep a core of a board busy with a process of its own. It needs no root."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress

from hil.errors import HilError, SetupError
from hil.transports.machine import Run
from hil.transports.shell import pinned

_BUSY = "sh -c 'while :; do :; done' </dev/null >/dev/null 2>&1"


@contextmanager
def competing(run: Run, core: int, seconds: int) -> Iterator[None]:
    """Keep a core busy during the block.

    Args:
        run: Runs a POSIX shell script on the board.
        core: The core.
        seconds: Seconds after which the process ends by itself, so that no lost board stays busy.

    Raises:
        SetupError: The process did not run until the end of the block.
    """
    pid = run(f"{pinned(core)}timeout {seconds} {_BUSY} & echo $!").strip()
    if not pid.isdecimal():
        raise SetupError("its shell starts no process in the background; use a board with a POSIX shell")
    try:
        yield
    except BaseException:
        with suppress(HilError):
            run(f"kill {pid}")
        raise
    if "ended" in run(f"grep -qs '^State:.[RS]' /proc/{pid}/status && kill {pid} || echo ended"):
        early = f"the process that kept core {core} busy ended early"
        raise SetupError(f"{early}; check that the board has `taskset` and `timeout`, and this core")
