"""Draw runs from seeds and do them, each in a process and a folder of its own.

A run depends on its seed alone: which kind it is, and what that kind breaks. The next seed follows from the
seed before, so one seed repeats a whole chaos, and the seed of a violation repeats just its run.
"""

import os
import random
import shutil
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from tests.chaos import links, suites
from tests.chaos.isolation import Broken, die_with_parent, isolated
from tests.chaos.kind import LEFT, Kinds, Outcome
from tests.chaos.remains import held, remaining

KINDS: Kinds = {**links.KINDS, **suites.KINDS}
LIMIT_SECONDS = 600.0
"""Hard limit of one run of any kind."""
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
    folder = Path(tempfile.mkdtemp(prefix="reds-hil-chaos-"))
    begun = time.monotonic()
    try:
        found = isolated(lambda: _run(kind, rng, folder), LIMIT_SECONDS, folder / "stack")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    if isinstance(found, Broken):
        found = Outcome(kind, "unknown", "broken", (str(found),), 0.0)
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
    deadline, left = time.monotonic() + minutes * 60, seeds(first)
    context = get_context("spawn")
    with ProcessPoolExecutor(jobs, context, initializer=die_with_parent) as pool:
        pending: set[Future[Run]] = set()
        begun = 0
        while True:
            while len(pending) < jobs and time.monotonic() < deadline and begun != runs:
                pending.add(pool.submit(one, next(left), only))
                begun += 1
            if not pending:
                return
            done, pending = wait(pending, timeout=1.0, return_when=FIRST_COMPLETED)
            yield [future.result() for future in done]


def _run(kind: str, rng: random.Random, folder: Path) -> Outcome:
    """Run a kind with temporary files of its own, and look for what it leaves behind."""
    temporary, place = folder / "tmp", folder / "run"
    temporary.mkdir()
    place.mkdir()
    os.environ["TMPDIR"] = tempfile.tempdir = str(temporary)
    before = held()
    found = KINDS[kind][1](rng, place)
    left = tuple(LEFT + name for name in remaining(before))
    return Outcome(found.kind, found.fault, found.verdict, found.violations + left, found.overrun)
