"""Measurements, and the file they are kept in: JSON lines, one object a measurement.

`samples` are the raw values in `unit`, and `value` is made of them: the median of a latency or a count,
the worst of a switch, the mean of right answers for accuracy, the sum of wrong outputs for mismatches.
`conditions` are the board's as they were before all measurements and after this one, or null.
"""

import json
import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from hil.errors import ResultsError


@dataclass(frozen=True)
class Measurement:
    """One figure of one board. `subnet` is a name as `25%`, or an ordered pair as `25%->100%`."""

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
        """As JSON holds it."""
        return asdict(self)


def metric_name(what: str, unit: str) -> str:
    """Name the metric of a `latency` or `switch`: as it is in us, else after the unit that is counted."""
    if unit == "us":
        return what
    return unit if what == "latency" else f"{what}_{unit}"


def prepare(path: Path) -> None:
    """Make the file's folder, so that a wrong path is known before the bench. Raises `ResultsError`."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ResultsError(f"{path}: cannot write the results: {error.strerror}") from error
    if path.is_dir() or not os.access(path.parent, os.W_OK):
        raise ResultsError(f"{path}: cannot write the results there; name a file in a folder of yours")


def write(path: Path, measurements: Iterable[Mapping[str, Any]]) -> None:
    """Write plain measurements, the file whole or not at all. Raises `ResultsError`."""
    text = "".join(json.dumps(m) + "\n" for m in measurements)
    partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
    try:
        partial.write_text(text, encoding="utf-8")
        os.replace(partial, path)
    except OSError as error:
        what = f"{path}: cannot write the results: {error.strerror}"
        raise ResultsError(f"{what}; run again with --results in a folder that stays and has room") from error
    finally:
        with suppress(OSError):
            partial.unlink()
