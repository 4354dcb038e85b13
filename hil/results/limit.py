"""Describe a limit that a test holds a figure to, for the table and for JUnit."""

import math
from dataclasses import asdict, dataclass
from typing import Any

from hil.results.measurement import PROVENANCES
from reds.text import is_printable, shown


@dataclass(frozen=True)
class Limit:
    """A limit of one figure of one board.

    Attributes:
        target: Kind of the board.
        board: Name of the board.
        provenance: `hardware` or `emulated`.
        subnet: Name of a subnet, or of an ordered pair.
        metric: Name of the metric.
        unit: Unit of the limit.
        value: The limit, which the figure may reach.
        least: Whether the figure must not be below it; else it must not be above it.
        kept: Whether the figure keeps it.

    Raises:
        ValueError: A text is not printable, or the limit is not finite.
    """

    target: str
    board: str
    provenance: str
    subnet: str
    metric: str
    unit: str
    value: float
    least: bool
    kept: bool

    def __post_init__(self) -> None:
        for key in ("target", "board", "subnet", "metric", "unit"):
            if not is_printable(text := getattr(self, key)):
                raise ValueError(f"{key} is {shown(text)}: a printable text is needed")
        if self.provenance not in PROVENANCES:
            raise ValueError(f"provenance is {shown(self.provenance)}: {' or '.join(PROVENANCES)} is needed")
        if not math.isfinite(self.value):
            raise ValueError(
                f"limit of {self.subnet} {self.metric} is {shown(self.value)}: a finite number is needed"
            )

    @property
    def figure(self) -> tuple[str, ...]:
        """Return what tells the limits of a run apart: board, subnet, metric and unit."""
        return self.target, self.board, self.provenance, self.subnet, self.metric, self.unit

    def plain(self) -> dict[str, Any]:
        """Return the fields as JSON holds them."""
        return asdict(self)
