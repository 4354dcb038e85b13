"""Define the options that several commands share."""

from pathlib import Path

import click

from reds.commands import file

BOARDS = click.option(
    "--boards", "boards_file", type=file, help="Boards file; default: the shipped boards.toml."
)
LAB = click.option(
    "--lab",
    envvar="HIL_LAB",
    metavar="HOST:PORT",
    help="The labgrid-coordinator of a lab, or none; default: that of [lab] in the boards file.",
)


def coordinator_of(lab: str | None, boards_file: Path | None) -> str | None:
    """Return the coordinator that --lab or else the boards file names; None for the boards of the desk."""
    from hil.boards import boards_toml
    from hil.options import NO_LAB, TARGET_LAB, lab_address

    try:
        given = lab_address(lab) if lab else None
    except ValueError as error:
        raise click.UsageError(f"--lab is {lab!r}; write {error}") from None
    found = given or boards_toml.load_lab(boards_file or boards_toml.shipped()).coordinator
    return None if found in (NO_LAB, TARGET_LAB) else found  # labgrid's plugin has the place of the latter


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
