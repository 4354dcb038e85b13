"""A table of the bench: once for the terminal, once for the documents, once for programs."""

from collections.abc import Sequence
from dataclasses import dataclass

from rich.table import Table as RichTable
from rich.text import Text

Cell = str | int | float | None


@dataclass(frozen=True)
class Table:
    """Raw values under their heads; None where there is no figure. `notes` are sentences below it."""

    title: str
    heads: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    notes: tuple[str, ...] = ()

    def rich(self) -> RichTable:
        """For the terminal."""
        notes = Text("\n".join(self.notes)) if self.notes else None
        table = RichTable(title=self.title, title_justify="left", caption=notes, caption_justify="left")
        for i, head in enumerate(self.heads):
            table.add_column(head, justify="right" if i else "left", no_wrap=not i)
        for row in self.rows:
            table.add_row(*(text(cell) for cell in row))
        return table

    def markdown(self) -> str:
        """For a document."""
        rule = ["---", *["---:"] * (len(self.heads) - 1)]
        lines = [self.heads, rule, *([text(cell) for cell in row] for row in self.rows)]
        body = "\n".join("| " + " | ".join(line) + " |" for line in lines)
        return "\n\n".join([f"### {self.title}", body, *self.notes]) + "\n"


def text(cell: Cell) -> str:
    """A value as it is read: whole numbers in groups of three, others to two places."""
    if cell is None:
        return ""
    if isinstance(cell, float):
        return f"{cell:,.2f}"
    return cell if isinstance(cell, str) else f"{cell:,}"


def plain(tables: Sequence[Table]) -> list[dict[str, object]]:
    """As JSON holds them."""
    return [
        {"title": t.title, "rows": [dict(zip(t.heads, row, strict=True)) for row in t.rows], "notes": t.notes}
        for t in tables
    ]
