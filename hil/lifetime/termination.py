"""End cleanly when asked to end."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from threading import current_thread, main_thread


@contextmanager
def termination_interrupts() -> Iterator[None]:
    """Let SIGTERM and SIGHUP interrupt the block as Ctrl-C does.

    A signal that the program handles or ignores already, as under `nohup`, stays as it is.
    """
    ours = [
        each
        for each in (signal.SIGTERM, signal.SIGHUP)
        if current_thread() is main_thread() and signal.getsignal(each) is signal.SIG_DFL
    ]
    try:
        for each in ours:
            signal.signal(each, signal.default_int_handler)
        yield
    finally:
        for each in ours:
            signal.signal(each, signal.SIG_DFL)
