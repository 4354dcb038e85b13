"""Print predicted beside measured costs of built packs (`hil predict`)."""

from pathlib import Path

import click

from hil.cli.options import BOARDS
from reds.commands import file


@click.command()
@click.argument("packs", metavar="[PACK]...", nargs=-1, type=file)
@click.option("--recipe", type=file, help="Recipe of the packs; default: the shipped one that a card names.")
@click.option("--board", "name", default="nano33ble", show_default=True, help="Name or target of a board.")
@BOARDS
@click.option("--emulate", is_flag=True, help="Measure on the board's emulator.")
def predict(
    packs: tuple[Path, ...], recipe: Path | None, name: str, boards_file: Path | None, emulate: bool
) -> None:
    """Set costs predicted for PACK beside those that a board measures.

    Without PACK all shipped packs are compared. The layers of each net are timed as by `reds build --board`,
    and such times are kept. Example: hil predict --emulate
    """
    from hil.kernels.build_board import opened
    from hil.kernels.predicted import compare
    from reds.console import plain_console, print_notes
    from reds.experiment.promises import costs_table, off_notes
    from reds.fixtures import fixtures_dir
    from reds.pack.inspect import table_of
    from reds.text import LINE, printable

    console, status = plain_console(), plain_console(stderr=True)
    with status.status(f"starting {printable(name)}") as shown, opened(name, emulate, boards_file) as board:
        for pack in packs or sorted(fixtures_dir().glob("*.reds")):
            shown.update(f"measuring {printable(pack.name)}")
            found = compare(board, pack, recipe)
            console.print(printable(f"{pack.stem} on {name}{' (emulated)' * emulate}", LINE), soft_wrap=True)
            console.print(table_of(*costs_table(found.names, found.predicted, found.measured)))
            print_notes(off_notes(found.names, found.predicted, found.measured), console)
