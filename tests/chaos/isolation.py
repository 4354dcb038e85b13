"""Run work in a process of its own, so that a hang or a crash of it is a finding and not the end of chaos."""

import ctypes
import faulthandler
import os
import pickle
import signal
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER, _PR_GET_CHILD_SUBREAPER = 1, 36, 37
_CALLS = 10
_stack: IO[str] | None = None
"""In a process that `isolated` made, the file of what it is doing and, if it hangs, of its stack."""


@dataclass(frozen=True)
class Broken:
    """Work that gave no result: `how` it ended, and `where`, the calls of its stack, the innermost first."""

    how: str
    where: str = ""
    hung: bool = False

    def __str__(self) -> str:
        return f"{self.how} ({self.where})" if self.where else self.how


def die_with_parent() -> None:
    """Let the kernel kill this process with its parent."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def adopt_orphans(adopt: bool = True) -> bool:
    """Become the parent of all processes below this one whose parent ends; return whether it was that before.

    With `adopt` false, orphans go to the system's first process again.
    """
    did, libc = ctypes.c_int(), ctypes.CDLL(None)
    libc.prctl(_PR_GET_CHILD_SUBREAPER, ctypes.byref(did))
    libc.prctl(_PR_SET_CHILD_SUBREAPER, int(adopt))
    return bool(did.value)


def isolated(work: Callable[[], Any], seconds: float, stack: Path) -> Any:
    """Return the result of the work, or a `Broken` if it raises, crashes or hangs.

    Args:
        work: Runs in a fork of this process. Its result must be picklable.
        seconds: Hard limit, unless the work sets others by `limit`. All processes below it are killed too.
        stack: File for what the work is doing.
    """
    did_adopt = adopt_orphans()
    before = set(children(os.getpid()))
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reading)
        _serve(work, seconds, stack, writing)
    os.close(writing)
    with open(reading, "rb") as pipe:
        sent = pipe.read()  # ends with the process, which ends at its limit
    status = os.waitpid(pid, 0)[1]
    while orphans := set(children(os.getpid())) - before:
        for process in orphans:
            with suppress(ProcessLookupError, ChildProcessError):
                os.kill(process, signal.SIGKILL)
                os.waitpid(process, 0)
    adopt_orphans(did_adopt)  # else a test that kills the parent of an orphan kills this process
    if sent:
        return pickle.loads(sent)
    doing, *calls = stack.read_text().splitlines() or ["nothing"]
    if calls:
        where = [_call(line) for line in calls if line.startswith("  File ")]
        return Broken(f"{doing} hung", " < ".join(where[:_CALLS]), hung=True)
    return Broken(f"{doing} crashed, status {os.waitstatus_to_exitcode(status)}")


def limit(doing: str, seconds: float) -> None:
    """End this process, which `isolated` made, unless another limit is set within so many seconds."""
    assert _stack is not None
    _stack.seek(0)
    _stack.truncate()
    _stack.write(f"{doing}\n")
    _stack.flush()
    signal.setitimer(signal.ITIMER_REAL, seconds)


def children(pid: int) -> list[int]:
    """Return the processes right below a process, those of all its threads."""
    found: list[int] = []
    with suppress(OSError):
        for task in list(Path(f"/proc/{pid}/task").iterdir()):
            with suppress(OSError):
                found += map(int, (task / "children").read_text().split())
    return found


def descendants(pid: int) -> list[int]:
    """Return all processes below a process."""
    return [found for child in children(pid) for found in (child, *descendants(child))]


def raised_at(error: BaseException) -> str:
    """Return the innermost calls of an error's stack in one line."""
    trace, calls = error.__traceback__, []
    while trace is not None:
        code = trace.tb_frame.f_code
        calls.append(f"{Path(code.co_filename).name}:{trace.tb_lineno} {code.co_name}")
        trace = trace.tb_next
    return " < ".join(calls[: -_CALLS - 1 : -1])


def one_line(text: str) -> str:
    """Return the text in one printable line."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def _serve(work: Callable[[], Any], seconds: float, stack: Path, writing: int) -> None:
    """Do the work and send its result; never return."""
    global _stack
    try:
        die_with_parent()
        adopt_orphans()
        _stack = stack.open("w")
        faulthandler.register(signal.SIGALRM, file=_stack, all_threads=False, chain=True)
        limit("the run", seconds)
        try:
            result = work()
        except BaseException as error:
            result = Broken(one_line(f"raised {type(error).__name__}: {error}"), raised_at(error))
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        with open(writing, "wb") as pipe:
            pickle.dump(result, pipe)
    finally:
        os._exit(0)


def _call(line: str) -> str:
    """Return file, line and function of a line that faulthandler wrote."""
    return line.replace('  File "', "").rpartition("/")[2].replace('", line ', ":").replace(" in ", " ")
