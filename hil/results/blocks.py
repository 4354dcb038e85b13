"""Print the figures of a run with limits and verdicts, a block of a hundred columns for each board and pack.

A switch counts for the subnet that it selects, with its slowest sample. Cycles are not shown beside the
latency that is computed from them, nor counts of switches beside their times: the files hold all figures.
"""

import io
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from rich.console import Console
from rich.table import Table

from hil.results.conditions import warnings
from hil.results.limit import Limit
from hil.results.measurement import INFRASTRUCTURE_ERRORS, UNITS, latest
from hil.results.run import BAD, TestOutcome
from reds.console import wide_console
from reds.text import LINE, percent, printable

COLUMNS = 100
"""Columns that a block fits, unless a name or a figure alone is wider."""
_BAR = 8
"""Width of the longest bar."""
_MOST_COUNT = 1e15
"""Counts below it are exact as floating point numbers."""
_EIGHTHS = " ▏▎▍▌▋▊▉█"
Who = tuple[str, str, str]
"""Target, board and provenance."""
Bench = tuple[Who, str, str]
"""A board, and name and checksum of a pack."""


@dataclass(frozen=True)
class _Column:
    """A column of figures: head, metric, and form of a value."""

    head: str
    metric: str
    form: Callable[[float], str]


def _time(value: float) -> str:
    return format(value, ",.1f" if value >= 100 else ",.2f")


def _as(form: str) -> Callable[[float], str]:
    return lambda value: format(value, form)


def _figure(value: float) -> str:
    """Return a figure of any unit; a count in full."""
    return format(value, ",.0f" if float(value).is_integer() and abs(value) < _MOST_COUNT else ",.6g")


_KNOWN = (
    _Column("MACs", "macs", _as(",.0f")),
    _Column("accuracy", "accuracy", percent),
    _Column("latency us", "latency", _time),
    _Column("tflite us", "tflite_latency", _time),
    _Column("file B", "tflite_file", _as(",.0f")),
    _Column("RAM B", "tflite_ram", _as(",.0f")),
    _Column("ours : tflite", "tflite_ratio", _as(".3g")),
    _Column("cycles", "cycles", _as(",.0f")),
    _Column("instructions", "instructions", _as(",.0f")),
    _Column("flash words", "flash_words", _as(",.0f")),
    _Column("switch us", "switch", _as(",.2f")),
    _Column("switch instr.", "switch_instructions", _as(",.0f")),
    _Column("energy mJ", "energy", _as(",.4g")),
    _Column("stack B", "stack", _as(",.0f")),
    _Column("RAM B", "ram", _as(",.0f")),
)
_HIDDEN = (
    "mismatches",
    "switch_cycles",
    "switch_flash_words",
    "energy_switch",
    "power_idle",
    "answer",
    "label",
    "arena",
    *("room_flash", "room_arena"),
    INFRASTRUCTURE_ERRORS,
)
_HIDDEN_KINDS = ("first", "layer", "replay")
_COVERED = {"cycles": "latency", "switch_instructions": "switch"}
"""Figures that another one says too."""


@dataclass
class _Block:
    """Figures of one board by subnet and column, each with the interval of its value, and their limits."""

    figures: dict[str, dict[str, tuple[float, float | None, float | None]]] = field(default_factory=dict)
    limits: dict[tuple[str, str], Limit] = field(default_factory=dict)


def render(
    measurements: Sequence[Mapping[str, Any]],
    notes: Sequence[str],
    limits: Iterable[Limit] = (),
    outcomes: Mapping[Who, Mapping[str, int]] | None = None,
) -> str:
    """Return the blocks as text, with warnings and notes below them.

    A board that ran several packs has a block for each. Its tests are counted above the first.

    Args:
        measurements: Plain measurements.
        notes: Lines that follow.
        limits: Limits that tests held figures to.
        outcomes: Numbers of tests by board and outcome; None if nobody counted.
    """
    out = io.StringIO()
    console = wide_console(out)
    found = _blocks(measurements, limits)
    for who in dict.fromkeys((*(who for who, *_ in found), *(outcomes or {}))):
        ended = (outcomes or {}).get(who, {})
        for title, block in _of_board(who, found):
            console.print(printable(f"{_name(who)}{title}{_counts(ended)}", LINE), soft_wrap=True)
            if block:
                console.print(_narrow(block, console))
            console.print()
            ended = {}  # once for each board
    for note in (*warnings(measurements), *notes):
        console.print(printable(note, LINE), soft_wrap=True)
    return "".join(f"{line.rstrip()}\n" for line in out.getvalue().splitlines())


def _blocks(measurements: Iterable[Mapping[str, Any]], limits: Iterable[Limit]) -> dict[Bench, _Block]:
    found: dict[Bench, _Block] = {}
    for m in latest(measurements):
        metric, subnet = str(m["metric"]), str(m["subnet"]).split("->")[-1]
        if metric in _HIDDEN or metric.partition("_")[0] in _HIDDEN_KINDS:
            continue
        who = m["target"], m["board"], m["provenance"]
        block = found.setdefault((who, m["pack"], m["pack_sha256"]), _Block())
        of_subnet = block.figures.setdefault(subnet, {})
        column = _column(metric, str(m["unit"]))
        value, slowest = float(m["value"]), of_subnet.get(column)
        if slowest is None or not metric.startswith("switch") or value > slowest[0]:
            of_subnet[column] = value, m.get("low"), m.get("high")
    for limit in {limit.figure: limit for limit in limits}.values():  # of a test that ran again, the last
        key = limit.subnet.split("->")[-1], _column(limit.metric, limit.unit)
        for (who, _, sha256), block in found.items():
            if who == (limit.target, limit.board, limit.provenance) and limit.pack_sha256 in ("", sha256):
                before = block.limits.get(key)
                if before is None or before.kept:
                    block.limits[key] = limit
    return found


def _of_board(who: Who, found: Mapping[Bench, _Block]) -> list[tuple[str, _Block | None]]:
    """Return the blocks of a board, each with a title that names its pack if there are several.

    A board without figures has one block that is None.
    """
    benches = [bench for bench in found if bench[0] == who]
    names = Counter(name for _, name, _ in benches)
    titles = [f", {name}" + f" {sha256[:8]}" * (names[name] > 1) for _, name, sha256 in benches]
    several = len(benches) > 1
    blocks = [(title * several, found[bench]) for title, bench in zip(titles, benches, strict=True)]
    return [*blocks] or [("", None)]


def _column(metric: str, unit: str) -> str:
    """Return the column of a figure: a metric of the suite in its unit, else the metric and its unit."""
    ours = any(metric == column.metric for column in _KNOWN) and UNITS.get(metric, unit) == unit
    return metric if ours else f"{metric} {unit}"


def _name(who: Who) -> str:
    target, board, provenance = who
    name = board if board == target else f"{board} ({target})"
    return f"{name}, {provenance}"


def _counts(ended: Mapping[str, int]) -> str:
    """Return how many tests of a board ended how, what failed in capitals."""
    counts = [f"{ended[word]} {word.upper()}" for word in BAD if ended.get(word)]
    counts += [f"{n} {word}" for word, n in sorted(ended.items()) if word not in BAD]
    return f": {', '.join(counts)}" if counts else ""


def _narrow(block: _Block, console: Console) -> Table:
    """Return a block's table without its bars and intervals where it would be too wide with them."""
    tables = [
        _table(block, bars, intervals) for bars, intervals in ((True, True), (False, True), (False, False))
    ]
    fitting = (table for table in tables if console.measure(table).maximum <= COLUMNS)
    return next(fitting, tables[-1])


def _table(block: _Block, bars: bool, intervals: bool) -> Table:
    table = Table(box=None, pad_edge=False, header_style="", padding=(0, 2, 0, 0))
    table.add_column("subnet", no_wrap=True)
    ranked = sorted(block.figures.items(), key=lambda item: item[1].get("macs", (0.0,))[0])
    columns: list[tuple[str, str, list[str]]] = []
    for column in _columns(block):
        cells = [_cell(column, figures.get(column.metric), intervals) for _, figures in ranked]
        columns.append((column.head, "right", cells))
        found = [block.limits.get((subnet, column.metric)) for subnet, _ in ranked]
        if any(found):
            columns.append(("limit", "left", [_limit(column, limit) for limit in found]))
    if bars and (lengths := _bars([figures for _, figures in ranked])):
        columns.append(("", "left", lengths))
    for head, side, _ in columns:
        table.add_column(head, justify="right" if side == "right" else "left", no_wrap=True)
    for i, (subnet, _) in enumerate(ranked):
        table.add_row(printable(subnet), *(cells[i] for _, _, cells in columns))
    return table


def _columns(block: _Block) -> Iterator[_Column]:
    """Yield the columns that a block needs: known figures in order, then those of users."""
    there = {name for figures in block.figures.values() for name in figures}
    limited = {name for _, name in block.limits}
    for column in _KNOWN:
        covered = _COVERED.get(column.metric) in there and column.metric not in limited
        memory = column.metric in ("stack", "ram") and column.metric not in limited
        if column.metric in there and not covered and not memory:
            yield column
    for name in sorted(there - {column.metric for column in _KNOWN}):
        yield _Column(printable(name), name, _figure)


def _cell(column: _Column, figure: tuple[float, float | None, float | None] | None, intervals: bool) -> str:
    """Return a figure, with its interval if that is not the figure alone."""
    if figure is None:
        return "-"
    value, low, high = figure
    shown = column.form(value)
    if not intervals or low is None or high is None or low == high:
        return shown
    return f"{shown} ({column.form(low).removesuffix(' %')}..{column.form(high).removesuffix(' %')})"


def _limit(column: _Column, limit: Limit | None) -> str:
    if limit is None:
        return ""
    shown = column.form(limit.value) if column.metric == "accuracy" else _figure(limit.value)
    return f"{'>=' if limit.least else '<='} {shown} {'ok' if limit.kept else 'FAILED'}"


def _bars(rows: Sequence[Mapping[str, tuple[float, float | None, float | None]]]) -> list[str]:
    """Return a bar for each subnet, as long as its latency, or its instructions where no time is measured."""
    metric = next((m for m in ("latency", "instructions") if all(m in row for row in rows)), None)
    if metric is None or len(rows) < 2 or not (most := max(row[metric][0] for row in rows)):
        return []
    return [_bar(row[metric][0] / most) for row in rows]


def _bar(share: float) -> str:
    whole, part = divmod(round(share * _BAR * 8), 8)
    return "█" * whole + (_EIGHTHS[part] if part else "")


def counted(tests: Iterable[TestOutcome]) -> dict[Who, Counter[str]]:
    """Count outcomes of tests by board; a board without provenance was absent."""
    found: dict[Who, Counter[str]] = {}
    for test in tests:
        if test.board:
            who = test.target, test.board, test.provenance or "absent"
            found.setdefault(who, Counter())[test.outcome] += 1
    return found
