"""Define the command `hil`. Only the subcommand that runs is imported: a damaged part stops no other."""

from importlib import import_module

import click

from hil.errors import HilError
from reds.commands import Commands
from reds.errors import RedsError

SUBCOMMANDS = (
    "baseline",
    "boards",
    "costs",
    "dev",
    "doctor",
    "image",
    "kernels",
    "latency",
    "load",
    "predict",
    "profile",
    "release",
    "replay",
    "report",
    "results",
    "serial",
    "summary",
    "update",
)
"""Names of the modules in this folder that define a subcommand of the same name."""


class Subcommands(Commands):
    """The subcommands, each imported when it is asked for."""

    def list_commands(self, context: click.Context) -> list[str]:
        """Return the names of all subcommands."""
        return list(SUBCOMMANDS)

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        """Import a subcommand; return None for an unknown name."""
        if name not in SUBCOMMANDS:
            return None
        command: click.Command = getattr(import_module(f"hil.cli.{name}"), name)
        return command


@click.group(cls=Subcommands, expected=(HilError, RedsError))
@click.version_option(package_name="reds-hil")
def main() -> None:
    """Use networks on real and emulated boards.

    `pytest hil` benches a pack on boards. These commands prepare and summarize a bench.
    """
