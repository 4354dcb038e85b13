"""Describe one figure of a report: a specification of Vega-Lite, and the table behind it."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from reds import text

Spec = Mapping[str, Any]
"""A specification of Vega-Lite, without title, size of the page and colors."""


@dataclass(frozen=True)
class Table:
    """A table: words in its first columns, which are aligned left, and figures in the others.

    Attributes:
        heads: Heads of the columns.
        rows: Cells of each row, as text.
        left: Number of columns at the left that hold words.
    """

    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    left: int = 1


@dataclass(frozen=True)
class Figure:
    """One figure.

    Attributes:
        name: Name of its files, without a suffix; unique in a report after `file_name`.
        title: What it shows.
        about: Lines that say where its figures come from: board, provenance, pack and run.
        alt: What one sees, for those who do not.
        spec: The specification.
        table: Its figures.
        notes: Sentences below it.
        run: Id of its run, empty for several; told in the title where two figures have the same.
    """

    name: str
    title: str
    about: tuple[str, ...]
    alt: str
    spec: Spec
    table: Table
    notes: tuple[str, ...] = ()
    run: str = ""


@dataclass(frozen=True)
class Section:
    """Figures of one kind, with a sentence that says how to read them, and notes."""

    name: str
    title: str
    reading: str
    figures: Sequence[Figure]
    notes: tuple[str, ...] = ()


def file_name(*parts: str) -> str:
    """Return a name for files, of small letters, digits and hyphens only."""
    return re.sub(r"[^a-z0-9]+", "-", "-".join(parts).lower()).strip("-")[:80]


def number(value: float | None) -> str:
    """Return a figure with enough digits; a hyphen for None."""
    if value is None:
        return "-"
    return f"{value:,.0f}" if value == int(value) or abs(value) >= 10_000 else f"{value:,.4g}"


def percent(share: float | None) -> str:
    """Return a fraction in percent; a hyphen for None."""
    return "-" if share is None else text.percent(share)


def between(low: float | None, high: float | None, shown: str = "number") -> str:
    """Return an interval as text, empty if the figure has none.

    Args:
        low: Lower bound.
        high: Upper bound.
        shown: `number`, or `percent` for fractions.
    """
    form = percent if shown == "percent" else number
    return "" if low is None or high is None else f"{form(low)} to {form(high)}"
