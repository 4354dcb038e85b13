"""Describe a limit that a test holds a figure to, for the table and for JUnit."""

from dataclasses import asdict, dataclass
from typing import Any


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
        pack_sha256: Checksum of the pack whose figure it is of, empty for every pack.
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
    pack_sha256: str = ""

    def plain(self) -> dict[str, Any]:
        """Return the fields as JSON holds them."""
        return asdict(self)
