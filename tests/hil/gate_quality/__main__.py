"""Print how often the gate of times errs, for each board and length of history."""

import sys

import click
from rich.console import Console
from rich.table import Table

from hil.results.statistics.proportions import proportion_interval
from tests.hil.gate_quality.boards import BOARDS
from tests.hil.gate_quality.simulation import quality


@click.command()
@click.option("--runs", default=2000, show_default=True, help="Runs of each board that are judged.")
@click.option("--history", default="1,5,20", show_default=True, help="Numbers of earlier runs.")
@click.option("--slowdown", default=1.05, show_default=True, help="Factor of the slower runs.")
@click.option("--seed", default=0, show_default=True, help="Seed of all draws.")
def main(runs: int, history: str, slowdown: float, seed: int) -> None:
    """Simulate runs of boards that do not change, and of the same boards with a slowdown."""
    console = Console(width=None if sys.stdout.isatty() else 110)
    table = Table("board", "earlier runs", "false alarms", "detected", box=None, pad_edge=False)
    for name, draw in BOARDS.items():
        for earlier in map(int, history.split(",")):
            found = quality(draw, earlier, runs, slowdown, seed)
            shares = (_share(count, runs) for count in (found.false_alarms, found.detected))
            table.add_row(name, str(earlier), *shares)
    console.print(table)


def _share(count: int, runs: int) -> str:
    low, high = proportion_interval(count, runs)
    return f"{count / runs:6.2%} ({low:.2%} to {high:.2%})"


if __name__ == "__main__":
    main()
