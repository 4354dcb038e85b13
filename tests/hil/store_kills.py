"""Kill a run that writes into the store, again and again: no store is unreadable, no finished test is lost.

    python -m tests.hil.store_kills --times 100 [--seed 7] [--store postgresql+psycopg://...]

Each child begins a run and says which tests are kept. It is killed by SIGKILL at a random moment. Then the
store must be whole and must have every test that was said to be kept, with all its measurements.
"""

import argparse
import multiprocessing
import random
import sqlite3
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

from hil.results.store import open_store
from tests.hil.support.runs import NANO, figure, outcome, run_at

TESTS, FIGURES = 30, 4
"""Tests of a run, and measurements of each."""


@dataclass
class Seen:
    """What happened in some kills.

    Attributes:
        kills: Children that were killed before their run ended.
        kept: Tests that were said to be kept.
        wrong: What was lost, halved or unreadable.
    """

    kills: int
    kept: int
    wrong: list[str]


def write(where: str, told: Connection) -> None:
    """Write a run, and tell its id and each test that is kept."""
    with open_store(where) as store:
        writer = store.begin(run_at(int(time.time()) % 86_400))
        told.send(writer.run.id)
        for n in range(TESTS):
            figures = [figure(NANO, f"{m}", float(n), samples=(1.0,) * 200) for m in range(FIGURES)]
            writer.test_ended(outcome(NANO, f"test_{n}"), NANO, figures)
            told.send(f"test_{n}")
        writer.end("passed")


def kill_often(where: str, times: int, seed: int) -> Seen:
    """Kill runs into one store at random moments, and look into it after each.

    Args:
        where: The store, as `open_store` takes it.
        times: Number of runs.
        seed: Seed of the moments.
    """
    draw, fork, seen = random.Random(seed), multiprocessing.get_context("fork"), Seen(0, 0, [])
    open_store(where).close()
    for _ in range(times):
        hears, tells = fork.Pipe(duplex=False)
        child = fork.Process(target=write, args=(where, tells))
        child.start()
        tells.close()
        child.join(draw.uniform(0.0, 0.3))
        seen.kills += child.exitcode is None
        child.kill()
        child.join()
        seen.wrong += _wrong(where, _said(hears), seen)
    return seen


def _said(hears: Connection) -> list[str]:
    """Return all that a child has told."""
    said: list[str] = []
    try:
        while True:
            said.append(hears.recv())
    except (EOFError, OSError):  # it was killed, perhaps in the middle of a word
        return said


def _wrong(where: str, said: Sequence[str], seen: Seen) -> list[str]:
    """Return what the store lacks of that which a child has told."""
    found = []
    with open_store(where) as store:
        if "://" not in where:
            with sqlite3.connect(where) as raw:
                found += [text for (text,) in raw.execute("PRAGMA integrity_check") if text != "ok"]
        if not said:
            return found
        run_id, *kept = said
        seen.kept += len(kept)
        tests, measured = store.tests(run_id), store.measurements(run_id)
        lost = set(kept) - {test.test for test in tests}
        found += [f"{run_id}: {test} is lost" for test in sorted(lost)]
        if len(measured) != FIGURES * len(tests):
            found.append(f"{run_id}: {len(tests)} tests, but {len(measured)} measurements")
    return found


def main() -> None:
    """Kill runs, and say what was wrong; the exit status is 1 if anything was."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--store", default="")
    told = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="reds-hil-kills-") as folder:
        seen = kill_often(told.store or str(Path(folder) / "runs.sqlite"), told.times, told.seed)
    print(f"{told.times} runs, {seen.kills} killed, {seen.kept} finished tests, {len(seen.wrong)} wrong")
    print("\n".join(seen.wrong), end="")
    raise SystemExit(bool(seen.wrong))


if __name__ == "__main__":
    main()
