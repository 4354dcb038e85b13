"""Measure what a lab adds to a bench: python -m tests.hil.lab_overhead --times 10.

The same agent is benched in turns at a serial port of this machine (a pseudo terminal), at a TCP port of a
boards file, and as a place of a lab. A figure of this machine changes with its load: so the turns are
interleaved, and each difference is that of neighbors.
"""

import argparse
import json
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from statistics import median, quantiles
from tempfile import TemporaryDirectory

from tests.hil.support.lab import Lab
from tests.hil.support.lab_boards import EmulatedNano, LabBoard
from tests.hil.support.ptyboard import PtyBoard, nano_agent
from tests.hil.support.suite_run import run_pytest

KINDS = ("desk", "network", "lab")


def measure(times: int, emulated: bool, options: Sequence[str]) -> dict[str, list[float]]:
    """Return the seconds of so many benches of each kind.

    Args:
        times: Benches of each kind.
        emulated: Whether the board is an emulated Nano instead of an agent of this machine; it has no desk.
        options: Further options of `pytest hil`.
    """
    taken: dict[str, list[float]] = {kind: [] for kind in KINDS if not (emulated and kind == "desk")}
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="reds-hil-overhead-")))
        board = stack.enter_context(LabBoard(EmulatedNano if emulated else None))
        lab = stack.enter_context(Lab({"nano-1": {"board": "nano33ble"}}))
        lab.export("rack-1", {"nano-1": board.resource})
        given = {"network": _boards_file(folder / "network.toml", board.url)}
        if not emulated:
            desk = stack.enter_context(PtyBoard(nano_agent()))
            given["desk"] = _boards_file(folder / "desk.toml", desk.port)
        given["lab"] = [f"--lab={lab.address}"]
        for turn in range(times + 1):
            for kind in taken:
                began = time.perf_counter()
                words = ("--pyargs", "hil", "-q", "--target=nano33ble", *given[kind], *options)
                done = run_pytest(folder, *words, env=lab.environment)
                if done.returncode:
                    raise SystemExit(f"{kind}: exit status {done.returncode}\n{done.stdout}{done.stderr}")
                if turn:  # the first one fills caches
                    taken[kind].append(time.perf_counter() - began)
            print(f"{turn} of {times}", file=sys.stderr, flush=True)
    return taken


def _boards_file(path: Path, port: str) -> list[str]:
    path.write_text(f'[[board]]\nname = "nano-1"\ntarget = "nano33ble"\nport = "{port}"\n')
    return [f"--boards={path}"]


def table(taken: dict[str, list[float]]) -> str:
    """Return medians, and what each kind adds to the first."""
    first, rows = next(iter(taken)), []
    for kind, seconds in taken.items():
        rows.append(f"{kind:8} {median(seconds):6.2f} s")
        if kind != first:
            more = [b - a for a, b in zip(taken[first], seconds, strict=True)]
            low, *_, high = quantiles(more, n=4)
            share = median(more) / median(taken[first])
            rows[-1] += (
                f"  {median(more):+5.2f} s (quartiles {low:+.2f}..{high:+.2f}), {share:+.1%} of {first}"
            )
    return "\n".join(rows)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=10)
    parser.add_argument("--emulated", action="store_true", help="an emulated Nano; its desk is a TCP port")
    parser.add_argument("--json", type=Path, help="file for all seconds")
    told, options = parser.parse_known_args()
    taken = measure(told.times, told.emulated, options)
    if told.json:
        told.json.write_text(json.dumps(taken, indent=1) + "\n")
    print(table(taken))


if __name__ == "__main__":
    main()
