"""Train the parts of `plan.md` that are missing.

    python -m tests.selection_comparison --out DIR [PART...]

A command that was stopped goes on where it was. Two commands may run different parts at once.
"""

from collections.abc import Sequence
from pathlib import Path

import click

from reds.console import plain_console
from tests.selection_comparison.train import CONTENDERS, run_part


@click.command()
@click.argument("parts", nargs=-1, type=click.Choice(list(CONTENDERS)))
@click.option("--seeds", default="0,1,2", show_default=True, help="Seeds to train with.")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Folder of results.")
def main(parts: Sequence[str], seeds: str, out: Path) -> None:
    """Train the contenders of PARTS, by default of all."""
    out.mkdir(parents=True, exist_ok=True)
    numbers = [int(part) for part in seeds.split(",")]
    for part in parts or CONTENDERS:
        run_part(part, numbers, out, plain_console())


if __name__ == "__main__":
    main()
