"""Keep the table of the gate's quality, and write it into its page."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from hil.results.statistics.proportions import proportion_interval
from reds.tables import markdown

ROOT = Path(__file__).parents[3]
KEPT = ROOT / "docs" / "results" / "gate-quality.json"
PAGE = ROOT / "docs" / "gate.md"
_BEGIN, _END = "<!-- quality -->\n\n", "\n\n<!-- end of quality -->"


@dataclass(frozen=True)
class Row:
    """A board, the length of its history, and how many of its runs failed, unchanged and slowed down."""

    board: str
    earlier: int
    runs: int
    false_alarms: int
    detected: int


def kept() -> list[Row]:
    """Return the rows that are kept."""
    return [Row(**row) for row in json.loads(KEPT.read_text())]


def table(rows: Sequence[Row]) -> str:
    """Return the rows as Markdown."""
    heads = "board", "earlier runs", "false alarms", "slowdowns detected"
    cells = [
        (row.board, str(row.earlier), _share(row.false_alarms, row.runs), _share(row.detected, row.runs))
        for row in rows
    ]
    return markdown(heads, cells, "lrrr")


def with_table(page: str, rows: Sequence[Row]) -> str:
    """Return a page with this table between its marks."""
    before, _, rest = page.partition(_BEGIN)
    _, _, after = rest.partition(_END)
    return f"{before}{_BEGIN}{table(rows)}{_END}{after}"


def _share(count: int, runs: int) -> str:
    low, high = proportion_interval(count, runs)
    return f"{count / runs:.1%} ({low:.1%} to {high:.1%})".replace("%", " %")
