"""Break a lab under runs: python -m tests.hil.lab_chaos --times 5. What must hold, holds.

Each scene has a lab of its own, with a real coordinator, real exporters and agents behind TCP ports. After
each one nothing may be left: no place that is acquired, no reservation.
"""

import argparse
import random
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from hil.lifetime.folder import TemporaryFolder
from hil.results.store import open_store
from tests.hil.support import postgres
from tests.hil.support.lab import Lab
from tests.hil.support.lab_boards import LabBoard
from tests.hil.support.lab_runs import HoldingRun
from tests.hil.support.processes import eventually
from tests.hil.support.suite_run import read

FREE_SECONDS = 60.0
"""Longest time from the death of an owner until another run has its board."""
QUARANTINED = 75
"""Exit status of a run that failed nothing, but lost a board."""


@contextmanager
def shelf(boards: int) -> Iterator[tuple[Lab, dict[str, LabBoard]]]:
    """Yield a lab of so many boards, each at an exporter of its own; nothing may be left in it."""
    names = [f"nano-{n}" for n in range(1, boards + 1)]
    with ExitStack() as stack:
        served = {name: stack.enter_context(LabBoard()) for name in names}
        lab = stack.enter_context(Lab({name: {"board": "nano33ble"} for name in names}))
        for number, name in enumerate(names, 1):
            lab.export(f"rack-{number}", {name: served[name].resource})
        yield lab, served
        left = eventually(lambda: not (lab.owners() or lab.reservations()), FREE_SECONDS)
        assert left, f"left behind: {lab.owners()}, {lab.reservations()}"


def competing_runs(folder: Path, delay: float = 0.0) -> str:
    """Two runs want the only board: the second one says who has it, waits, and has it after the first."""
    with shelf(1) as (lab, boards), HoldingRun(lab, folder / "first") as first:
        first.wait_held()
        with HoldingRun(lab, folder / "second") as second:
            second.wait_said("is in use by")
            time.sleep(delay)
            assert not second.held, "two runs have one board"
            assert first.end() == 0, first.text
            second.wait_held()
            assert second.end() == 0, second.text
        assert boards["nano-1"].clients == 2
    return "two runs were served one after the other"


def _until_used_again(lab: Lab, first: HoldingRun, folder: Path, delay: float) -> float:
    """Kill a run that another one waits for; return the seconds until that one has the board."""
    first.wait_held()
    with HoldingRun(lab, folder / "second") as second:
        second.wait_said("is in use by")
        time.sleep(delay)
        first.kill()
        began = time.monotonic()
        second.wait_held(FREE_SECONDS)
        seconds = time.monotonic() - began
        assert second.end() == 0, second.text
    assert seconds < FREE_SECONDS
    return seconds


def killed_owner(folder: Path, delay: float = 0.0) -> str:
    """The owner of the only board is killed by SIGKILL: the next run has the board soon."""
    with shelf(1) as (lab, _), HoldingRun(lab, folder / "first") as first:
        seconds = _until_used_again(lab, first, folder, delay)
    return f"the board of a killed run was used again after {seconds:.1f} s"


def terminated_owner(folder: Path, delay: float = 0.0) -> str:
    """A run ends by SIGTERM: the board is free when the run has ended."""
    with shelf(1) as (lab, _), HoldingRun(lab, folder / "first") as first:
        first.wait_held()
        time.sleep(delay)
        assert first.terminate() != 0
        assert (lab.owners(), lab.reservations()) == ({}, []), first.text
    return "a terminated run had given its board back at its end"


def killed_exporter(folder: Path, delay: float = 0.0) -> str:
    """A machine with an exporter and its board goes down: an error of its board, the other is benched."""
    with shelf(2) as (lab, boards), HoldingRun(lab, folder / "run", "--boards-per-target=all") as run:
        lost = run.wait_held()
        other = next(name for name in boards if name != lost)
        time.sleep(delay)
        lab.exporters[f"rack-{lost.removeprefix('nano-')}"].kill()
        boards[lost].vanish()
        status = run.end()
        assert other in run.held, run.text
        assert status == QUARANTINED, f"{status}: {run.text}"
        assert f"{lost}: " in run.text
        passed = [
            line for line in run.text.splitlines() if line.startswith(f"{other} (nano33ble), hardware: ")
        ]
        assert passed == [f"{other} (nano33ble), hardware: 2 passed"], run.text
    return "a machine went down: its board was an error, the other board was benched"


def restarted_coordinator(folder: Path, delay: float = 0.0) -> str:
    """The coordinator is restarted, so that it forgets owners: the run leaves its board alone."""
    with shelf(1) as (lab, _), HoldingRun(lab, folder / "first") as first:
        first.wait_held()
        time.sleep(delay)
        lab.coordinator.kill()
        for exporter in lab.exporters.values():
            exporter.wait()
        lab.start_coordinator()
        lab.start_exporters()
        status = first.end()
        assert status == QUARANTINED, f"{status}: {first.text}"
        with HoldingRun(lab, folder / "second") as second:
            second.wait_held()
            assert second.end() == 0, second.text
    return "the coordinator was restarted: the run lost its board with an error, the next run had it"


def restarted_database(folder: Path, delay: float = 0.0) -> str:
    """The server of the store is restarted under a run: the run passes, and the store has all of it later."""
    found = postgres.programs()
    assert found is not None, "no PostgreSQL on this machine: run ci/bootstrap test"
    with postgres.Postgres(found) as server, shelf(1) as (lab, _):
        url = server.database()
        kept = f"--store={url}"
        home = {"XDG_DATA_HOME": str(folder / "data")}  # runs that wait for the server
        with HoldingRun(lab, folder / "first", kept, env=home) as first:
            first.wait_held()
            server.stop()
            time.sleep(delay)
            server.start()
            assert first.end() == 0, first.text
        with HoldingRun(lab, folder / "second", kept, env=home) as second:
            second.wait_held()
            assert second.end() == 0, second.text
        with open_store(url) as store:
            runs = store.runs()
            figures = [len(store.measurements(run.id)) for run in runs]
        measured = [len(read(each.results)) for each in (second, first)]
        assert [run.status for run in runs] == ["passed", "passed"], first.text
        assert figures == measured, f"{figures} figures are kept of {measured}: {first.text}"
    return f"the database was restarted under a run: all its {figures[-1]} figures are kept"


def lost_machine(folder: Path, delay: float = 0.0) -> str:
    """The machine of an owner goes down with all its processes: its silence frees the board. Needs root.

    The machine is a namespace of processes: of an owner in another one a run sees the signs of life only.
    """
    machine = ("unshare", "--pid", "--fork", "--kill-child", "--mount-proc")
    with shelf(1) as (lab, _), HoldingRun(lab, folder / "first", within=machine) as first:
        seconds = _until_used_again(lab, first, folder, delay)
    return f"the board of a run on a lost machine was used again after {seconds:.1f} s"


Scene = Callable[[Path, float], str]
SCENES: Mapping[str, Scene] = {
    scene.__name__: scene
    for scene in (
        competing_runs,
        killed_owner,
        terminated_owner,
        killed_exporter,
        restarted_coordinator,
        restarted_database,
        lost_machine,
    )
}


def main() -> None:
    """Play scenes at random moments, and say what was wrong; the exit status is 1 if anything was."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=3, help="how often each scene is played")
    parser.add_argument("--only", choices=SCENES, help="one scene")
    parser.add_argument("--seed", type=int, default=0)
    told = parser.parse_args()
    draw, wrong, played = random.Random(told.seed), 0, 0
    scenes = [told.only] if told.only else list(SCENES)
    with TemporaryFolder("lab-chaos") as folder:
        for name in scenes * told.times:
            played += 1
            try:
                said = SCENES[name](folder / f"{played}", draw.uniform(0.0, 2.0))
            except AssertionError as error:
                wrong += 1
                said = f"WRONG: {error}"
            print(f"{name}: {said}", flush=True)
    print(f"{played} scenes, {wrong} wrong")
    raise SystemExit(bool(wrong))


if __name__ == "__main__":
    main()
