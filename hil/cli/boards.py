"""List the boards of a boards file and those plugged in, with who uses them (`hil boards`)."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hil.cli.options import BOARDS, LAB, coordinator_of
from hil.errors import LabError
from reds.text import printable

if TYPE_CHECKING:
    from hil.boards.entry import Entry


@click.command()
@BOARDS
@LAB
@click.option(
    "--toml", is_flag=True, help="Print a boards file of the boards that are here, and nothing else."
)
def boards(boards_file: Path | None, lab: str | None, toml: bool) -> None:
    """List your boards, and show which are here.

    For an absent board the command shows the reason and a remedy, for one in use its user. It also lists the
    boards and serial ports of this computer, and the places of a lab with their owners. It starts no board,
    uploads nothing and scans no network.
    """
    from hil.boards import boards_toml
    from hil.doctor import devices

    path = boards_file or boards_toml.shipped()
    entries = boards_toml.load(path)
    if toml:
        _print_toml(path, entries)
        return
    gone: LabError | None = None
    if coordinator := coordinator_of(lab, boards_file):
        try:
            _print_places(coordinator)
        except LabError as error:  # the boards here are shown all the same
            gone = error
    width = max((len(entry.name) for entry in entries), default=0)
    click.echo(f"boards of {path}:{'' if entries else ' none'}")
    for entry in entries:
        click.echo(f"  {printable(entry.name):{width}}  {entry.target:9}  {printable(_state(entry), 1000)}")
    click.echo("boards plugged in to this computer:")
    for found in devices.plugged_in():
        click.echo(f"  {printable(found.state, 1000)}")
    click.echo("serial ports of this computer:")
    for line in _ports():
        click.echo(f"  {printable(line)}")
    click.echo("hil boards --toml prints a boards file of those that are here")
    if gone:
        raise gone


def _print_places(coordinator: str) -> None:
    from hil.lab.status import states

    click.echo(f"places of the lab at {coordinator}:")
    found = states(coordinator)
    width = max((len(state.place) for state in found), default=0)
    for state in found:
        click.echo(
            f"  {printable(state.place):{width}}  {printable(state.target):9}  {printable(state.text)}"
        )
    if not found:
        click.echo("  none; make one: labgrid-client -p PLACE create")


def _state(entry: "Entry") -> str:
    from hil.boards import lease, lease_holder, registry
    from hil.errors import LeaseError

    target = registry.target(entry.target)
    if registry.is_only_emulated(entry.target):
        return "exists only in an emulator; --emulate uses it"
    if reason := target.absent(entry):
        return f"absent: {reason}{'; --emulate uses its emulator' * target.HAS_EMULATOR}"
    device = target.device(entry)
    try:
        owner = lease_holder.in_use(lease.path_of(device)) if device else None
    except LeaseError as error:
        return f"here, but {error}"
    return f"here, in use by {owner}" if owner else "here"


def _ports() -> Iterator[str]:
    from hil.errors import SetupError
    from hil.transports.serial_ports import ports_here

    try:
        ports = ports_here()
    except SetupError as error:
        yield str(error)
        return
    for port in ports:
        usb = f"USB {port.id[0]:04x}:{port.id[1]:04x}" if port.id else "not on USB"
        yield f"{port.device}  {usb}{f', serial number {port.serial}' if port.serial else ''}"
    if not ports:
        yield "none"


def _print_toml(path: Path, entries: "tuple[Entry, ...]") -> None:
    """Print the boards of the file that are here, then those plugged in that it does not name."""
    from hil.boards import registry
    from hil.doctor.boards_text import boards_text
    from hil.doctor.devices import not_among

    kept = []
    for entry in entries:
        if reason := registry.target(entry.target).absent(entry):
            click.echo(f"# {printable(f'{entry.name} of {path} is absent: {reason}', 1000)}")
        else:
            kept.append(entry)
    click.echo(boards_text([*kept, *not_among(kept)]), nl=False)
