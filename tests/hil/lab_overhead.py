"""Measure what a lab adds to a bench: python -m tests.hil.lab_overhead --times 10.

The same agent is benched in turns at a serial port of this machine (a pseudo terminal), at a TCP port of a
boards file, and as a place of a lab. Seconds change with the load of this machine: so the turns are
interleaved, each difference is that of neighbors, and the time of processors is shown too. Other options are
those of `pytest hil`.
"""

import argparse
import json
import resource
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from statistics import median, quantiles

from hil.lifetime.folder import TemporaryFolder
from tests.hil.support.lab import Lab
from tests.hil.support.lab_boards import EmulatedNano, LabBoard
from tests.hil.support.ptyboard import PtyBoard, nano_agent
from tests.hil.support.suite_run import run_pytest

KINDS = ("desk", "network", "lab")
Taken = dict[str, list[tuple[float, float]]]
"""Seconds, and seconds of processors, of each bench of a kind."""


def measure(times: int, emulated: bool, options: Sequence[str]) -> Taken:
    """Bench each kind so many times.

    Args:
        times: Benches of each kind.
        emulated: Whether the board is an emulated Nano instead of an agent of this machine; it has no desk.
        options: Further options of `pytest hil`.
    """
    taken: Taken = {kind: [] for kind in KINDS if not (emulated and kind == "desk")}
    with ExitStack() as stack:
        folder = stack.enter_context(TemporaryFolder("overhead"))
        board = stack.enter_context(LabBoard(EmulatedNano if emulated else None))
        tags = {"board": "nano33ble", **({"provenance": "emulated"} if emulated else {})}
        lab = stack.enter_context(Lab({"nano-1": tags}))
        lab.export("rack-1", {"nano-1": board.resource})
        given = {"network": _boards_file(folder / "network.toml", board.url)}
        if emulated:
            with (folder / "network.toml").open("a") as file:
                file.write("emulated = true\n")
            given["network"].append("--emulate")
        else:
            desk = stack.enter_context(PtyBoard(nano_agent()))
            given["desk"] = _boards_file(folder / "desk.toml", desk.port)
        given["lab"] = [f"--lab={lab.address}"]
        for turn in range(times + 1):
            for kind in taken:
                began, used = time.perf_counter(), _processors()
                words = ("--pyargs", "hil", "-q", "--target=nano33ble", *given[kind], *options)
                done = run_pytest(folder, *words, env=lab.environment)
                if done.returncode:
                    raise SystemExit(f"{kind}: exit status {done.returncode}\n{done.stdout}{done.stderr}")
                if turn:  # the first one fills caches
                    taken[kind].append((time.perf_counter() - began, _processors() - used))
            print(f"{turn} of {times}", file=sys.stderr, flush=True)
    return taken


def _processors() -> float:
    """Return the seconds of processors that the ended children of this process took, with their children."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _boards_file(path: Path, port: str) -> list[str]:
    path.write_text(f'[[board]]\nname = "nano-1"\ntarget = "nano33ble"\nport = "{port}"\n')
    return [f"--boards={path}"]


def table(taken: Taken) -> str:
    """Return medians, and what each kind adds to the first."""
    first, rows = next(iter(taken)), []
    for kind in taken:
        for which, what in enumerate(("seconds", "seconds of processors")):
            values = [each[which] for each in taken[kind]]
            before = [each[which] for each in taken[first]]
            rows.append(f"{kind:8} {what:22} {median(values):7.2f}")
            if kind != first:
                more = [b - a for a, b in zip(before, values, strict=True)]
                low, _, high = quantiles(more, n=4, method="inclusive")
                share = f"{median(more) / median(before):+.1%} of {first}"
                rows[-1] += f" {median(more):+6.2f} (quartiles {low:+.2f}..{high:+.2f}), {share}"
    return "\n".join(rows)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=10, help="benches of each kind, 2 or more")
    parser.add_argument("--emulated", action="store_true", help="an emulated Nano; its desk is a TCP port")
    parser.add_argument("--json", type=Path, help="file for all seconds")
    told, options = parser.parse_known_args()
    taken = measure(max(2, told.times), told.emulated, options)
    if told.json:
        told.json.write_text(json.dumps(taken, indent=1) + "\n")
    print(table(taken))


if __name__ == "__main__":
    main()
