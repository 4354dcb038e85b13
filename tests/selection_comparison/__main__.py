"""Train the parts of `plan.md` that are missing, and keep the results of those that are done.

    python -m tests.selection_comparison --out DIR [PART...]
    python -m tests.selection_comparison --out DIR --keep docs/results/selection.jsonl

A command that was stopped goes on where it was. Two commands may train different parts at once. `--keep`
trains nothing; `make figures` makes tables of what is kept.
"""

import json
from collections.abc import Sequence
from pathlib import Path

import click

from reds.console import plain_console
from tests.selection_comparison.tables import done, rows_of
from tests.selection_comparison.train import CONTENDERS, prepared_part, run_part


@click.command()
@click.argument("parts", nargs=-1, type=click.Choice(list(CONTENDERS)))
@click.option("--seeds", default="0,1,2", show_default=True, help="Seeds to train with.")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Folder of results.")
@click.option("--keep", type=click.Path(path_type=Path), help="File of kept results, JSON lines.")
def main(parts: Sequence[str], seeds: str, out: Path, keep: Path | None) -> None:
    """Train the contenders of PARTS, by default of all, or keep what is trained."""
    numbers, parts = [int(part) for part in seeds.split(",")], parts or list(CONTENDERS)
    if keep:
        keep_parts(keep, [part for part in parts if len(done(part, numbers, out)) > 1], numbers, out)
        return
    out.mkdir(parents=True, exist_ok=True)
    for part in parts:
        run_part(part, numbers, out, plain_console())


def keep_parts(file: Path, parts: Sequence[str], seeds: Sequence[int], out: Path) -> None:
    """Put the results of parts in the place of those that a file of JSON lines holds of them.

    Args:
        file: The file.
        parts: Parts of which two contenders or more are done.
        seeds: Their seeds.
        out: Folder of the results.
    """
    lines = file.read_text().splitlines() if file.exists() else []
    old = [row for row in map(json.loads, lines) if row["part"] not in parts]
    new = [row for part in parts for row in rows_of(part, prepared_part(part, plain_console()), seeds, out)]
    file.write_text("".join(json.dumps(row) + "\n" for row in [*old, *new]))


if __name__ == "__main__":
    main()
