"""List the boards of a boards file and the serial ports (`hil boards`)."""

from pathlib import Path

import click

from hil.cli.options import BOARDS


@click.command()
@BOARDS
def boards(boards_file: Path | None) -> None:
    """List your boards, and show which are here.

    For an absent board the command shows the reason and a remedy. It also lists the serial ports of this
    computer. It starts no board and uploads nothing.
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
