"""Show which work is going on, and how long still, from its first second to its end.

On a terminal a bar moves by itself. Elsewhere, as in the log of a CI job, long work writes a line now and
then. The workers of pytest-xdist show nothing.
"""

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from io import TextIOWrapper

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.progress import TimeRemainingColumn as TimeLeftColumn

from reds.text import printable

LINE_SECONDS = 10.0
"""Seconds between two lines where the output is no terminal."""
_STDERR = 2
_RATE = 4.0
"""Redraws of the bar in a second."""


@contextmanager
def progress(
    what: str,
    total: int | None = None,
    uncaptured: Callable[[], AbstractContextManager[None]] = nullcontext,
    line_seconds: float = LINE_SECONDS,
) -> Iterator[Callable[[int], None]]:
    """Yield a function that is told how much of `total` is done.

    Args:
        what: Label of the work, with the name of its board.
        total: Amount of work; None if nobody knows.
        uncaptured: Suspends pytest's capturing of output.
        line_seconds: Seconds between two lines where the output is no terminal.
    """
    if "PYTEST_XDIST_WORKER" in os.environ:
        yield lambda done: None
        return
    label = printable(what)
    with _real_stderr(uncaptured) as stream:
        shown = _bar if stream.isatty() and not Console(file=stream).is_dumb_terminal else _lines
        with shown(label, total, stream, line_seconds) as advance:
            yield advance


@contextmanager
def _real_stderr(uncaptured: Callable[[], AbstractContextManager[None]]) -> Iterator[TextIOWrapper]:
    """Open the standard error that pytest's capturing has replaced, as long as the work takes."""
    with uncaptured():
        try:
            descriptor = os.dup(_STDERR)
        except OSError:  # it is closed
            descriptor = os.open(os.devnull, os.O_WRONLY)
    with open(descriptor, "w", encoding="utf-8", errors="replace", buffering=1) as stream:
        yield stream


@contextmanager
def _bar(
    label: str, total: int | None, stream: TextIOWrapper, line_seconds: float
) -> Iterator[Callable[[int], None]]:
    """Show a bar that redraws itself."""
    times = (TaskProgressColumn(), TimeLeftColumn(), TextColumn("left")) if total else (TimeElapsedColumn(),)
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        *times,
        console=Console(file=stream),
        transient=True,
        refresh_per_second=_RATE,
        redirect_stdout=False,
        redirect_stderr=False,
    )
    task = bar.add_task(escape(label), total=total)
    with bar:
        yield lambda done: bar.update(task, completed=done)


@contextmanager
def _lines(
    label: str, total: int | None, stream: TextIOWrapper, line_seconds: float
) -> Iterator[Callable[[int], None]]:
    """Write a line whenever so many seconds have passed."""
    began, reached, ended = time.monotonic(), 0, threading.Event()

    def advance(done: int) -> None:
        nonlocal reached
        reached = done

    def write() -> None:
        while not ended.wait(line_seconds):
            stream.write(f"\n{label}{_reached(reached, total, time.monotonic() - began)}\n")

    writer = threading.Thread(target=write, daemon=True)
    writer.start()
    try:
        yield advance
    finally:
        ended.set()
        writer.join()


def _reached(done: int, total: int | None, seconds: float) -> str:
    """Return how far work is after so many seconds, and how long still."""
    if not total:
        return f", for {seconds:.0f} s"
    left = f", about {seconds * (total - done) / done:.0f} s left" if done else ""
    return f": {done:,} of {total:,}{left}"
