"""Show a progress bar for slow work, on terminals only, and not in the workers of pytest-xdist."""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

from rich.console import Console
from rich.markup import escape
from rich.progress import Progress

from reds.text import printable


@contextmanager
def progress(
    what: str,
    total: int,
    uncaptured: Callable[[], AbstractContextManager[None]] = nullcontext,
    patience: float = 1.0,
) -> Iterator[Callable[[int], None]]:
    """Yield a function that is told how much of `total` is done.

    Args:
        what: Label of the bar.
        total: Amount of work.
        uncaptured: Suspends pytest's capturing of output.
        patience: Seconds before the bar appears.
    """
    with uncaptured():
        console = Console(stderr=True)
    bar = Progress(
        console=console,
        disable=not console.is_interactive or "PYTEST_XDIST_WORKER" in os.environ,
        transient=True,
        auto_refresh=False,
        redirect_stdout=False,
        redirect_stderr=False,
    )
    task = bar.add_task(escape(printable(what)), total=total)
    began = time.monotonic()

    def advance(done: int) -> None:
        bar.update(task, completed=done)
        if time.monotonic() - began > patience:
            with uncaptured():
                bar.start()
                bar.refresh()

    try:
        yield advance
    finally:
        if bar.live.is_started:
            with uncaptured():
                bar.stop()
