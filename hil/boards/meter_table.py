"""Check the `meter` table of a board in a boards file."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hil.energy.meter import Meter
from reds.strict_tables import parse_table


@dataclass(frozen=True)
class _Row:
    meter: Meter


def meter_of(table: Mapping[str, Any]) -> Meter:
    """Return the meter that a table describes. Raises `ValueError` with what is wrong in it."""
    try:
        return parse_table({"meter": table}, _Row, "", ValueError).meter
    except ValueError as error:
        raise ValueError(str(error).removeprefix(": ")) from None
