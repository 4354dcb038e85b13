"""Show runs as tables and lines that fit a hundred columns."""

from collections.abc import Iterator, Mapping, Sequence

from rich.table import Table

from hil.results.difference import Change
from hil.results.measurement import Measurement
from hil.results.run import BAD, BoardIdentity, Run, TestOutcome
from reds.text import LINE, printable

_SHOWN = 30
"""Most failures of a run that are shown."""
_FIGURES = ("tests", "failed", "before", "after", "change")
"""Heads of columns of figures."""
_PARTS = ("fraction", "share")
"""Units of figures that are shown in percent."""
HEADS = ("board", "subnet", "metric", "unit", "before", "after", "change", "")
"""Heads of the columns of figures of two runs."""
Ended = Mapping[tuple[str, str, str], int]
"""Numbers of tests by board, provenance and outcome."""


def _table(heads: Sequence[str], lines: Sequence[Sequence[str]]) -> Table:
    """Return a plain table; figures are at the right of their columns."""
    made = Table(box=None, pad_edge=False, header_style="")
    for head in heads:
        made.add_column(head, justify="right" if head in _FIGURES else "left", overflow="fold")
    for line in lines:
        made.add_row(*map(printable, line))
    return made


def runs_table(runs: Sequence[Run], ended: Mapping[str, Ended]) -> Table:
    """Return a line for each run, the newest first.

    Args:
        runs: The runs.
        ended: How the tests of each ended, by its id.
    """
    heads = "run", "status", "pack", "boards", "tests", "failed"
    return _table(heads, [_run_line(run, ended[run.id]) for run in runs])


def _run_line(run: Run, ended: Ended) -> list[str]:
    boards = sorted({f"{board} {provenance or 'absent'}" for board, provenance, _ in ended if board})
    bad = sum(count for (_, _, outcome), count in ended.items() if outcome in BAD)
    status = f"{run.status}, accepted" if run.accepted else run.status
    pack = run.pack.name if run.pack else "-"
    return [run.id, status, pack, ", ".join(boards), f"{sum(ended.values())}", f"{bad}"]


def facts(run: Run, boards: Sequence[BoardIdentity]) -> dict[str, str]:
    """Return the facts of a run by their names, without those that are unknown."""
    found = {
        "started": run.started,
        "ended": run.ended,
        "host": run.host,
        "commit": run.commit + (" with changes" if run.dirty else ""),
        "reds-hil": run.tool,
        "command": run.command,
        "pack": f"{run.pack.name}, sha256 {run.pack.sha256}, shape {run.pack.shape}" if run.pack else "",
        "options": ", ".join(f"{name}={value}" for name, value in run.settings.items()),
        "accepted as baseline": run.accepted,
    }
    for board in boards:
        parts = [board.target, board.provenance, board.serial, board.emulator, f"agent {board.build}"]
        found[f"board {board.board}"] = ", ".join(filter(None, parts))
    return {name: value for name, value in found.items() if value}


def about(run: Run, boards: Sequence[BoardIdentity], tests: Sequence[TestOutcome]) -> Iterator[str]:
    """Yield lines that say what a run is, and which of its tests failed.

    Args:
        run: The run.
        boards: Its boards.
        tests: How its tests ended.
    """
    lines = {"run": run.id, "status": run.status, **facts(run, boards)}
    yield from (printable(f"{name}: {value}", LINE) for name, value in lines.items())
    bad = [test for test in tests if test.outcome in BAD]
    for test in bad[:_SHOWN]:
        yield printable(f"{test.outcome.upper()}: {test.test}: {test.why}", LINE)
    if len(bad) > _SHOWN:
        yield f"and {len(bad) - _SHOWN} more"


def changes_table(changes: Sequence[Change], everything: bool) -> Table:
    """Return a line for each figure of two runs.

    Args:
        changes: The figures.
        everything: Also figures that are equal.
    """
    return _table(HEADS, [change_line(change) for change in changes if everything or change.differs])


def change_line(change: Change) -> list[str]:
    """Return a figure of two runs as text, one for each of `HEADS`."""
    who = f"{change.board.board} {change.board.provenance}"
    figures = [_figure(each) for each in (change.before, change.after)]
    relative = "" if change.relative is None else f"{change.relative:+.2%}"
    return [who, change.subnet, change.metric, change.unit, *figures, relative, change.judged]


def _figure(measurement: Measurement | None) -> str:
    if measurement is None:
        return "-"
    if measurement.unit in _PARTS:
        return f"{measurement.value:.2%}"
    whole = measurement.value == int(measurement.value)
    return format(measurement.value, ",.0f" if whole else ",.3f")
