"""Stop, restart and freeze a PostgreSQL server while runs write into it: nothing is lost, halved or doubled.

    python -m tests.hil.store_outages --times 50 [--seed 7]

Each child keeps a run as `pytest hil` does, and says which tests it was told to keep. At random moments the
server is stopped, started again or frozen, and every third child is killed. Then all runs that wait are sent,
and the store must have each test that was said to be kept, once, with all its measurements.
"""

import argparse
import multiprocessing
import os
import random
import tempfile
import time
from collections.abc import Sequence
from multiprocessing.connection import Connection

from hil.results.store import Store, open_store, send, waiting
from hil.suite import kept_run
from tests.hil.support.postgres import Postgres, programs
from tests.hil.support.runs import NANO, figure, outcome, run_at

TESTS, FIGURES = 20, 3
"""Tests of a run, and measurements of each."""


def write(url: str, second: int, told: Connection) -> None:
    """Keep a run, and tell its id and each test that is kept."""
    kept_run.PATIENCE_SECONDS = 1.0
    kept = kept_run.KeptRun(url, run_at(second))
    told.send(kept.run.id)
    draw = random.Random(second)
    for n in range(TESTS):
        figures = [figure(NANO, f"{m}", float(n), samples=(1.0,) * 200) for m in range(FIGURES)]
        kept.test_ended(outcome(NANO, f"test_{n}"), NANO, figures, [])
        told.send(f"test_{n}")
        time.sleep(draw.uniform(0.0, 0.1))
    kept.end("passed")


def disturb(server: Postgres, url: str, draw: random.Random) -> None:
    """Stop, restart or freeze the server for a moment, or leave it alone."""
    time.sleep(draw.uniform(0.0, 2.0))
    how = draw.choice(["nothing", "restart", "away", "freeze"])
    if how == "freeze":
        with server.frozen(url):
            time.sleep(draw.uniform(0.0, 4.0))
    elif how != "nothing":
        server.stop()
        if how == "away":
            time.sleep(draw.uniform(0.0, 3.0))
        server.start()


def said(hears: Connection) -> list[str]:
    """Return all that a child has told."""
    found: list[str] = []
    try:
        while True:
            found.append(hears.recv())
    except (EOFError, OSError):  # it ended, or was killed, perhaps in the middle of a word
        return found


def wrong(store: Store, told: Sequence[str], killed: bool) -> list[str]:
    """Return what the store lacks, or has twice, of that which a child has told."""
    run_id, *kept = told
    tests, measured = store.tests(run_id), store.measurements(run_id)
    lost = set(kept) - {test.test for test in tests}
    found = [f"{run_id}: {test} is lost" for test in sorted(lost)]
    if len(measured) != FIGURES * len(tests) or len({test.test for test in tests}) != len(tests):
        found.append(f"{run_id}: {len(tests)} tests, but {len(measured)} measurements")
    (run,) = store.find(run_id)
    if not killed and run.status != "passed":
        found.append(f"{run_id}: {run.status}")
    return found


def main() -> None:
    """Disturb runs, and say what was wrong; the exit status is 1 if anything was."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    folder = programs()
    assert folder, "install postgresql"
    draw, fork = random.Random(asked.seed), multiprocessing.get_context("fork")
    told: list[tuple[list[str], bool]] = []
    with tempfile.TemporaryDirectory(prefix="reds-hil-outages-") as data, Postgres(folder) as server:
        os.environ["XDG_DATA_HOME"] = data
        url = server.database()
        open_store(url).close()
        for n in range(asked.times):
            hears, tells = fork.Pipe(duplex=False)
            child = fork.Process(target=write, args=(url, n, tells))
            child.start()
            tells.close()
            disturb(server, url, draw)
            killed = n % 3 == 2 and child.is_alive()
            if killed:
                child.kill()
            child.join()
            told.append((said(hears), killed))
        with open_store(url) as store:
            waited, done = sum(waiting().values()), send(store)
            faults = [*map(str, done.faults.values()), *(f"{run_id}: still locked" for run_id in done.busy)]
            for each, killed in told:
                faults += wrong(store, each, killed) if each else []
    tests = sum(len(each) - 1 for each, _ in told if each)
    ends = f"{sum(killed for _, killed in told)} killed, {waited} waited at the end"
    print(f"{asked.times} runs, {ends}, {tests} finished tests, {len(faults)} wrong")
    print("\n".join(faults), end="")
    raise SystemExit(bool(faults))


if __name__ == "__main__":
    main()
