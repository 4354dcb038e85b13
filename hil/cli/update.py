"""Give a board a new pack (`hil update`)."""

from pathlib import Path

import click

from hil.cli.options import BOARDS
from reds.commands import file
from reds.text import LINE, printable


@click.command()
@click.argument("pack_file", metavar="PACK", type=file)
@click.option("--board", "name", default="nano33ble", show_default=True, help="Name or target of a board.")
@BOARDS
@click.option("--emulate", is_flag=True, help="Use the board's emulator.")
@click.option(
    "--keep-old", is_flag=True, help="Refuse a pack that would overwrite the old one before it is whole."
)
def update(pack_file: Path, name: str, boards_file: Path | None, emulate: bool, keep_old: bool) -> None:
    """Store PACK on a board beside its old pack, and switch to it.

    Where both fit, the board has the old pack until the new one is whole, even if its power is cut. Pages
    that the old pack has too are not sent.
    Example: hil update mine.reds --board nano33ble
    """
    from hil.boards import boards_toml
    from hil.boards.facts import Provenance
    from hil.cli.status import board_and_status
    from hil.errors import PackRefused
    from reds.pack.kernel_use import kernel_lines
    from reds.pack.pack import load_pack

    model = load_pack(pack_file).model
    provenance = Provenance.EMULATED if emulate else Provenance.HARDWARE
    with board_and_status(boards_toml.named(boards_file, name), provenance) as (board, say):
        if not board.keeps_loaded(model):
            overwrites = f"{model.name} or the old pack is too large for one of two slots"
            if keep_old:
                raise PackRefused(f"{overwrites}; leave --keep-old out to overwrite it", board=board.name)
            click.echo(f"{board.name}: {overwrites}: the old pack is overwritten", err=True)
        stored = board.deploy(model, lambda done: say(f"{done:,} bytes of {model.name} are stored"))
    sent = f"{stored.sent:,} of {stored.size:,} bytes sent, {stored.copied:,} copied from the old pack"
    click.echo(printable(f"{board.name}: {model.name} is stored: {sent}", LINE))
    for line in kernel_lines(model, board.known_layouts):
        click.echo(printable(f"{board.name}: {line}", LINE))
