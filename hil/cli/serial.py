"""Give other programs a board as a serial port (`hil serial`)."""

from contextlib import suppress
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
@click.option("--subnet", help="Subnet to select; default: the smallest.")
def serial(pack_file: Path, name: str, boards_file: Path | None, emulate: bool, subnet: str | None) -> None:
    """Give other programs a board as a serial port.

    PACK is deployed first. The port is a pseudo terminal whose path is printed. It stays until you press
    Ctrl-C. The agent answers the MLPerf Tiny runner there, and everything else that speaks its protocols.
    Example: hil serial kws.reds --emulate
    """
    from hil.boards import boards_toml
    from hil.boards.facts import Provenance
    from hil.boards.holder import Once
    from hil.boards.open_board import OpenBoard
    from hil.cli.status import board_and_status
    from hil.transports.terminal import Terminal
    from reds.pack.kernel_use import kernel_lines
    from reds.pack.pack import load_pack

    pack = load_pack(pack_file)
    provenance = Provenance.EMULATED if emulate else Provenance.HARDWARE
    with board_and_status(boards_toml.named(boards_file, name), provenance) as (started, say):
        board = OpenBoard(Once(started))
        board.deploy(pack)
        for line in kernel_lines(pack.model, started.known_layouts):
            click.echo(printable(f"{started.name}: {line}", LINE), err=True)
        if subnet:
            board.select(subnet)
        with Terminal(started.stream) as terminal:
            say(f"{pack.model.name} at {terminal.path}, until Ctrl-C")
            click.echo(terminal.path)
            with suppress(KeyboardInterrupt):
                terminal.wait()
