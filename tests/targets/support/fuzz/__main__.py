"""Fuzz for long: `python -m tests.targets.support.fuzz differential --runs 1000000 --seed 1`.

- `differential` compares the host's reader with the runtime's loader on mutated packs.
- `packs` runs mutated packs through the runtime, `frames` mutated sessions through the agent: both in C,
  with the address and undefined-behavior sanitizers.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path

from tests.targets.support.compilation import Compiler
from tests.targets.support.fuzz.differential import Tally, build, compare, seeds
from tests.targets.support.fuzz.sanitized import TARGETS, program, run, seed_files

CHUNK = 10_000
"""Mutants between two lines of progress."""


def main() -> int:
    """Run a fuzzer, print counts, and return 1 if it found anything."""
    parser = argparse.ArgumentParser(prog="python -m tests.targets.support.fuzz", description=__doc__)
    parser.add_argument("target", choices=["differential", *TARGETS])
    parser.add_argument("--runs", type=int, default=CHUNK)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=Path, default=Path("results/fuzz"), help="folder of the findings")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if options.target == "differential":
            return differential(Path(folder), options.runs, options.seed, options.keep)
        fuzzer = program(Compiler(Path(folder)), options.target)
        started = time.monotonic()
        done, _ = run(fuzzer, seed_files(options.target, Path(folder)), options.runs, options.seed)
        rate = options.runs / (time.monotonic() - started)
        print(f"{done.stdout}{done.stderr}{options.runs:,} runs, {rate:,.0f} a second", flush=True)
        return int(done.returncode != 0 or bool(done.stderr))


def differential(folder: Path, runs: int, seed: int, keep: Path) -> int:
    """Compare both ends on so many mutants; write each one on which they disagree to a file."""
    runtime, packs, tally, started = build(folder), seeds(), Tally(), time.monotonic()
    for done in range(0, runs, CHUNK):
        found = len(tally.disagreements)
        compare(runtime, packs, min(CHUNK, runs - done), hash((seed, done)), tally)
        for data, differs in tally.disagreements[found:]:
            keep.mkdir(parents=True, exist_ok=True)
            file = keep / f"{len(list(keep.iterdir()))}.reds"
            file.write_bytes(data)
            print(f"{file}: {differs}")
        rate = min(done + CHUNK, runs) / (time.monotonic() - started)
        counts = ", ".join(f"{name} {n:,}" for name, n in tally.verdicts.most_common())
        print(f"{min(done + CHUNK, runs):,} mutants, {rate:,.0f} a second: {counts};", end=" ")
        print(f"outputs {tally.compared:,}; disagreements {len(tally.disagreements)}", flush=True)
    return int(bool(tally.disagreements))


if __name__ == "__main__":
    sys.exit(main())
