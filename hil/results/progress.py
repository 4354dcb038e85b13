"""A progress bar for work that takes a while, on terminals only."""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

from rich.console import Console
from rich.progress import Progress

PATIENCE_SECONDS = 1.0
"""Shorter work is not worth a bar."""


@contextmanager
def progress(
    what: str, total: int, uncaptured: Callable[[], AbstractContextManager[None]] = nullcontext
) -> Iterator[Callable[[int], None]]:
    """Yields a function that is told how much of `total` is done; `uncaptured` lets output through."""
    console = Console(stderr=True)
    bar = Progress(console=console, transient=True, auto_refresh=False)
    task = bar.add_task(what, total=total)
    began = time.monotonic()

    def advance(done: int) -> None:
        bar.update(task, completed=done)
        if console.is_terminal and time.monotonic() - began > PATIENCE_SECONDS:
            with uncaptured():
                bar.start()
                bar.refresh()

    try:
        yield advance
    finally:
        if bar.live.is_started:
            with uncaptured():
                bar.stop()
