"""Write tables as Markdown, the one form of every report that is kept, with text of others as mere text."""

import html
import re
from collections.abc import Iterable, Sequence

from reds.text import LINE, printable

RULES = {"l": "---", "r": "---:"}


def markdown(heads: Sequence[str], rows: Iterable[Sequence[str]], align: str = "") -> str:
    """Return a Markdown table, without a newline at its end.

    Args:
        heads: The head of each column.
        rows: The cells of each row, one for each head. Heads and cells are text; no Markdown in them counts.
        align: `l` (left) or `r` (right) for each column; by default all are left.
    """
    rules = [RULES[side] for side in align or "l" * len(heads)]
    lines = [_line(map(escaped, heads)), _line(rules)]
    for row in rows:
        if len(row) != len(heads):
            raise ValueError(f"a row has {len(row)} cells and the table {len(heads)} columns: {list(row)}")
        lines.append(_line(map(escaped, row)))
    return "\n".join(lines)


def escaped(text: str) -> str:
    """Return a text for a line or a cell of Markdown, in which nothing is markup, HTML or a line break."""
    return re.sub(r"[\\`*_\[\]|~$]", r"\\\g<0>", html.escape(printable(text, LINE), quote=False))


def code(text: str) -> str:
    """Return a text as code in a line of Markdown; no backtick in it ends the code."""
    shown = printable(text, LINE)
    fence = "`" * (1 + max((len(run) for run in re.findall("`+", shown)), default=0))
    pad = " " if not shown or {shown[0], shown[-1]} & set("` ") else ""
    return f"{fence}{pad}{shown}{pad}{fence}"


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"
