"""Profile the layers of a pack on a board (`hil profile`)."""

import json
from collections.abc import Sequence
from pathlib import Path

import click

from hil.cli.options import BOARDS
from reds.commands import file, new_file
from reds.files import write_atomically


@click.command()
@click.argument("pack_file", metavar="PACK", type=file)
@click.option("--board", "name", default="nano33ble", show_default=True, help="Name or target of a board.")
@BOARDS
@click.option("--emulate", is_flag=True, help="Profile on the board's emulator.")
@click.option("--subnet", "subnets", multiple=True, help="Profile only this subnet; repeat for more.")
@click.option("--json", "json_file", type=new_file, help="Also write the profiles to this file, as JSON.")
def profile(
    pack_file: Path,
    name: str,
    boards_file: Path | None,
    emulate: bool,
    subnets: Sequence[str],
    json_file: Path | None,
) -> None:
    """Show where the time of PACK goes, layer by layer.

    A table for each subnet shows what every layer computes, what it costs, which bytes of flash it reads, and
    how much of the arena is in use. Below it stands the RAM of an inference.
    Example: hil profile mine.reds --emulate --subnet 25%
    """
    from hil.boards import boards_toml
    from hil.boards.facts import Provenance
    from hil.boards.holder import Once
    from hil.boards.open_board import OpenBoard
    from hil.cli.status import board_and_status
    from hil.errors import NotMeasurable
    from hil.results.memory import Memory
    from hil.results.profile_table import plain, render
    from reds.pack.pack import load_pack

    pack, found = load_pack(pack_file), []
    provenance = Provenance.EMULATED if emulate else Provenance.HARDWARE
    with board_and_status(boards_toml.named(boards_file, name), provenance) as (started, say):
        board = OpenBoard(Once(started))
        board.deploy(pack)
        for subnet in subnets or [subnet.name for subnet in pack.model.subnets]:
            say(f"{pack.model.name} {subnet}")
            taken = board.profile(subnet)
            memory: Memory | str
            try:
                memory = board.memory(subnet)
            except NotMeasurable as error:
                memory = error.text
            found.append((taken, memory))
    click.echo("\n".join(render(*each) for each in found), nl=False)
    if json_file:
        write_atomically(json_file, (json.dumps([plain(*each) for each in found], indent=2) + "\n").encode())
