"""Kill runs at any moment: nothing of them lives on, and the next run passes and sweeps what they left.

A run that is ended by SIGINT or SIGTERM sweeps by itself, and its exit status is not 0.
"""

import os
import random
import signal
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tests.chaos import commands
from tests.chaos.clean import CLEAN_SECONDS, clean_run, left, prepared, wrong
from tests.chaos.commands import Command, UnavailableError
from tests.chaos.kind import Kinds, Outcome
from tests.chaos.leftovers import children
from tests.chaos.sandbox import GONE_SECONDS, Ended, Running, Sandbox

_TIDY = (signal.SIGINT, signal.SIGTERM)
"""Signals after which a run sweeps by itself."""
_SIGNALS = (signal.SIGKILL, signal.SIGKILL, signal.SIGHUP, *_TIDY)
_SWEEP_SECONDS = 10.0
"""Deadline of a run that may sweep by itself."""
_WORKER = b"exec(eval(sys.stdin.readline()))"
"""Part of the command line of each of xdist's workers."""
_RESUMED = (".training", ".sqlite-wal", ".sqlite-shm")
"""Ends of the names of files that the next run takes in: of a training, and of the store of runs."""


@dataclass(frozen=True)
class Kill:
    """A signal to a process of a run.

    Attributes:
        sent: The signal.
        to: `controller`, `process group` (as Ctrl-C at a terminal) or `worker`.
        after: Seconds after the start of the run.
    """

    sent: signal.Signals
    to: str
    after: float

    def __str__(self) -> str:
        return f"{self.sent.name} of the {self.to} after {self.after:.2f} s"

    @property
    def goes_on(self) -> bool:
        """Whether the run goes on to its usual end."""
        return self.to == "worker"

    @property
    def sweeps(self) -> bool:
        """Whether the run sweeps by itself."""
        return self.goes_on or self.sent in _TIDY

    @property
    def deadline(self) -> float:
        """Return the seconds from the signal to the end of the run."""
        if self.goes_on:
            return CLEAN_SECONDS
        return GONE_SECONDS if self.sent == signal.SIGKILL else _SWEEP_SECONDS

    def send(self, controller: int) -> bool:
        """Send the signal; return whether there was a process to send it to."""
        if self.to == "process group":
            os.killpg(controller, self.sent)
            return True
        processes = [controller] if self.to == "controller" else _workers(controller)
        for process in processes[:1]:
            os.kill(process, self.sent)
        return bool(processes)


def _workers(controller: int) -> list[int]:
    def is_one(process: int) -> bool:
        try:
            return _WORKER in Path(f"/proc/{process}/cmdline").read_bytes()
        except OSError:  # it ended meanwhile
            return False

    return [process for process in children(controller) if is_one(process)]


def kill(
    name: str, command: Command, warm: bool, to: tuple[str, ...], rng: random.Random, folder: Path
) -> Outcome:
    """Kill a command at a random moment, then run it again.

    Args:
        name: Name of the kind.
        command: The command.
        warm: Whether its cache is warm.
        to: The processes to choose from.
        rng: Chooses the moment, the signal and the process.
        folder: An empty folder.
    """
    try:
        box = prepared(command, warm, folder)
    except UnavailableError as error:
        return Outcome(name, "none", f"left out: {error}")
    clean = clean_run(command)
    usual = (clean.warm if warm else clean.cold).seconds
    fault = Kill(rng.choice(_SIGNALS), rng.choice(to), rng.uniform(0, usual))
    running = box.start(command.line)
    early = running.wait(fault.after)
    hit = early is None and fault.send(running.process.pid)
    seconds, found = _end(command, box, running, fault if hit else None)
    if not hit or fault.sweeps:
        found += left(command, box, "at once", _RESUMED)
    if hit:
        found += wrong(command, box, box.run(command.line, CLEAN_SECONDS))
        found += left(command, box, "after the next run")
    return Outcome(name, str(fault), "killed" if hit else "ended before", found, seconds)


def _end(
    command: Command, box: Sandbox, running: Running, fault: Kill | None
) -> tuple[float, tuple[str, ...]]:
    """Wait for the end of a run, killed or not; return the seconds beyond its deadline and violations."""
    begun = time.monotonic()
    deadline = fault.deadline if fault else CLEAN_SECONDS
    ended = running.wait(deadline)
    found = _verdict(command, box, ended, fault) if ended else (f"it did not end within {deadline:g} s",)
    if ended is None:
        running.kill()
    _, more = box.gone()
    return max(0.0, time.monotonic() - begun - deadline), found + more


def _verdict(command: Command, box: Sandbox, ended: Ended, fault: Kill | None) -> tuple[str, ...]:
    """Return a violation unless the run passed right, or was killed and says so by its exit status."""
    return wrong(command, box, ended) if fault is None or ended.status == 0 else ()


_WHOLE = ("controller", "controller", "process group")
_KILLS = (
    (1.0, commands.DESKTOP, False, _WHOLE),
    (1.0, commands.DESKTOP, True, _WHOLE),
    (1.0, commands.NANO, False, _WHOLE),
    (1.0, commands.NANO, True, _WHOLE),
    (0.5, commands.PI, False, _WHOLE),
    (0.3, commands.PI, True, _WHOLE),
    (0.5, commands.TWO_WORKERS, False, _WHOLE),
    (1.0, commands.TWO_WORKERS, True, _WHOLE),
    (0.5, commands.TWO_WORKERS, True, ("worker",)),
    (0.5, commands.LATENCY, True, _WHOLE),
    (0.1, commands.IMAGE, False, _WHOLE),
    (0.5, commands.BUILD, False, _WHOLE),
    (0.2, commands.REPRODUCE, False, _WHOLE),
)


def _kinds() -> Kinds:
    made: Kinds = {}
    for weight, command, warm, to in _KILLS:
        of = "a worker of " if to == ("worker",) else ""
        name = f"kill of {of}{command.name}, {'warm' if warm else 'cold'}"
        made[name] = weight, partial(kill, name, command, warm, to)
    return made


KINDS = _kinds()
