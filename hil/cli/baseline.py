"""Accept and show the runs that others are compared with (`hil baseline`)."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from hil.cli.options import STORE
from hil.cli.wide import print_wide
from reds.text import LINE, printable

if TYPE_CHECKING:
    from hil.results.run import BoardIdentity, Run
    from hil.results.store import Store

_RUNS = 200
"""Newest runs whose boards are shown."""


@click.group()
def baseline() -> None:
    """Accept or show the runs that others are compared with."""


@baseline.command()
@click.argument("run", default="last")
@STORE
def accept(run: str, where: str | None) -> None:
    """Make RUN the baseline of its boards, on purpose: also if it is worse than the one of before.

    RUN is the beginning of an id, `last` (the default) or `last~1`. Runs before it no longer count.
    """
    from hil.errors import BaselineError
    from hil.results.store import open_store
    from hil.results.store.reference import find_run

    with open_store(where, new=False) as store:
        found = find_run(store, run)
        boards = store.boards(found.id)
        if not boards or found.pack is None:
            raise BaselineError(
                f"run {found.id} measured no board; accept one that did, as hil results shows"
            )
        store.accept(found.id)
    names = ", ".join(f"{board.board} ({board.provenance})" for board in boards)
    click.echo(printable(f"run {found.id} is the baseline of {found.pack.name} on {names}", LINE))


@baseline.command()
@STORE
def show(where: str | None) -> None:
    """List the baseline of each board and pack."""
    from rich.table import Table

    from hil.results.store import open_store

    table = Table("board", "provenance", "pack", "run", "accepted", box=None, pad_edge=False)
    with open_store(where, new=False) as store:
        for board, pack, run in _baselines(store):
            row = board.board, board.provenance, pack, run.id, run.accepted[:10] or "-"
            table.add_row(*(printable(cell, LINE) for cell in row))
    if table.row_count:
        print_wide(table)
    else:
        click.echo(
            "no baseline yet: pytest hil keeps each run, and the last good one of a board is its baseline"
        )


def _baselines(store: "Store") -> Iterator[tuple["BoardIdentity", str, "Run"]]:
    """Yield each board and pack of the newest runs, with the run that is its baseline."""
    seen = set()
    for run in store.runs(limit=_RUNS):
        for board in store.boards(run.id) if run.pack else ():
            key = board.target, board.provenance, board.key, run.pack.shape if run.pack else ""
            if key in seen:
                continue
            seen.add(key)
            if run.pack and (good := store.last_good(board, run.pack.shape)):
                yield board, run.pack.name, good
