"""Keep a run in a file of JSON lines: a header that describes the run, then one line for each measurement.

    {"run": {"id": "20261128-210256-4827f1c9", ...}, "boards": [...], "tests": [...]}
    {"target": "desktop", "board": "desk", ..., "metric": "latency", "unit": "us", "value": 8.5, ...}

Keys whose value is null are left out. A file without a header, as version 0.1 wrote it, is read all the same.
"""

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from hil.errors import ResultsError
from hil.results.limit import Limit
from hil.results.measurement import Measurement
from hil.results.run import BoardIdentity, Run, TestOutcome

_MOST_BYTES = 1 << 28
"""Most bytes of a results file."""
_REMEDY = "name the file of --results"


@dataclass(frozen=True)
class Header:
    """The first line of a results file: the run, its boards, how each test ended, and limits of figures.

    Files of older versions have no limits.
    """

    run: Run
    boards: tuple[BoardIdentity, ...]
    tests: tuple[TestOutcome, ...]
    limits: tuple[Limit, ...] = ()


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
    try:
        return [measurement.plain() for measurement in _parsed(path, _content(path))[1]]
    except FileNotFoundError:
        return []


def read_run(path: Path) -> tuple[Header | None, list[Measurement]]:
    """Return the header and the measurements of a results file; no header if version 0.1 wrote it.

    Raises:
        ResultsError: The file cannot be read, or a line is not as expected; the text names the line.
    """
    try:
        return _parsed(path, _content(path))
    except FileNotFoundError as error:
        raise ResultsError(f"there is no such file; {_REMEDY}", file=path) from error


def _content(path: Path) -> bytes:
    """Return the content of a results file. Raises `FileNotFoundError`, or `ResultsError`."""
    from reds.reading import read_regular, reason  # imported here, as in `write`

    try:
        return read_regular(path, _MOST_BYTES)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise ResultsError(f"cannot be read: {reason(error)}; {_REMEDY}", file=path) from error


def _parsed(path: Path, content: bytes) -> tuple[Header | None, list[Measurement]]:
    """Return the header and the measurements in the content of a results file."""
    from reds.reading import parse_json, reason  # imported here, as in `write`
    from reds.strict_tables import parse_table

    header, found = None, []
    for number, line in enumerate(content.split(b"\n"), 1):
        kind = "measurement"
        try:
            if not line.strip():
                continue
            table = parse_json(line)
            if number == 1 and isinstance(table, dict) and "run" in table:
                kind = "header"
                header = parse_table(table, Header, "", ValueError)
            else:
                found.append(parse_table(table, Measurement, "", ValueError))
        except ValueError as error:
            text = reason(error).removeprefix(": ")
            raise ResultsError(f"line {number} is no {kind}: {text}; {_REMEDY}", file=path) from error
    return header, found


def write(path: Path, measurements: Iterable[Mapping[str, Any]], header: Header | None = None) -> None:
    """Write plain measurements below a header, atomically.

    Args:
        path: The file, which is replaced.
        measurements: The measurements.
        header: The first line; None for a file without one.

    Raises:
        ResultsError: The file cannot be written.
    """
    from reds.files import write_atomically  # imported here: the plugin is loaded in every project

    try:
        write_atomically(path, text(measurements, header).encode())
    except OSError as error:
        remedy = "run again with --results in a folder that has room"
        raise ResultsError(f"cannot write the results: {error.strerror}; {remedy}", file=path) from error


def text(measurements: Iterable[Mapping[str, Any]], header: Header | None) -> str:
    """Return the lines of a results file."""
    tables = [asdict(header)] if header else []
    return "".join(
        f"{json.dumps(_without_nulls(t), separators=(',', ':'))}\n" for t in [*tables, *measurements]
    )


def _without_nulls(value: Any) -> Any:
    """Return a value of JSON without the keys whose value is None."""
    if isinstance(value, Mapping):
        return {key: _without_nulls(kept) for key, kept in value.items() if kept is not None}
    return [_without_nulls(each) for each in value] if isinstance(value, list | tuple) else value
