"""List, show, compare, export, send and remove the runs that are kept (`hil results`)."""

import shlex
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hil.cli.options import STORE
from hil.cli.wide import print_wide
from hil.results.export import FORMATS
from hil.results.measurement import PROVENANCES
from hil.results.run import STATUSES
from reds.commands import file, new_file
from reds.text import LINE, printable

if TYPE_CHECKING:
    from hil.results.difference import Kept
    from hil.results.store import Store

_MOST_RUNS, _MOST_DAYS = 1_000_000, 100_000
"""Largest numbers of runs and of days that are taken: databases and calendars end somewhere."""


@click.group()
@STORE
@click.pass_context
def results(context: click.Context, where: str | None) -> None:
    """List, show, compare, export, send and remove kept runs.

    RUN is `last`, `last~1` (the one before), or the first characters of a run's id.
    """
    context.obj = where


def _store(context: click.Context, new: bool = False) -> "Store":
    from hil.results.store import open_store

    return context.with_resource(open_store(context.obj, new=new))


@results.command("list")
@click.option(
    "--limit",
    type=click.IntRange(1, _MOST_RUNS),
    default=20,
    show_default=True,
    help="Most runs that are listed.",
)
@click.option("--target", default="", help="Only runs on this kind of board.")
@click.option("--board", default="", help="Only runs on the board of this name.")
@click.option("--pack", default="", help="Only runs of the pack of this name.")
@click.option("--provenance", type=click.Choice(PROVENANCES), help="Only runs with such figures.")
@click.option("--status", type=click.Choice(STATUSES), help="Only runs with this status.")
@click.pass_context
def list_(
    context: click.Context,
    limit: int,
    target: str,
    board: str,
    pack: str,
    provenance: str | None,
    status: str | None,
) -> None:
    """List runs, the newest first."""
    from hil.results.listing import runs_table
    from hil.results.store import waiting

    store = _store(context)
    found = store.runs(
        limit=limit, target=target, board=board, pack=pack, provenance=provenance or "", status=status or ""
    )
    if found:
        print_wide(runs_table(found, store.outcomes([run.id for run in found])))
    else:
        click.echo(printable(f"no such runs in {store.name}", LINE), err=True)
    for name, count in waiting().items():
        told = f"runs that wait here for {name}: {count}; send them there: {_send_to(name)}"
        click.echo(printable(told, LINE), err=True)


@results.command()
@click.argument("run", default="last")
@click.pass_context
def show(context: click.Context, run: str) -> None:
    """Show a run: what it is, its figures, and what failed."""
    from hil.results import blocks
    from hil.results.listing import about
    from hil.results.store import find_run

    store = _store(context)
    found = find_run(store, run)
    tests = store.tests(found.id)
    print_wide(*about(found, store.boards(found.id), tests))
    if rows := [m.plain() for m in store.measurements(found.id)]:
        held = store.limits(found.id)
        click.echo(f"\n{blocks.render(rows, [], held, blocks.counted(tests))}", nl=False)


@results.command()
@click.argument("before", metavar="RUN", default="last~1")
@click.argument("after", metavar="RUN", default="last")
@click.option("--all", "everything", is_flag=True, help="Also show figures that are equal.")
@click.option("--markdown", "comment", is_flag=True, help="Write Markdown for a comment on a pull request.")
@click.pass_context
def diff(context: click.Context, before: str, after: str, everything: bool, comment: bool) -> None:
    """Compare two runs on like boards, by default the last two.

    RUN may also be a file of --results. The first one may be `good`: the last good run of each board before
    the second one. `better` and `worse` say nothing about noise. Hardware and emulated figures are never
    compared.
    """
    from hil.results import comment as comments
    from hil.results.difference import changes
    from hil.results.listing import changes_table

    runs = _both(context, before, after)
    found, notes = changes(*runs)
    if comment:
        click.echo(comments.render(*runs, found, notes), nl=False)
        return
    table = changes_table(found, everything)
    print_wide(f"before: {runs[0].name}", f"after:  {runs[1].name}", *notes)
    if table.row_count:
        print_wide("", table)
    if equal := len(found) - table.row_count:
        print_wide("", f"equal figures: {equal}; --all shows them")


def _both(context: click.Context, before: str, after: str) -> tuple["Kept", "Kept"]:
    """Return the runs of these names."""
    from hil.results.last_good import GOOD, last_good

    later = _kept(context, after)
    return (last_good(_store(context), later) if before == GOOD else _kept(context, before)), later


def _kept(context: click.Context, name: str) -> "Kept":
    """Return a run of the store, or of a file of --results."""
    from hil.options import names_file
    from hil.results import file
    from hil.results.difference import Kept
    from hil.results.run import BoardIdentity
    from hil.results.store import find_run

    path = Path(name)
    if names_file(name):
        header, measured = file.read_run(path)
        who = dict.fromkeys((m.target, m.board, m.provenance) for m in measured)
        boards = header.boards if header else [BoardIdentity(*each) for each in who]
        return Kept(path.name, boards, measured, header.run if header else None)
    store = _store(context)
    run = find_run(store, name)
    return Kept(run.id, store.boards(run.id), store.measurements(run.id), run)


@results.command()
@click.argument("run", default="last")
@click.option("--format", "kind", type=click.Choice(list(FORMATS)), default="csv", show_default=True)
@click.option("--out", type=new_file, help="File to write; default: standard output.")
@click.pass_context
def export(context: click.Context, run: str, kind: str, out: Path | None) -> None:
    """Write the figures of a run for other programs."""
    from hil.results.file import Header
    from hil.results.store import find_run
    from reds.files import write_atomically

    store = _store(context)
    found = find_run(store, run)
    boards, tests, held = store.boards(found.id), store.tests(found.id), store.limits(found.id)
    header = Header(found, tuple(boards), tuple(tests), tuple(held))
    text = FORMATS[kind](header, store.measurements(found.id))
    if out is None:
        sys.stdout.write(text)
    else:
        write_atomically(out, text.encode())


@results.command("import")
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=file)
@click.pass_context
def import_(context: click.Context, files: tuple[Path, ...]) -> None:
    """Keep the runs of files of --results."""
    from hil.results.store import import_file

    store = _store(context, new=True)
    for path in files:
        click.echo(printable(f"{path}: run {import_file(store, path).id}", LINE))


@results.command()
@click.option(
    "--all", "everything", is_flag=True, help="Also send runs that wait for other stores to this one."
)
@click.pass_context
def send(context: click.Context, everything: bool) -> None:
    """Send the runs that wait on this machine for the store.

    A run waits here if the server of its store could not be used. The next run with the same store sends it,
    too. The exit status is 1 if a run could not be sent.
    """
    from hil.results.store import send as send_all
    from hil.results.store import waiting

    store = _store(context, new=True)
    done = send_all(store, everything)
    for run in done.sent:
        click.echo(printable(f"run {run}: sent", LINE))
    for run in done.busy:
        click.echo(printable(f"run {run}: another process writes or sends it", LINE), err=True)
    for fault in done.faults.values():
        click.echo(printable(f"Error: {fault}", LINE), err=True)
    if not (done.sent or done.busy or done.faults):
        click.echo(printable(f"no run waits here for {store.name}", LINE))
    if not everything:
        for name, count in waiting(apart_from=store).items():
            told = f"runs that wait for another store: {count}; send them there: {_send_to(name)}"
            click.echo(printable(told, LINE))
    sys.exit(bool(done.faults))


@results.command()
@click.option(
    "--keep", type=click.IntRange(0, _MOST_RUNS), required=True, help="Number of the newest runs that stay."
)
@click.option("--days", type=click.IntRange(1, _MOST_DAYS), help="Runs of so many last days stay, too.")
@click.pass_context
def prune(context: click.Context, keep: int, days: int | None) -> None:
    """Remove old runs. Runs that were accepted as baselines stay."""
    from hil.results.run import as_text
    from hil.results.store import prune as remove

    before = as_text(datetime.now(UTC) - timedelta(days=days)) if days else ""
    click.echo(f"removed {remove(_store(context), keep=keep, before=before)} runs")


def _send_to(name: str) -> str:
    """Return the command that sends runs to the store of this name."""
    return f"hil results --store {shlex.quote(name)} send"
