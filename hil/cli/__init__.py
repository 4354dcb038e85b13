"""Define the command `hil`. A subcommand imports numpy and board drivers only when it runs."""

import click

from hil.cli.boards import boards
from hil.cli.dev import dev
from hil.cli.image import image
from hil.cli.kernels import kernels
from hil.cli.latency import latency
from hil.cli.release import release
from hil.cli.summary import summary
from hil.errors import HilError
from reds.commands import Commands
from reds.errors import RedsError


@click.group(cls=Commands, expected=(HilError, RedsError))
@click.version_option(package_name="reds-hil")
def main() -> None:
    """Use networks on real and emulated boards.

    `pytest hil` benches a pack on boards. These commands prepare and summarize a bench.
    """


for command in (boards, release, latency, kernels, summary, image, dev):
    main.add_command(command)
