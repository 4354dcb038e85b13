"""Run nets drawn at random on every family of kernels, and compare outputs and costs.

`python -m tests.random_nets --nets 200 --seed 1 --family m4,m3,rv32,neon,x86` draws nets of all kinds of
layers with nested subnets. Every subnet must give the interpreter's outputs, as a whole and layer by layer,
and no layer may cost far more than its neighbors without a reason in `reasons.toml`. The exit status is 1
otherwise.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from pathlib import Path

from tests.random_nets import boards, families
from tests.random_nets.outliers import Case, Outlier, outliers, reasons
from tests.random_nets.running import check

USUAL = ("m4", "m33", "m7", "m55", "m3", "m0", "rv32", "neon", "dotprod", "avx2", "avx512")
ALIASES = {"x86": ("avx2", "avx512"), "all": USUAL}
SHOWN = 40
"""Outliers without a reason that are printed."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command, and return its exit status."""
    options = _parser().parse_args(arguments)
    names: list[str] = options.family
    with tempfile.TemporaryDirectory() as made, ExitStack() as emulators:
        folder, programs = options.keep or Path(made), dict[str, families.Runs]()
        for name in names:
            if name in boards.CORES:
                programs[name] = emulators.enter_context(boards.opened(name))
                continue
            if lacks := families.EVERY[name].lacks:
                print(f"{name}: left out, this machine lacks {lacks}", flush=True)
                continue
            programs[name] = families.build(name, folder)
        cases, faults, began = list[Case](), list[str](), time.monotonic()
        for done, seed in enumerate(range(options.seed, options.seed + options.nets), 1):
            found, wrong = check(seed, programs)
            cases += found
            faults += wrong
            for each in wrong:
                print(each, flush=True)
            if done % 20 == 0:
                took = time.monotonic() - began
                print(f"{done} of {options.nets} nets, {len(faults)} faults, {took:.0f} s", flush=True)
    odd = outliers(cases)
    unexplained = _tell(odd, options.nets, programs, cases, faults)
    return int(bool(faults or unexplained or not programs))


def _tell(
    odd: Sequence[Outlier], nets: int, programs: Iterable[str], cases: Sequence[Case], faults: Sequence[str]
) -> list[Outlier]:
    """Print a summary, and return the outliers without a reason."""
    known = reasons()
    unexplained = [one for one in odd if not any(reason.explains(one.case) for reason in known)]
    for one in unexplained[:SHOWN]:
        print(one)
    for reason in known:
        count = sum(reason.explains(one.case) for one in odd)
        if count:
            print(f"{count} outliers explained: {reason.trait}: {reason.text}")
    print(
        f"{nets} nets on {', '.join(programs)}: {len(faults)} faults, {len(cases):,} layers counted,"
        f" {len(odd)} outliers, {len(unexplained)} without a reason"
    )
    return unexplained


def _families(text: str) -> list[str]:
    """Return the names of families that an option lists, without aliases and each once."""
    names = [name for each in text.split(",") for name in ALIASES.get(each, (each,))]
    if unknown := [name for name in names if name not in boards.CORES and name not in families.EVERY]:
        raise argparse.ArgumentTypeError(
            f"no family {unknown[0]!r}; known: {', '.join((*families.EVERY, *boards.CORES, *ALIASES))}"
        )
    return list(dict.fromkeys(names))


def _at_least(least: int) -> Callable[[str], int]:
    """Return a function that reads a whole number of at least `least`."""

    def read(text: str) -> int:
        if not text.isdecimal() or int(text) < least:
            raise argparse.ArgumentTypeError(f"{text!r} is no whole number of at least {least}")
        return int(text)

    return read


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.random_nets", description=__doc__)
    parser.add_argument("--nets", type=_at_least(1), default=200, help="Number of nets; default: 200.")
    parser.add_argument("--seed", type=_at_least(0), default=0, help="Number of the first net; default: 0.")
    parser.add_argument(
        "--family",
        type=_families,
        default="all",
        help=f"Names with commas: {', '.join(USUAL)}, x86, all; default: all.",
    )
    parser.add_argument("--keep", type=Path, help="Folder to build in and keep; default: a temporary one.")
    return parser


if __name__ == "__main__":
    sys.exit(main())
