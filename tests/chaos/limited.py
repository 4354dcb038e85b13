"""Run commands in processes that already hold their modules, each with a limit of time and memory.

A new process starts in milliseconds, and neither a crash nor a hang of it takes chaos down.
"""

import multiprocessing
import os
import resource
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from multiprocessing.context import ForkServerContext
from pathlib import Path

SECONDS = 15.0
"""Deadline of a command that reads one hostile file."""
MEMORY = 1 << 30
"""Bytes that such a command may take."""
_ADDRESSES = 4 << 30
"""Bytes of addresses after which the system refuses more, so that the machine lives."""
_HELD = (
    *("pytest", "reds.cli", "reds.pack.inspect", "reds.experiment.build"),
    *("hil.cli", "hil.plugin", "hil.boards.boards_toml", "hil.boards.registry", "hil.results.summary"),
    *("hil.suite.parametrization", "hil.transports.serial_ports", "hil.results.run_table"),
)


@dataclass(frozen=True)
class Done:
    """How a command ended.

    Attributes:
        status: Exit status, negative for a signal; None if it was ended at its limit.
        text: Standard output and standard error.
        seconds: How long it ran.
        memory: Most bytes that it held, 0 if it was ended.
    """

    status: int | None
    text: str
    seconds: float
    memory: int


def run(command: str, words: Sequence[str], folder: Path, more: Mapping[str, str] | None = None) -> Done:
    """Run `reds`, `hil` or `pytest`.

    Args:
        command: Name of the command.
        words: Its arguments.
        folder: Current folder, home, cache and temporary folder of the command.
        more: Further environment variables.
    """
    process = _context().Process(target=_child, args=(command, words, folder, dict(more or {})))
    begun = time.monotonic()
    process.start()
    process.join(SECONDS)
    status = process.exitcode
    if status is None:
        process.kill()
        process.join()
    seconds = time.monotonic() - begun
    process.close()
    usage = folder / "usage"
    memory = int(usage.read_text() or 0) if usage.exists() else 0
    return Done(status, (folder / "output").read_text(errors="replace"), seconds, memory)


@cache
def _context() -> ForkServerContext:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(list(_HELD))
    first = context.Process()  # it ends when the modules are there
    first.start()
    first.join()
    return context


def _child(command: str, words: Sequence[str], folder: Path, more: Mapping[str, str]) -> None:
    """Run a command in this process, which ends with it."""
    output = os.open(folder / "output", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.chdir(folder)
    os.environ.update({"HOME": str(folder), "XDG_CACHE_HOME": str(folder), "TMPDIR": str(folder), **more})
    resource.setrlimit(resource.RLIMIT_AS, (_ADDRESSES, _ADDRESSES))
    sys.argv = [command, *words]
    try:
        _main(command, list(words))
    finally:
        taken = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        (folder / "usage").write_text(str(taken))


def _main(command: str, words: list[str]) -> None:
    if command == "pytest":
        import pytest

        sys.exit(int(pytest.main(words)))
    if command == "reds":
        from reds.cli import main
    else:
        from hil.cli import main
    main(words)
