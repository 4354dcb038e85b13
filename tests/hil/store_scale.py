"""Time the store with many runs: python -m tests.hil.store_scale --runs 10000 [--store postgresql+psycopg://...]

Each run has 40 measurements of four subnets on one of four boards, with 20 samples each.
"""

import argparse
import random
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from hil.report.page import write
from hil.report.taken import from_store
from hil.results.difference import Kept, changes
from hil.results.run import Run
from hil.results.store import Store, open_store, prune
from hil.results.store.writer import insert_measurements, insert_run
from tests.hil.support.runs import NANO, SHAPE, figure, outcome, run_at

SUBNETS = ("25%", "50%", "75%", "100%")
METRICS = ("latency", "cycles", "instructions", "switch", "first_latency", "macs", "a", "b", "c", "d")
BOARDS = [replace(NANO, board=f"nano{n}") for n in range(4)]
_TOGETHER = 200
"""Runs that are inserted in one transaction."""


def fill(store: Store, count: int) -> None:
    """Keep so many runs."""
    draw = random.Random(0)
    for at in range(0, count, _TOGETHER):
        with store.transaction(writes=True) as connection:
            for n in range(at, min(at + _TOGETHER, count)):
                board = BOARDS[n % len(BOARDS)]
                run = run_at(600 * n, status="passed", provenances=("emulated",))
                insert_run(connection, run)
                taken = [
                    figure(board, subnet, base, metric=metric, samples=tuple(base + i for i in range(20)))
                    for subnet in SUBNETS
                    for metric in METRICS
                    for base in [draw.uniform(1, 1e6)]
                ]
                who = board.target, board.board, board.provenance
                insert_measurements(connection, run.id, {who: board}, taken)


def kept(store: Store, run: Run) -> Kept:
    """Return a run as `hil results diff` reads it."""
    return Kept(run.id, store.boards(run.id), store.measurements(run.id))


def report(store: Store, before: Run, after: Run, folder: Path) -> None:
    """Write the page of two runs as `hil report` does."""
    write([from_store(store, run, ()) for run in (before, after)], folder)


def main() -> None:
    """Fill a store, and print the seconds of what users do."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=10_000)
    parser.add_argument("--store", default="")
    told = parser.parse_args()

    def timed(what: str, work: Callable[[], object]) -> None:
        began = time.perf_counter()
        work()
        print(f"{what:32} {time.perf_counter() - began:8.3f} s", flush=True)

    with tempfile.TemporaryDirectory(prefix="reds-hil-scale-") as folder:
        path = Path(folder) / "runs.sqlite"
        with open_store(told.store or str(path)) as store:
            timed(f"keep {told.runs} runs", lambda: fill(store, told.runs))
            timed("open", lambda: open_store(told.store or str(path)).close())
            newest = store.runs(limit=20)
            timed("list 20", lambda: (store.runs(limit=20), store.outcomes([run.id for run in newest])))
            timed("list 20 of one board", lambda: store.runs(limit=20, board="nano1"))
            timed("list 20 that no board has", lambda: store.runs(limit=20, board="nowhere"))
            timed("list all", store.runs)
            new, first = newest[0], store.runs(board=store.boards(newest[0].id)[0].board)[-1]
            timed("diff", lambda: changes(kept(store, newest[4]), kept(store, new)))
            timed("diff of the first and the last", lambda: changes(kept(store, first), kept(store, new)))
            (board,) = store.boards(new.id)
            timed("history, 50", lambda: store.history(board, SHAPE, "25%", "latency", "us", 50))
            timed("history, all", lambda: store.history(board, SHAPE, "25%", "latency", "us"))
            timed("report of two runs", lambda: report(store, newest[4], new, Path(folder) / "report"))
            timed("last good", lambda: store.last_good(board, SHAPE))
            writer = store.begin(run_at(600 * told.runs))
            test, taken = outcome(board, "a"), [figure(board, "25%", 1.0)]
            timed("keep a test", lambda: writer.test_ended(test, board, taken))
            if not told.store:
                print(f"{path.stat().st_size / 1e6:.0f} MB")
            timed("prune to half", lambda: prune(store, keep=told.runs // 2))


if __name__ == "__main__":
    main()
