"""Bench boards of a lab by several runners at once: python -m tests.hil.lab_soak --boards 32 --minutes 60.

The coordinator and the exporters are real, the boards are agents of this machine behind TCP ports. Each run
asks for one place by its tag, in an order in which all boards get the same number of turns, and every fourth
run for whichever is free. So runners compete for places. The table, and the file of --json, say what was
served, how long it took, what failed, and what memory the programs took.
"""

import argparse
import itertools
import json
import os
import random
import secrets
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median, quantiles
from typing import Any

from hil.firmware import build
from hil.lifetime.child import Child
from hil.lifetime.folder import TemporaryFolder
from reds import pack
from tests.hil.support.lab import Lab
from tests.hil.support.lab_boards import LabBoard
from tests.hil.support.memory import Memory, rss
from tests.hil.support.processes import eventually, marked
from tests.hil.support.suite_run import PLUGINS
from tests.support.nets import dense_model

ANY = 4
"""Runs of which one takes whichever place is free."""
_SAMPLED_SECONDS = 5.0
_RUN_SECONDS = 600.0
"""Longest time that a run may take, which includes that of the runs it waits for."""


@dataclass(frozen=True)
class Ended:
    """The end of one run: its board, its seconds, its largest memory in MB, and what it said if it failed."""

    board: str
    seconds: float
    megabytes: float
    failure: str


@dataclass
class Soak:
    """Runs on a lab until a time, and what they did."""

    lab: Lab
    folder: Path
    seats: Sequence[str]
    mark: str
    seed: int
    ended: list[Ended] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._turns = self._in_turn()
        self._lock = threading.Lock()

    def _in_turn(self) -> Iterator[str | None]:
        """Yield the places whose turn it is; None for whichever is free."""
        draw, number = random.Random(self.seed), itertools.count(1)
        while True:
            order = draw.sample(list(self.seats), len(self.seats))
            for seat in order:
                if next(number) % ANY == 0:
                    yield None
                yield seat

    def runner(self, name: str, until: float) -> None:
        """Make one run after the other until a time."""
        for number in itertools.count():
            if time.monotonic() > until:
                return
            with self._lock:
                seat = next(self._turns)
            try:
                done = self._run(f"{name}-{number}", seat)
            except Exception as error:  # else a soak whose runners have all ended would pass
                done = Ended("", 0.0, 0.0, f"{name}-{number}, wanted {seat}: {error!r}")
            with self._lock:
                self.ended.append(done)

    def _run(self, name: str, seat: str | None) -> Ended:
        boards, results = self.folder / f"{name}.toml", self.folder / f"{name}.jsonl"
        tags = f'seat = "{seat}"' if seat else ""
        boards.write_text(f"[lab]\ntags = {{ {tags} }}\n")
        lab = [f"--lab={self.lab.address}", f"--boards={boards}", "--target=nano33ble", "--lease-wait=500"]
        light = ["--samples=5", "--inputs=16", "--store=none", f"--pack={self.folder / 'small.reds'}"]
        command = [sys.executable, "-m", "pytest", *PLUGINS, "--pyargs", "hil", "-q", *lab, *light]
        plain = {k: v for k, v in os.environ.items() if not k.startswith(("HIL_", "PYTEST_"))}
        environment = {**plain, **self.lab.environment, "HIL_SOAK": self.mark}
        log, began = self.folder / f"{name}.log", time.monotonic()
        with log.open("wb") as file:
            process = Child(
                [*command, f"--results={results}"],
                cwd=self.folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
            )
            late = threading.Timer(_RUN_SECONDS, process.kill)
            late.start()
            _, status, used = os.wait4(process.pid, 0)
            late.cancel()
            process.returncode = os.waitstatus_to_exitcode(status)
            process.end()
        seconds, said = time.monotonic() - began, log.read_text(errors="replace")
        names = _boards_of(results)
        failure = ""
        if process.returncode or len(names) != 1 or (seat is not None and names != {seat}):
            failure = (
                f"exit status {process.returncode}, boards {sorted(names)}, wanted {seat}: {said[-2000:]}"
            )
        for file_ in (boards, results, log):
            file_.unlink(missing_ok=True)
        return Ended(next(iter(names), ""), seconds, used.ru_maxrss / 1024, failure)


def _boards_of(results: Path) -> set[str]:
    """Return the boards that a results file has measurements of."""
    if not results.exists():
        return set()
    rows = map(json.loads, results.read_text().splitlines())
    return {row["board"] for row in rows if "metric" in row}


def soak(boards: int, exporters: int, runners: int, minutes: float, seed: int) -> dict[str, Any]:
    """Run a soak, print its progress, and return what it found."""
    build.agent("desktop", board="nano33ble")
    seats = [f"nano-{n:02}" for n in range(1, boards + 1)]
    places = {seat: {"board": "nano33ble", "seat": seat} for seat in seats}
    mark = f"soak-{secrets.token_hex(6)}"
    with ExitStack() as stack:
        folder = stack.enter_context(TemporaryFolder("soak"))
        pack.save(dense_model([20, 24, 16, 5], [[8, 8, 5], [24, 16, 5]], name="small"), folder / "small.reds")
        served = {seat: stack.enter_context(LabBoard()) for seat in seats}
        lab = stack.enter_context(Lab(places))
        for n in range(exporters):
            lab.export(f"rack-{n + 1}", {seat: served[seat].resource for seat in seats[n::exporters]})
        run = Soak(lab, folder, seats, mark, seed)
        began = time.monotonic()
        until = began + 60 * minutes
        threads = [
            threading.Thread(target=run.runner, args=(f"runner-{n + 1}", until), daemon=True)
            for n in range(runners)
        ]
        for thread in threads:
            thread.start()
        memory = Memory()
        _watch(run, threads, memory, began, minutes)
        found = _summary(run, memory, time.monotonic() - began)
        found["setup"] = {"boards": boards, "exporters": exporters, "runners": runners, "minutes": minutes}
        found["left"] = _left(lab, mark)
        return found


def _watch(
    run: Soak, threads: Sequence[threading.Thread], memory: Memory, began: float, minutes: float
) -> None:
    """Sample memory until all runners have ended; print a line each minute."""
    said = 0
    while any(thread.is_alive() for thread in threads):
        memory.sample("coordinator", rss(run.lab.coordinator.pid))
        memory.sample("exporters", sum(rss(each.pid) for each in run.lab.exporters.values()))
        memory.sample("boards' servers", rss(os.getpid()))
        passed = time.monotonic() - began
        if passed // 60 > said:
            said = int(passed // 60)
            bad = sum(bool(each.failure) for each in run.ended)
            print(f"{said} of {minutes:g} min: {len(run.ended)} runs, {bad} failed", flush=True)
        threads[0].join(_SAMPLED_SECONDS)
        if not threads[0].is_alive():
            next((t for t in threads if t.is_alive()), threads[0]).join(_SAMPLED_SECONDS)


def _summary(run: Soak, memory: Memory, seconds: float) -> dict[str, Any]:
    good = [each for each in run.ended if not each.failure]
    turns = Counter(each.board for each in good)
    times = [each.seconds for each in good]
    return {
        "seconds": round(seconds, 1),
        "runs": len(run.ended),
        "boards_served": len(turns),
        "turns_of_a_board": {
            "fewest": min((turns[s] for s in run.seats), default=0),
            "most": max(turns.values(), default=0),
        },
        "seconds_of_a_board": _spread(times),
        "failures": [each.failure for each in run.ended if each.failure],
        "megabytes": {**memory.summary(), "one runner, largest": _spread([each.megabytes for each in good])},
    }


def _spread(values: Sequence[float]) -> dict[str, float]:
    if len(values) < 2:
        return {}
    tenths = quantiles(values, n=10, method="inclusive")
    found = {"median": median(values), "p90": tenths[-1], "max": max(values)}
    return {name: round(value, 2) for name, value in found.items()}


def _left(lab: Lab, mark: str) -> dict[str, Any]:
    """Return what runs have left behind: places, reservations and processes."""
    eventually(lambda: not marked(mark), 30)
    return {"places": lab.owners(), "reservations": lab.reservations(), "processes": marked(mark)}


def table(found: dict[str, Any]) -> str:
    """Return the summary as a table."""
    setup, rows = found["setup"], []
    rows.append(("boards, exporters, runners", "{boards}, {exporters}, {runners}".format(**setup)))
    rows.append(("minutes", f"{found['seconds'] / 60:.1f}"))
    rows.append(("runs, failures", f"{found['runs']}, {len(found['failures'])}"))
    turns = found["turns_of_a_board"]
    rows.append(
        ("boards served", f"{found['boards_served']}, each {turns['fewest']} to {turns['most']} times")
    )
    rows.append(("seconds of a board, waiting included", _shown(found["seconds_of_a_board"])))
    rows += [(f"MB of {name}", _shown(values)) for name, values in found["megabytes"].items()]
    left = found["left"]
    rows.append(("left behind", ", ".join(f"{len(left[key])} {key}" for key in left)))
    width = max(len(name) for name, _ in rows)
    return "\n".join(f"{name:{width}}  {value}" for name, value in rows)


def _shown(values: dict[str, float]) -> str:
    return ", ".join(f"{name} {value:g}" for name, value in values.items()) or "-"


def main() -> None:
    """Run a soak and print its table.

    The exit status is 1 if a run failed or left something behind, or if no board was served.
    """
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--boards", type=int, default=32)
    parser.add_argument("--exporters", type=int, default=4)
    parser.add_argument("--runners", type=int, default=4)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path, help="file for the summary")
    told = parser.parse_args()
    found = soak(told.boards, told.exporters, told.runners, told.minutes, told.seed)
    if told.json:
        told.json.write_text(json.dumps(found, indent=1) + "\n")
    for failure in found["failures"][:3]:
        print(failure)
    print(table(found))
    wrong = found["failures"] or any(found["left"].values()) or not found["boards_served"]
    raise SystemExit(bool(wrong))


if __name__ == "__main__":
    main()
