"""Summarize the results of a run as Markdown (`hil summary`)."""

import sys
from pathlib import Path

import click

from reds.commands import file


@click.command()
@click.option("--title", default="Bench", show_default=True, help="Title of the summary.")
@click.argument("results", type=file)
@click.argument("junit", type=file)
def summary(title: str, results: Path, junit: Path) -> None:
    """Summarize a run as Markdown.

    Failures come first, then the boards, then the figures. RESULTS is the file of pytest's --results. JUNIT
    is the file of --junitxml. The exit status is 1 if the run measured nothing.
    """
    from hil.results.file import read
    from hil.results.measurement import INFRASTRUCTURE_ERRORS
    from hil.results.summary import cases, render

    measured = [row for row in read(results) if row["metric"] != INFRASTRUCTURE_ERRORS]
    click.echo(render(title, measured, cases(junit)), nl=False)
    sys.exit(not measured)
