"""Keep measurements in a file of JSON lines, one object for each measurement.

`samples` holds the raw values in `unit`. `value` summarizes them:

- latencies and counts: the median
- switches: the slowest
- accuracy: the mean of the correct answers
- mismatches: the sum of the wrong outputs
- infrastructure_errors: 1 if the board was recovered in the run, 2 if it was quarantined

`conditions` holds the board's conditions before all measurements and after the test of this one, or null.
"""

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from hil.errors import ResultsError

INFRASTRUCTURE_ERRORS = "infrastructure_errors"
"""Metric of a board, not of the pack: 1 if it was recovered in the run, 2 if it was quarantined."""


@dataclass(frozen=True)
class Measurement:
    """One figure of one board. `subnet` is a name such as `25%`, or an ordered pair such as `25%->100%`."""

    target: str
    board: str
    provenance: str
    pack: str
    pack_sha256: str
    subnet: str
    metric: str
    unit: str
    value: float
    samples: tuple[float, ...]
    conditions: Mapping[str, Mapping[str, Any]] | None = None

    def plain(self) -> dict[str, Any]:
        """Return the fields as JSON holds them."""
        return asdict(self)


def metric_name(what: str, unit: str) -> str:
    """Name the metric of a `latency` or `switch`: as it is in us, else after the unit that is counted."""
    if unit == "us":
        return what
    return unit if what == "latency" else f"{what}_{unit}"


def prepare(path: Path) -> None:
    """Make the folder of the file, so that a wrong path fails before the bench. Raises `ResultsError`."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        remedy = "name a file in a folder of yours"
        raise ResultsError(f"cannot write the results: {error.strerror}; {remedy}", file=path) from error
    if path.is_dir() or not os.access(path.parent, os.W_OK):
        raise ResultsError("cannot write the results there; name a file in a folder of yours", file=path)


def write(path: Path, measurements: Iterable[Mapping[str, Any]]) -> None:
    """Write plain measurements, atomically. Raises `ResultsError`."""
    from reds.files import write_atomically  # imported here: the plugin is loaded in every project

    text = "".join(json.dumps(m) + "\n" for m in measurements)
    try:
        write_atomically(path, text.encode())
    except OSError as error:
        remedy = "run again with --results in a folder that has room"
        raise ResultsError(f"cannot write the results: {error.strerror}; {remedy}", file=path) from error
