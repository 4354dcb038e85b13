"""Show a table of the bench in the terminal, in documents and to programs."""

from collections.abc import Sequence
from dataclasses import dataclass

from rich.table import Table as RichTable
from rich.text import Text

from reds.tables import escaped, markdown
from reds.text import LINE, printable

Cell = str | int | float | None


@dataclass(frozen=True)
class Table:
    """Raw values under their heads, None where there is no figure. `notes` are sentences below the table."""

    title: str
    heads: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    notes: tuple[str, ...] = ()

    def rich(self) -> RichTable:
        """Return the table for the terminal."""
        notes = Text("\n".join(printable(note, LINE) for note in self.notes)) if self.notes else None
        table = RichTable(title=self.title, title_justify="left", caption=notes, caption_justify="left")
        for i, head in enumerate(self.heads):
            table.add_column(head, justify="right" if i else "left", overflow="fold")
        for row in self.rows:
            table.add_row(*(text(cell) for cell in row))
        return table

    def markdown(self) -> str:
        """Return the table for a document."""
        rows = [[text(cell) for cell in row] for row in self.rows]
        body = markdown(self.heads, rows, align="l" + "r" * (len(self.heads) - 1))
        return "\n\n".join([f"### {self.title}", body, *map(escaped, self.notes)]) + "\n"


def text(cell: Cell) -> str:
    """Format a value: whole numbers in groups of three digits, others with two decimals."""
    if cell is None:
        return ""
    if isinstance(cell, float):
        return f"{cell:,.2f}"
    return printable(cell) if isinstance(cell, str) else f"{cell:,}"


def plain(tables: Sequence[Table]) -> list[dict[str, object]]:
    """Return the tables as JSON holds them."""
    return [
        {"title": t.title, "rows": [dict(zip(t.heads, row, strict=True)) for row in t.rows], "notes": t.notes}
        for t in tables
    ]
