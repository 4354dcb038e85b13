"""Run chaos from the command line; `make chaos` does."""

import json
import random
import sys
from pathlib import Path

import click
from rich.console import Console

from tests.chaos.report import Report
from tests.chaos.run import KINDS, many

_INTERRUPTED = 130
"""Exit status after a Ctrl-C, as shells have it."""
_WIDTH = 120
"""Columns where there is no terminal, so that the table is whole in a log."""


@click.command()
@click.option("--minutes", default=5.0, show_default=True, help="How long to go on.")
@click.option("--runs", type=int, help="How many runs at the most.")
@click.option("--seed", type=int, help="Seed of the first run.  [default: a random one]")
@click.option("--jobs", default=1, show_default=True, help="Runs at once.")
@click.option("--only", default="", help="Limit the chaos to kinds with this in their name.")
@click.option("--results", type=click.Path(path_type=Path), default=Path("results/chaos.jsonl"),
              show_default=True, help="File of all runs, one JSON object a line.")  # fmt: skip
def main(minutes: float, runs: int | None, seed: int | None, jobs: int, only: str, results: Path) -> None:
    """Break the bench at random for some minutes, and exit with 1 if an invariant did not hold."""
    if not any(only in name for name in KINDS):
        raise click.BadParameter(f"{only!r} is in none of: {', '.join(KINDS)}", param_hint="--only")
    seed = random.SystemRandom().getrandbits(40) if seed is None else seed
    console = Console()
    if not console.is_terminal:
        console.width = max(console.width, _WIDTH)
    console.print(f"seed {seed}, results in {results}", highlight=False)
    report = Report(console, minutes, only)
    results.parent.mkdir(parents=True, exist_ok=True)
    status = 0
    with results.open("w") as file, report:
        try:
            for ended in many(seed, minutes, runs, jobs, only):
                for run in ended:
                    file.write(json.dumps(run.record()) + "\n")
                    file.flush()
                    report.add(run)
                report.show()
        except KeyboardInterrupt:
            status = _INTERRUPTED
    console.print(report.table())
    sys.exit(1 if report.total.violations else status)


if __name__ == "__main__":
    main()
