"""Run commands undisturbed, to know how a run must end, how long it takes and what it leaves."""

import shutil
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from hil.lifetime.folder import TemporaryFolder
from tests.chaos.commands import Command
from tests.chaos.sandbox import Ended, Sandbox

CLEAN_SECONDS = 120.0
"""Deadline of an undisturbed run, for a busy machine."""


@dataclass(frozen=True)
class Clean:
    """An undisturbed run, first with an empty cache, then with a warm one.

    Attributes:
        box: The sandbox of both.
        cold: How the first ended.
        warm: How the second ended.
        files: All paths after it.
        result: Bytes of the command's result.
    """

    box: Sandbox
    cold: Ended
    warm: Ended
    files: frozenset[str]
    result: bytes


@cache
def clean_run(command: Command) -> Clean:
    """Run a command twice, undisturbed. Raises `UnavailableError`, or `AssertionError` if it fails."""
    box = Sandbox(_folder().path / command.name.replace(" ", "-"))
    command.prepare(box)
    cold, warm = (box.run(command.line, CLEAN_SECONDS) for _ in range(2))
    for ended in (cold, warm):
        assert ended.status == 0, f"{command.name}, undisturbed, ended with {ended.status}: {ended.text}"
    return Clean(box, cold, warm, frozenset(box.files()), _bytes(box.work / command.result))


def prepared(command: Command, warm: bool, folder: Path) -> Sandbox:
    """Return a sandbox in which a command can run.

    Args:
        command: The command.
        warm: Whether its cache is warm.
        folder: Folder of the sandbox.

    Raises:
        UnavailableError: This machine lacks what the command needs.
    """
    clean, box = clean_run(command), Sandbox(folder)
    command.prepare(box)
    if warm and command.keeps_paths:
        box.run(command.line, CLEAN_SECONDS)
    elif warm:
        shutil.copytree(clean.box.cache, box.cache, dirs_exist_ok=True, symlinks=True)
    return box


def wrong(command: Command, box: Sandbox, ended: Ended) -> tuple[str, ...]:
    """Return how a run's verdict differs from a clean run's, nothing if it is right."""
    clean = clean_run(command)
    if ended.status is None:
        return (f"the run did not end within {ended.seconds:.0f} s",)
    if ended.status or ended.counts != clean.warm.counts:
        last = (ended.text.strip().splitlines() or ["no output"])[-1]
        return (f"a run that must pass ended with {ended.status}: {last[:200]!a}",)
    if command.result and _bytes(box.work / command.result) != clean.result:
        return (f"{command.result} is not that of a clean run",)
    return ()


def left(command: Command, box: Sandbox, when: str, but: tuple[str, ...] = ()) -> tuple[str, ...]:
    """Return a violation if a sandbox has files that a clean run does not leave.

    Args:
        command: The command that ran there.
        box: The sandbox.
        when: When they were left, for the violation.
        but: Beginnings and ends of paths that may be left.
    """
    added = box.files() - clean_run(command).files
    more = sorted(path for path in added if not path.startswith(but) and not path.endswith(but))
    roots = [path for path in more if not any(path.startswith(f"{other}/") for other in more)]
    return (f"left {when}: {', '.join(roots)!a}",) if roots else ()


def _bytes(path: Path) -> bytes:
    return path.read_bytes() if path.is_file() else b""


@cache
def _folder() -> TemporaryFolder:
    return TemporaryFolder("chaos-clean")
