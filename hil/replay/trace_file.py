"""Read a trace from a file: CSV with a header that names units, or lines of `ms volts`.

```text
t, mW, deadline_ms, load_percent, celsius
0, 12.5, 40, 0, 21
0.5, 3.25, 40, 50, 21
```

`t` is in seconds; `t_ms` and `t_us` are other units. Power is `W`, `mW` or `uW`. A column `V` or `mV` is the
voltage over a resistor of `ohms`: its power is V^2 / R. Every column but the time may be absent. Lines that
start with `#` are comments.
"""

import csv
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

from hil.errors import TraceError
from hil.replay.trace import CELSIUS, Column, Trace
from reds.reading import read_regular, reason, text_of
from reds.spelling import did_you_mean
from reds.text import printable

MOST_BYTES = 1 << 26
"""Most bytes of a file."""
_EVEN = 0.5
"""Largest difference of a step from the usual one in a file of samples, as a part of it."""
_TIMES = {"t": 1e6, "t_s": 1e6, "t_ms": 1e3, "t_us": 1.0}
_POWERS = {"W": 1e6, "mW": 1e3, "uW": 1.0}
_VOLTS = {"V": 1.0, "mV": 1e-3}
_DEADLINES = {"deadline_s": 1e6, "deadline_ms": 1e3, "deadline_us": 1.0}
_LOAD, _CELSIUS = "load_percent", "celsius"
COLUMNS = (*_TIMES, *_POWERS, *_VOLTS, *_DEADLINES, _LOAD, _CELSIUS)
"""Names of all columns."""
_BOUNDS: Mapping[str, tuple[float, float]] = {
    **{name: (-1e9, 1e9) for name in ("t", "t_s")},
    **{"t_ms": (-1e12, 1e12), "t_us": (-1e15, 1e15)},
    **{"W": (0, 100), "mW": (0, 1e5), "uW": (0, 1e8)},
    **{"V": (-1000, 1000), "mV": (-1e6, 1e6)},
    **{"deadline_s": (1e-6, 4000), "deadline_ms": (1e-3, 4e6), "deadline_us": (1, 4e9)},
    **{_LOAD: (0, 99), _CELSIUS: (-273, 1000)},
}
"""Smallest and largest value of each column."""
_LONGEST_S = 366 * 24 * 3600
"""Longest trace in seconds."""


@dataclass(frozen=True)
class _Row:
    """Values of a row by column, and its line in the file."""

    line: int
    values: Mapping[str, float]


def read_trace(path: Path, ohms: float | None = None) -> Trace:
    """Return the trace in a file.

    Args:
        path: The file.
        ohms: Resistor that voltages were measured over; None if the file has none.

    Raises:
        TraceError: The file cannot be read, or one of its lines cannot be used.
    """
    try:
        lines = text_of(read_regular(path, MOST_BYTES)).splitlines()
    except (OSError, ValueError) as error:
        raise TraceError(
            f"cannot read the trace: {reason(error)}; name a file of CSV, or of lines `ms volts`", file=path
        ) from error
    numbered = [(at, line) for at, line in enumerate(lines, 1) if line.strip() and not _is_comment(line)]
    if not numbered:
        raise TraceError("it is empty; write a header `t, W` and a line for each row", file=path)
    samples = _is_number(numbered[0][1].split()[0])
    rows = list(_samples(path, numbered) if samples else _table(path, numbered))
    if len(rows) < 2:
        raise TraceError("it has one row or none; a trace needs two: the last one ends it", file=path)
    _check_times(path, rows, even=samples)
    return _trace(path, rows, ohms)


def _is_comment(line: str) -> bool:
    return line.lstrip().startswith("#")


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _samples(path: Path, numbered: Sequence[tuple[int, str]]) -> Iterator[_Row]:
    """Yield rows of `ms volts`."""
    for at, line in numbered:
        yield _row(path, at, ("t_ms", "V"), line.split(), "milliseconds and volts, with a blank between them")


def _table(path: Path, numbered: Sequence[tuple[int, str]]) -> Iterator[_Row]:
    """Yield rows of CSV."""
    (first, header), *body = numbered
    names = [name.strip() for name in next(csv.reader([header]))]
    for name in names:
        if name not in COLUMNS:
            raise TraceError(
                f"unknown column {printable(name)!r}; {did_you_mean(name, COLUMNS)}", file=path, line=first
            )
    for kind, some in (("time", _TIMES), ("power or voltage", _POWERS | _VOLTS), ("deadline", _DEADLINES)):
        if len(given := [name for name in names if name in some]) > 1:
            raise TraceError(
                f"two columns of {kind}: {', '.join(given)}; keep one of them", file=path, line=first
            )
    if len(set(names)) < len(names) or not _TIMES.keys() & set(names) or len(names) < 2:
        raise TraceError(
            f"its header is {printable(header.strip())!r}; name a time `t` in seconds and other columns once",
            file=path,
            line=first,
        )
    for at, line in body:
        cells = next(csv.reader([line]))
        yield _row(path, at, names, cells, f"a number for each column of {', '.join(names)}")


def _row(path: Path, at: int, names: Sequence[str], cells: Sequence[str], wanted: str) -> _Row:
    if len(cells) != len(names):
        raise TraceError(f"it has {len(cells)} values; write {wanted}", file=path, line=at)
    values = {}
    for name, cell in zip(names, cells, strict=True):
        low, high = _BOUNDS[name]
        try:
            value = float(cell)
        except ValueError:
            value = math.nan
        if not low <= value <= high:
            text = printable(cell.strip(), 40)
            raise TraceError(
                f"{name} is {text!r}; write a number from {low:g} to {high:g}", file=path, line=at
            )
        values[name] = value
    return _Row(at, values)


def _check_times(path: Path, rows: Sequence[_Row], even: bool) -> None:
    """Refuse times that do not rise, and gaps in samples, which would be held over them."""
    name = next(name for name in rows[0].values if name in _TIMES)
    times = [row.values[name] for row in rows]
    steps = [b - a for a, b in pairwise(times)]
    usual = sorted(steps)[len(steps) // 2]
    for row, before, step in zip(rows[1:], rows, steps, strict=False):
        now, last = row.values[name], before.values[name]
        if step <= 0:
            raise TraceError(
                f"{name} is {now:g} after {last:g}; write times that rise from row to row",
                file=path,
                line=row.line,
            )
        if even and abs(step - usual) > _EVEN * usual:
            gap = f"{step:g} ms lie between the samples, elsewhere {usual:g}"
            renumber = "number even samples anew, as with awk '{print NR - 1, $2}'"
            raise TraceError(
                f"{gap}; cut the file there, or {renumber}",
                file=path,
                line=row.line,
            )
    seconds = (times[-1] - times[0]) * _TIMES[name] / 1e6
    if seconds > _LONGEST_S:
        raise TraceError(
            f"it lasts {seconds:,.0f} s, at most {_LONGEST_S:,} are possible; check its unit", file=path
        )


def _trace(path: Path, rows: Sequence[_Row], ohms: float | None) -> Trace:
    def column(units: Mapping[str, float], least: int = 0) -> Column | None:
        name = next((name for name in units if name in rows[0].values), None)
        if name is None:
            return None
        return _whole(lambda row: max(least, row.values[name] * units[name]), rows)

    times = column(_TIMES, -(1 << 62))
    assert times is not None  # the header was checked
    us = times - times[0]
    if (stuck := np.flatnonzero(np.diff(us) <= 0)).size:
        line = rows[int(stuck[0]) + 1].line
        raise TraceError(
            "its time is less than a microsecond after the last one; leave it out", file=path, line=line
        )
    volts = next((name for name in _VOLTS if name in rows[0].values), None)
    power = column(_POWERS)
    if volts is not None:
        if ohms is None:
            raise TraceError(
                "it holds a voltage; name the resistor that it was measured over, as FILE:ohms=30000",
                file=path,
            )
        power = _whole(lambda row: (row.values[volts] * _VOLTS[volts]) ** 2 / ohms * 1e6, rows)
        if int(power.max()) > _BOUNDS["uW"][1]:
            raise TraceError(
                f"its largest power over {ohms:g} ohms is {power.max() / 1e6:,.0f} W; check its unit",
                file=path,
            )
    elif ohms is not None:
        raise TraceError("it holds no voltage, so `ohms` means nothing; leave it out", file=path)
    calm = np.zeros(len(rows), np.int64)
    load, celsius = column({_LOAD: 1.0}), column({_CELSIUS: 1.0}, -300)
    return Trace(
        path.name,
        us,
        power,
        column(_DEADLINES, 1),
        calm if load is None else load,
        calm + CELSIUS if celsius is None else celsius,
    )


def _whole(value: Callable[[_Row], float], rows: Sequence[_Row]) -> Column:
    return np.array([round(value(row)) for row in rows], np.int64)
