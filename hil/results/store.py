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
import math
import os
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from hil.errors import ResultsError
from hil.results.conditions import Span
from reds.text import is_printable, shown

PROVENANCES = ("hardware", "emulated")
NEVER_NEGATIVE = (
    *("macs", "accuracy", "latency", "cycles", "instructions", "mismatches", "switch", "first"),
    *("layer", "stack", "ram"),
)
"""Metrics of the bench; `switch_cycles` and the like are counted as `switch`, `first_latency` as `first`."""
_MOST_BYTES = 1 << 28
"""Most bytes of a results file."""

INFRASTRUCTURE_ERRORS = "infrastructure_errors"
"""Metric of a board, not of the pack: 1 if it was recovered in the run, 2 if it was quarantined."""


@dataclass(frozen=True)
class Measurement:
    """One figure of one board. `subnet` is a name such as `25%`, or an ordered pair such as `25%->100%`.

    Raises:
        ValueError: A text is not printable, or a figure is not finite, negative for a metric that cannot be,
            or an accuracy above 1.
    """

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
    conditions: Span | None = None

    def __post_init__(self) -> None:
        for key in ("target", "board", "pack", "subnet", "metric", "unit"):
            text: object = getattr(self, key)
            if not is_printable(text):
                raise ValueError(f"{key} is {shown(text)}: a printable text is needed")
        if self.provenance not in PROVENANCES:
            raise ValueError(f"provenance is {shown(self.provenance)}: {' or '.join(PROVENANCES)} is needed")
        least = 0.0 if self.metric.partition("_")[0] in NEVER_NEGATIVE else -math.inf
        most = 1.0 if self.metric == "accuracy" else math.inf
        for figure in (self.value, *self.samples):
            if not (
                isinstance(figure, int | float) and -math.inf < figure < math.inf and least <= figure <= most
            ):
                kind = "a finite number" if least else "a finite number, 0 or more,"
                kind = "a fraction of 0 to 1" if most == 1 else kind
                raise ValueError(f"{self.subnet} {self.metric} is {shown(figure)}: {kind} is needed")

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
    from reds.reading import check_regular, reason  # imported here, as in `write`

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        check_regular(path)
    except FileNotFoundError:
        pass
    except (OSError, ValueError) as error:
        remedy = "name a file in a folder of yours"
        raise ResultsError(f"cannot write the results: {reason(error)}; {remedy}", file=path) from error
    if not os.access(path.parent, os.W_OK):
        raise ResultsError("cannot write the results there; name a file in a folder of yours", file=path)


def read(path: Path) -> list[dict[str, Any]]:
    """Return the plain measurements of a results file, none if it does not exist.

    Raises:
        ResultsError: The file cannot be read, or a line of it is no measurement; the text names the line.
    """
    from reds.reading import parse_json, read_regular, reason  # imported here, as in `write`
    from reds.strict_tables import parse_table

    remedy = "name the file of --results"
    try:
        lines = read_regular(path, _MOST_BYTES).split(b"\n")
    except FileNotFoundError:
        return []
    except OSError as error:
        raise ResultsError(f"cannot be read: {reason(error)}; {remedy}", file=path) from error
    found = []
    for number, line in enumerate(lines, 1):
        try:
            if line.strip():
                found.append(parse_table(parse_json(line), Measurement, "", ValueError).plain())
        except ValueError as error:
            text = reason(error).removeprefix(": ")
            raise ResultsError(f"line {number} is no measurement: {text}; {remedy}", file=path) from error
    return found


def write(path: Path, measurements: Iterable[Mapping[str, Any]]) -> None:
    """Write plain measurements, atomically. Raises `ResultsError`."""
    from reds.files import write_atomically  # imported here: the plugin is loaded in every project

    text = "".join(json.dumps(m) + "\n" for m in measurements)
    try:
        write_atomically(path, text.encode())
    except OSError as error:
        remedy = "run again with --results in a folder that has room"
        raise ResultsError(f"cannot write the results: {error.strerror}; {remedy}", file=path) from error
