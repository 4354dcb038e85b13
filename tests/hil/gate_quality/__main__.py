"""Print how often the gate of times errs, for each board and length of history."""

import json
from dataclasses import asdict

import click

from hil.results.gate.times import MOST_RUNS
from reds.console import plain_console
from tests.hil.gate_quality.boards import BOARDS, EDGE
from tests.hil.gate_quality.page import KEPT, PAGE, Row, table, with_table
from tests.hil.gate_quality.simulation import quality

_MORE_OFTEN = 20
"""Factor of the runs that are judged of the board whose quality is close to what is wanted."""


@click.command()
@click.option("--runs", default=2000, show_default=True, help="Runs of each board that are judged.")
@click.option("--slowdown", default=1.05, show_default=True, help="Factor of the slower runs.")
@click.option("--seed", default=0, show_default=True, help="Seed of all draws.")
@click.option("--keep", is_flag=True, help="Also write the table to the page of the gate.")
def main(runs: int, slowdown: float, seed: int, keep: bool) -> None:
    """Simulate runs of boards that do not change, and of the same boards with a slowdown."""
    rows = []
    for name, draw in BOARDS.items():
        for earlier in (1, 5, MOST_RUNS):
            judged = runs * (_MORE_OFTEN if name == EDGE else 1)
            found = quality(draw, earlier, judged, slowdown, seed)
            rows.append(Row(name, earlier, judged, found.false_alarms, found.detected))
    plain_console().print(table(rows), markup=False, soft_wrap=True)
    if keep:
        KEPT.write_text("[\n" + ",\n".join(json.dumps(asdict(row)) for row in rows) + "\n]\n")
        PAGE.write_text(with_table(PAGE.read_text(), rows))


if __name__ == "__main__":
    main()
