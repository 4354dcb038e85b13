"""Name the test of a process that dies, and the lines where it did, in a file.

`pytest -p tests.support.running` loads it. A crash of native code leaves no report, and neither does a signal
that ends a process: `make test` prints the files that are left in the end.

Programs that the tests start can be interrupted, also if this run cannot: some tests interrupt them.

It also chooses how many workers `-n auto` starts: more than there are processors, because the tests wait for
boards, deadlines and programs in a quarter of their time.
"""

import faulthandler
import os
import signal
from pathlib import Path

import pytest

FOLDER = "results/running"
ENDING = (signal.SIGALRM, signal.SIGHUP, signal.SIGTERM)
"""Signals that end a process without a word, but for SIGKILL, which no process can notice."""

WORKER_BYTES = 2 << 30
"""Memory that each worker beyond the number of processors must find, with the programs that it starts."""


def workers(processors: int, memory: int) -> int:
    """Return how many workers run the tests: half as many again as processors, if memory suffices.

    Args:
        processors: Processors that this process may use.
        memory: Bytes of memory of this machine.
    """
    return max(processors, min(processors + (processors + 1) // 2, memory // WORKER_BYTES))


@pytest.hookimpl(optionalhook=True, tryfirst=True)
def pytest_xdist_auto_num_workers() -> int | None:
    """Return the number of workers of `-n auto`, unless xdist's own variable names it."""
    if "PYTEST_XDIST_AUTO_NUM_WORKERS" in os.environ:
        return None
    processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return workers(processors, os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))


class Running:
    """Writes the name of the running test into a file of this process."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.path = folder / f"{os.getpid()}.txt"
        self.file = self.path.open("w", encoding="utf-8")
        faulthandler.enable(self.file)
        for number in ENDING:
            faulthandler.register(number, self.file, chain=True)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> None:
        self.file.seek(0)
        self.file.truncate()
        self.file.write(f"died in {item.nodeid}\n")
        self.file.flush()

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_teardown(self) -> None:
        if signal.getitimer(signal.ITIMER_REAL)[0]:
            signal.setitimer(signal.ITIMER_REAL, 0.0)
            pytest.fail("the test left an alarm set, which ends this process during another test")

    def pytest_unconfigure(self) -> None:
        for number in ENDING:
            faulthandler.unregister(number)
        faulthandler.disable()
        self.file.close()
        self.path.unlink()


@pytest.hookimpl(trylast=True)  # after pytest's own faulthandler, which writes to standard error
def pytest_configure(config: pytest.Config) -> None:
    if (
        signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    ):  # as of a job in the background, and all that it starts
        signal.signal(signal.SIGINT, signal.default_int_handler)
    config.pluginmanager.register(Running(config.rootpath / FOLDER))
