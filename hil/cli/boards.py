"""`hil boards`: which boards a bench would find."""

from pathlib import Path

import click

from hil.cli.options import BOARDS


@click.command()
@BOARDS
def boards(boards_file: Path | None) -> None:
    """List your boards, and which of them are here.

    Of a board that is not here the reason is given, and a remedy. The serial ports of this computer are
    listed too. Nothing is started and nothing is uploaded.
    """
    from hil.boards import boards_toml, registry
    from hil.transports.serial_ports import ports_here

    path = boards_file or boards_toml.shipped()
    entries = boards_toml.load(path)
    width = max(len(entry.name) for entry in entries)
    click.echo(f"boards of {path}:")
    for entry in entries:
        target = registry.target(entry.target)
        reason = target.absent(entry)
        state = "here" if reason is None else f"absent: {reason}"
        emulator = "; --emulate uses its emulator" if reason and target.HAS_EMULATOR else ""
        click.echo(f"  {entry.name:{width}}  {entry.target:9}  {state}{emulator}")
    click.echo("serial ports of this computer:")
    for port in ports_here():
        usb = f"USB {port.id[0]:04x}:{port.id[1]:04x}" if port.id else "not on USB"
        click.echo(f"  {port.device}  {usb}{f', serial number {port.serial}' if port.serial else ''}")
    if not ports_here():
        click.echo("  none")
