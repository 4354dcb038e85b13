"""Write tables as Markdown, the one form of every report that is kept."""

from collections.abc import Iterable, Sequence

RULES = {"l": "---", "r": "---:"}


def markdown(heads: Sequence[str], rows: Iterable[Sequence[str]], align: str = "") -> str:
    """Return a Markdown table, without a newline at its end.

    Args:
        heads: The head of each column.
        rows: The cells of each row, one for each head; a `|` in a cell is escaped.
        align: `l` (left) or `r` (right) for each column; by default all are left.
    """
    rules = [RULES[side] for side in align or "l" * len(heads)]
    lines = [_line(heads), _line(rules)]
    for row in rows:
        if len(row) != len(heads):
            raise ValueError(f"a row has {len(row)} cells and the table {len(heads)} columns: {list(row)}")
        lines.append(_line([cell.replace("|", r"\|") for cell in row]))
    return "\n".join(lines)


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"
