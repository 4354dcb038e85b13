"""Draw runs from seeds and do them, each in a folder of its own.

A run depends on its seed alone: which kind it is, and what that kind breaks. The next seed follows from the
seed before, so one seed repeats a whole chaos, and the seed of a violation repeats just its run.
"""

import faulthandler
import os
import random
import signal
import time
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from typing import Any

from hil.lifetime.folder import TemporaryFolder
from tests.chaos import caches, files, kills, links, places, suites
from tests.chaos.isolation import die_with_parent, one_line, raised_at
from tests.chaos.kind import Kinds, Outcome

KINDS: Kinds = {
    **links.KINDS,
    **suites.KINDS,
    **kills.KINDS,
    **caches.KINDS,
    **places.KINDS,
    **files.KINDS,
}
LIMIT_SECONDS = 900.0
"""Hard limit of a run; every kind has shorter ones of its own."""
_SEED_BITS = 40


@dataclass(frozen=True)
class Run:
    """One run: its seed, what it found, and the seconds that it took."""

    seed: int
    outcome: Outcome
    seconds: float

    def record(self) -> dict[str, Any]:
        """Return the run as a row of results."""
        return {"seed": self.seed, **asdict(self.outcome), "seconds": round(self.seconds, 3)}


def seeds(first: int) -> Iterator[int]:
    """Yield the seeds of the runs."""
    while True:
        yield first
        first = random.Random(first).getrandbits(_SEED_BITS)


def one(seed: int, only: str = "") -> Run:
    """Do the run of a seed, of a kind whose name contains `only`."""
    rng = random.Random(f"run {seed}")
    chosen = {name: drawn for name, drawn in KINDS.items() if only in name}
    (kind,) = rng.choices(list(chosen), [weight for weight, _ in chosen.values()])
    begun = time.monotonic()
    signal.setitimer(signal.ITIMER_REAL, LIMIT_SECONDS)
    try:
        with TemporaryFolder("chaos") as folder:
            place = folder / "run"
            place.mkdir()
            try:
                found = chosen[kind][1](rng, place)
            except Exception as error:
                broke = one_line(f"chaos itself raised {type(error).__name__}: {error} ({raised_at(error)})")
                found = Outcome(kind, "unknown", "broken", (broke,))
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0.0)  # else this process is killed long after its run
    return Run(seed, found, time.monotonic() - begun)


def many(first: int, minutes: float, runs: int | None, jobs: int, only: str) -> Iterator[list[Run]]:
    """Yield the runs that have ended, at least once a second, until the minutes have passed.

    Args:
        first: Seed of the first run.
        minutes: Minutes after which no run begins.
        runs: How many runs are done at the most, None for any number.
        jobs: Runs at once.
        only: Part of the names of the kinds that are drawn.
    """
    deadline, left, begun = time.monotonic() + minutes * 60, seeds(first), 0
    pool, pending = _pool(jobs), dict[Future[Run], int]()
    try:
        while True:
            while len(pending) < jobs and time.monotonic() < deadline and begun != runs:
                seed = next(left)
                pending[pool.submit(one, seed, only)] = seed
                begun += 1
            if not pending:
                return
            done = wait(pending, timeout=1.0, return_when=FIRST_COMPLETED).done
            lost = [seed for future, seed in pending.items() if future in done and future.exception()]
            yield [future.result() for future in done if not future.exception()]
            pending = {future: seed for future, seed in pending.items() if future not in done}
            if lost:
                hung = f"chaos itself was lost: it crashed, or took more than {LIMIT_SECONDS:g} s"
                yield [Run(seed, Outcome("lost", "unknown", "lost", (hung,)), 0.0) for seed in lost]
                pool = _pool(jobs)
    finally:
        pool.shutdown(cancel_futures=True)


def _pool(jobs: int) -> ProcessPoolExecutor:
    return ProcessPoolExecutor(jobs, get_context("spawn"), initializer=_begin)


def _begin() -> None:
    """Prepare a process that does runs.

    It dies with chaos, and writes its stack before its limit ends it. In a group of its own it finishes its
    run after a Ctrl-C.
    """
    die_with_parent()
    os.setpgrp()
    faulthandler.register(signal.SIGALRM, chain=True)
