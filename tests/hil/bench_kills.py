"""Kill whole benches: python -m tests.hil.bench_kills --times 10. What pytest said has passed is kept."""

import argparse
import os
import random
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from hil.results.store import open_store


def kill_one(folder: Path, seconds: float) -> tuple[int, int, str]:
    """Kill a bench so long after its first test; return the tests said, those kept, and the damage."""
    store, said = folder / "runs.sqlite", folder / "said"
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--pyargs", "hil", "-v"]
    with said.open("wb") as file:
        bench = subprocess.Popen(
            [*command, "--target=desktop", f"--store={store}"],
            cwd=folder,
            stdout=file,
            stderr=file,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )
    while b"PASSED" not in said.read_bytes() and bench.poll() is None:
        time.sleep(0.01)
    time.sleep(seconds)
    bench.kill()
    bench.wait()
    with sqlite3.connect(store) as raw:
        (found,) = raw.execute("PRAGMA integrity_check").fetchone()
    with open_store(str(store)) as opened:
        tests = opened.tests(opened.runs(limit=1)[0].id)
    return said.read_bytes().count(b"PASSED"), sum(test.outcome == "passed" for test in tests), found


def main() -> None:
    """Kill benches, and say what was wrong; the exit status is 1 if anything was."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0)
    told = parser.parse_args()
    draw, wrong = random.Random(told.seed), 0
    with tempfile.TemporaryDirectory(prefix="reds-hil-kills-") as folder:
        for _ in range(told.times):
            said, kept, damage = kill_one(Path(folder), draw.uniform(0.0, 1.0))
            wrong += not 0 < said <= kept or damage != "ok"
            print(f"{said} tests had passed, {kept} are kept, the store is {damage}", flush=True)
    print(f"{told.times} benches, {wrong} wrong")
    raise SystemExit(bool(wrong))


if __name__ == "__main__":
    main()
