"""Write the numbers of a report's figures as Markdown, for job summaries, which show no pictures."""

from collections.abc import Sequence
from pathlib import Path

from hil.report.figure import Figure, Section
from hil.report.page import sections
from hil.report.taken import from_file
from reds.tables import escaped, markdown

_MOST = 60
"""Most rows of a table; a job summary of GitHub holds 1 MiB."""


def render(results: Path) -> str:
    """Return the numbers of a results file, folded, a part for each kind of figure.

    Raises:
        ResultsError: The file cannot be read, or does not say of which run it is.
    """
    found = [_section(section) for section in sections([from_file(results, ())]) if section.figures]
    return "".join(f"\n{part}\n" for part in found)


def _section(section: Section) -> str:
    inside = "\n\n".join(map(_figure, section.figures))
    return f"<details><summary>{escaped(section.title)}</summary>\n\n{inside}\n\n</details>"


def _figure(figure: Figure) -> str:
    table = figure.table
    align = "l" * table.left + "r" * (len(table.heads) - table.left)
    more = len(table.rows) - _MOST
    notes: Sequence[str] = (*figure.notes, f"and {more} more rows") if more > 0 else figure.notes
    parts = [f"**{escaped(figure.title)}**", markdown(table.heads, table.rows[:_MOST], align)]
    return "\n\n".join((*parts, *map(escaped, notes)))
