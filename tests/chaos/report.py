"""Show how a chaos goes, and what it found: a bar from the first second, each violation at once, a table."""

import shlex
import time
from collections import defaultdict
from dataclasses import dataclass

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Column, Table

from tests.chaos.faults import NONE
from tests.chaos.kind import LEFT
from tests.chaos.run import Run

_LINE_SECONDS = 10.0
"""Seconds between the lines that stand for the bar where there is no terminal."""
_COLUMNS = ("runs", "faults", "right verdicts", "violations", "longest overrun", "leftovers")


@dataclass
class Counts:
    """What runs found; `right` counts those without a violation, `leftovers` those that left something."""

    runs: int = 0
    faults: int = 0
    right: int = 0
    violations: int = 0
    overrun: float = 0.0
    leftovers: int = 0

    def add(self, run: Run) -> None:
        """Count a run."""
        found = run.outcome
        self.runs += 1
        self.faults += found.fault != NONE
        self.right += not found.violations
        self.violations += len(found.violations)
        self.overrun = max(self.overrun, found.overrun)
        self.leftovers += any(text.startswith(LEFT) for text in found.violations)

    def cells(self) -> list[str]:
        """Return the cells of the table's row."""
        counts = [f"{n:,}" for n in (self.runs, self.faults, self.right, self.violations)]
        return [*counts, f"{self.overrun:.2f} s", f"{self.leftovers:,}"]


def repetition(run: Run, only: str) -> str:
    """Return the command that repeats just this run."""
    return f"make chaos SEED={run.seed} RUNS=1" + (f" ONLY={shlex.quote(only)}" if only else "")


class Report:
    """Shows runs as they end. `total` counts all of them, `by_kind` those of each kind.

    Args:
        console: Where to show them.
        minutes: How long the chaos takes.
        only: Part of the names of the kinds that it is limited to.
    """

    def __init__(self, console: Console, minutes: float, only: str) -> None:
        self.total = Counts()
        self.by_kind: dict[str, Counts] = defaultdict(Counts)
        self._console, self._only, self._seconds = console, only, minutes * 60
        self._begun = self._told = time.monotonic()
        columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
        self._bar = Progress(*columns, console=console, disable=not console.is_terminal)
        self._task = self._bar.add_task(self._counted(), total=self._seconds)

    def __enter__(self) -> "Report":
        self._bar.start()
        if not self._console.is_terminal:
            self._say(self._counted())
        return self

    def __exit__(self, *error: object) -> None:
        self._bar.stop()

    def add(self, run: Run) -> None:
        """Count a run, and show its violations at once."""
        self.total.add(run)
        self.by_kind[run.outcome.kind].add(run)
        for text in run.outcome.violations:
            self._say(f"violation: {run.outcome.kind}: {text}")
        if run.outcome.violations:
            self._say(f"  fault: {run.outcome.fault}; verdict: {run.outcome.verdict}")
            self._say(f"  repeat: {repetition(run, self._only)}")

    def show(self) -> None:
        """Show how far the chaos is: on a terminal the bar, elsewhere a line now and then."""
        now = time.monotonic()
        self._bar.update(self._task, description=self._counted(), completed=now - self._begun)
        if not self._console.is_terminal and now - self._told > _LINE_SECONDS:
            self._told = now
            self._say(f"{now - self._begun:.0f} of {self._seconds:.0f} s: {self._counted()}")

    def table(self) -> Table:
        """Return the table of all kinds."""
        table = Table(Column("kind", no_wrap=True))
        for column in _COLUMNS:
            table.add_column(column, justify="right")
        for kind in sorted(self.by_kind):
            table.add_row(escape(kind), *self.by_kind[kind].cells())
        table.add_section()
        table.add_row("all", *self.total.cells())
        return table

    def _say(self, text: str) -> None:
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)

    def _counted(self) -> str:
        return f"{self.total.runs:,} runs, {self.total.violations:,} violations"
