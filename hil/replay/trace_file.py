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
from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

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
    **{name: (-9e9, 9e9) for name in ("t", "t_s")},  # a time of day in Unix seconds is one
    **{"t_ms": (-9e12, 9e12), "t_us": (-9e15, 9e15)},
    **{"W": (0, 100), "mW": (0, 1e5), "uW": (0, 1e8)},
    **{"V": (-1000, 1000), "mV": (-1e6, 1e6)},
    **{"deadline_s": (1e-6, 4000), "deadline_ms": (1e-3, 4e6), "deadline_us": (1, 4e9)},
    **{_LOAD: (0, 99), _CELSIUS: (-273, 1000)},
}
"""Smallest and largest value of each column."""
_LONGEST_S = 366 * 24 * 3600
"""Longest trace in seconds."""


Floats = NDArray[np.float64]


@dataclass(frozen=True)
class _Rows:
    """Columns by name, float64 [N], and the line of each row in the file, int64 [N]."""

    columns: Mapping[str, Floats]
    lines: Column

    def one_of(self, names: Mapping[str, float]) -> Floats | None:
        """Return the column that has one of these names, times the number beside it; None without one."""
        name = next((name for name in names if name in self.columns), None)
        return None if name is None else self.columns[name] * names[name]


def read_trace(path: Path, ohms: float | None = None, most_uw: int | None = None) -> Trace:
    """Return the trace in a file.

    Args:
        path: The file.
        ohms: Resistor that voltages were measured over; None if the file has none.
        most_uw: Microwatts that its largest power is scaled to; None for none.

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
    rows = _samples(path, numbered) if samples else _table(path, numbered)
    if len(rows.lines) < 2:
        raise TraceError("it has one row or none; a trace needs two: the last one ends it", file=path)
    us = _times(path, rows, even=samples)
    power = _power(path, rows, ohms, most_uw)
    calm = np.zeros(len(us), np.int64)
    deadline, load, celsius = rows.one_of(_DEADLINES), rows.one_of({_LOAD: 1.0}), rows.one_of({_CELSIUS: 1.0})
    return Trace(
        path.name,
        us,
        power,
        None if deadline is None else np.maximum(1, _whole(deadline)),
        calm if load is None else _whole(load),
        calm + CELSIUS if celsius is None else _whole(celsius),
    )


def _is_comment(line: str) -> bool:
    return line.lstrip().startswith("#")


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _samples(path: Path, numbered: Sequence[tuple[int, str]]) -> _Rows:
    """Return rows of `ms volts`."""
    split = ((at, line.split()) for at, line in numbered)
    return _rows(path, ("t_ms", "V"), split, "milliseconds and volts, with a blank between them")


def _table(path: Path, numbered: Sequence[tuple[int, str]]) -> _Rows:
    """Return rows of CSV."""
    (first, header), *body = numbered
    names = [name.strip() for name in _cells(path, first, header)]
    if _is_number(names[0]):
        raise TraceError(
            "it begins with a number; write a header above, as `t, W`, that names units",
            file=path,
            line=first,
        )
    if len(names) == 1 and (sign := next((sign for sign in ";\t" if sign in names[0]), "")):
        raise TraceError(
            f"{printable(sign)!r} lies between its columns; write a comma there, and a point in numbers",
            file=path,
            line=first,
        )
    for name in names:
        if name not in COLUMNS:
            raise TraceError(
                f"unknown column {printable(name, 40)!r}; {did_you_mean(name, COLUMNS)}",
                file=path,
                line=first,
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
    split = ((at, _cells(path, at, line)) for at, line in body)
    return _rows(path, names, split, f"a number for each column of {', '.join(names)}, with a decimal point")


def _cells(path: Path, at: int, line: str) -> list[str]:
    try:
        return next(csv.reader([line], skipinitialspace=True))
    except csv.Error as error:
        raise TraceError(f"{error}; write numbers with commas between them", file=path, line=at) from None


def _rows(path: Path, names: Sequence[str], split: Iterator[tuple[int, Sequence[str]]], wanted: str) -> _Rows:
    """Return the rows of split lines."""
    columns, lines = [array("d") for _ in names], array("q")
    targets = [(name, *_BOUNDS[name], column) for name, column in zip(names, columns, strict=True)]
    for at, cells in split:
        if len(cells) != len(names):
            raise TraceError(f"it has {len(cells)} values; write {wanted}", file=path, line=at)
        for cell, (name, low, high, column) in zip(cells, targets, strict=True):
            try:
                value = float(cell)
            except ValueError:
                value = math.nan
            if not low <= value <= high or "_" in cell:
                text = printable(cell.strip(), 40)
                raise TraceError(
                    f"{name} is {text!r}; write a number from {low:g} to {high:g}", file=path, line=at
                )
            column.append(value)
        lines.append(at)
    found = {name: np.array(column) for name, column in zip(names, columns, strict=True)}
    return _Rows(found, np.array(lines, np.int64))


def _times(path: Path, rows: _Rows, even: bool) -> Column:
    """Return the microseconds from the first row to each one.

    Raises:
        TraceError: They do not rise, samples that must be `even` have a gap, or they last too long.
    """
    name = next(name for name in rows.columns if name in _TIMES)
    times, unit = rows.columns[name], _TIMES[name]
    steps = np.diff(times)
    usual = float(np.sort(steps)[len(steps) // 2])
    odd = (np.abs(steps - usual) > _EVEN * usual) if even else np.zeros(len(steps), np.bool_)
    if (wrong := np.flatnonzero((steps <= 0) | odd)).size:
        at = int(wrong[0])
        line, step = int(rows.lines[at + 1]), float(steps[at])
        if step <= 0:
            back = f"{name} is {times[at + 1]:.15g} after {times[at]:.15g}"
            raise TraceError(f"{back}; write times that rise from row to row", file=path, line=line)
        gap = f"{step:g} ms lie between the samples, elsewhere {usual:g}"
        renumber = "number even samples anew, as with awk '{print NR - 1, $2}'"
        raise TraceError(f"{gap}; cut the file there, or {renumber}", file=path, line=line)
    seconds = float(times[-1] - times[0]) * unit / 1e6
    if seconds > _LONGEST_S:
        raise TraceError(
            f"it lasts {seconds:,.0f} s, at most {_LONGEST_S:,} are possible; check its unit", file=path
        )
    us = _whole(times * unit)
    if (stuck := np.flatnonzero(np.diff(us) <= 0)).size:
        line = int(rows.lines[int(stuck[0]) + 1])
        raise TraceError(
            "its time is less than a microsecond after the last one; leave it out", file=path, line=line
        )
    first = int(us[0])
    return us - first


def _power(path: Path, rows: _Rows, ohms: float | None, most_uw: int | None) -> Column | None:
    """Return the power in microwatts, None without a column of it."""
    power, volts = rows.one_of(_POWERS), rows.one_of(_VOLTS)
    if volts is not None:
        if ohms is None:
            raise TraceError(
                "it holds a voltage; name the resistor that it was measured over, as FILE:ohms=30000",
                file=path,
            )
        power = volts**2 / ohms * 1e6
        if float(power.max()) > _BOUNDS["uW"][1]:
            raise TraceError(
                f"its largest power over {ohms:g} ohms is {power.max() / 1e6:,.0f} W; check its unit",
                file=path,
            )
    elif ohms is not None:
        raise TraceError("it holds no voltage, so `ohms` means nothing; leave it out", file=path)
    if most_uw is not None:
        if power is None or not power.any():
            raise TraceError("it has no power that `mw` could scale; leave it out", file=path)
        return _whole(np.floor(power * float(most_uw) / power.max()))
    if power is not None and 0 < power.max() < 1:
        small = f"its largest power is {power.max():.3g} uW, and a replay counts whole ones"
        raise TraceError(f"{small}; check its unit, or scale it, as FILE:mw=1", file=path)
    return None if power is None else _whole(power)


def _whole(values: Floats) -> Column:
    whole: Column = np.rint(values).astype(np.int64)
    return whole
