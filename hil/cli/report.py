"""Show runs as one page of figures (`hil report`)."""

from pathlib import Path

import click

from hil.cli.options import BOARDS, STORE
from reds.commands import file, uninstalled


@click.command()
@click.argument("runs", metavar="[RUN]...", nargs=-1)
@click.option("--out", "folder", type=file, required=True, help="Folder for the page and the figures.")
@click.option("--results", "files", multiple=True, type=file, help="A file of --results; repeat for more.")
@click.option(
    "--history", "metrics", multiple=True, metavar="METRIC", help="Metric to show over runs, as stack."
)
@BOARDS
@STORE
def report(
    runs: tuple[str, ...],
    folder: Path,
    files: tuple[Path, ...],
    metrics: tuple[str, ...],
    boards_file: Path | None,
    where: str | None,
) -> None:
    """Show runs as one page of figures that opens offline.

    The page is index.html in the folder of --out; figures lie beside it as SVG and PNG. RUN is `last` (the
    default), `last~1` (the one before), or the first characters of a run's id. The first of several runs is
    compared with each later one. Limits are those of the run, or of the boards file where it kept none.
    Example: hil report last~1 last --out report
    """
    from contextlib import ExitStack

    if missing := uninstalled("report"):
        raise click.ClickException(missing)
    from hil.boards import boards_toml
    from hil.report.page import write
    from hil.report.taken import from_file, from_store
    from hil.results.store import find_run, open_store

    limits = boards_toml.load(boards_file or boards_toml.shipped())
    with ExitStack() as stack:
        names = runs or (() if files else ("last",))
        store = stack.enter_context(open_store(where, new=False)) if names else None
        found = [from_store(store, find_run(store, name), limits) for name in names if store]
        found += [from_file(path, limits) for path in files]
        written = write(found, folder, metrics)
    click.echo(f"{written.page}: {written.figures} figures")
