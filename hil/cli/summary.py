"""Summarize the results of a run as Markdown (`hil summary`)."""

import sys
from pathlib import Path

import click

from reds.commands import file


@click.command()
@click.option("--title", default="Bench", show_default=True, help="Title of the summary.")
@click.argument("results", type=file)
@click.argument("junit", type=file, required=False)
def summary(title: str, results: Path, junit: Path | None) -> None:
    """Summarize a run as Markdown.

    Failures come first, then the boards, their figures and limits, and the numbers of the figures of hil
    report, folded. RESULTS is the file of pytest's --results. JUNIT is the file of --junitxml, which knows
    of tests without a board, too. The exit status is 1 if the run measured nothing.
    """
    from hil.report import numbers
    from hil.results.file import read_run
    from hil.results.measurement import INFRASTRUCTURE_ERRORS
    from hil.results.summary import cases, cases_of, render

    header, taken = (None, []) if _is_missing(results) else read_run(results)
    measured = [m.plain() for m in taken if m.metric != INFRASTRUCTURE_ERRORS]
    tests = cases(junit) if junit else cases_of(header.tests if header else ())
    click.echo(render(title, measured, tests, header.limits if header else ()), nl=False)
    if header and measured:
        click.echo(numbers.render(results), nl=False)
    sys.exit(not measured)


def _is_missing(path: Path) -> bool:
    """Return whether nothing has this name; a name that cannot be followed is a mistake of its own."""
    try:
        path.lstat()
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return False
