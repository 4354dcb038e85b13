"""Build files for developers of this project (`hil dev`, which `hil --help` does not list)."""

from pathlib import Path

import click

from reds.commands import file


@click.group(hidden=True)
def dev() -> None:
    """Build files for developers of this project."""


@dev.command("protocol-header")
def protocol_header() -> None:
    """Print targets/agent/protocol.h, made from hil/protocol/definition.py."""
    from hil.protocol.definition import c_header

    click.echo(c_header(), nl=False)


@dev.command()
@click.argument("core", type=file)
def platformio(core: Path) -> None:
    """Make CORE a core folder of PlatformIO that needs no network."""
    from hil.firmware.platformio import core_environment

    core_environment(core)
