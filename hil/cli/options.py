"""Define the options that several commands share."""

import click

from reds.commands import file

BOARDS = click.option(
    "--boards", "boards_file", type=file, help="Boards file; default: the shipped boards.toml."
)


def _refuse_none(context: click.Context, option: click.Parameter, where: str | None) -> str | None:
    """Refuse a store that keeps no run."""
    from hil.options import NO_STORE

    if where == NO_STORE:
        raise click.UsageError("--store is none, so no run is kept; name a store")
    return where


STORE = click.option(
    "--store",
    "where",
    envvar="HIL_STORE",
    metavar="STORE",
    callback=_refuse_none,
    help="A file, or postgresql+psycopg://USER@HOST/DATABASE; default: the store of this user.",
)
