"""Show what runs: a bar for each phase of training and each step, the time left, and every accuracy.

No console is silent for long: where no bars can be drawn, a line says at intervals what still runs.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from threading import Event, Thread

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TimeElapsedColumn
from rich.progress import Progress as Bars

from reds.training.report import Report
from reds.training.time_left import Phase, TimeLeft, in_words

SILENT_SECONDS = 30.0
"""Longest time without a line where no bars can be drawn."""


class Progress:
    """Draw bars on a terminal; on any other console print lines."""

    def __init__(self, console: Console, phases: Sequence[Phase] = ()) -> None:
        """Show what runs on `console`; the time of `phases`, in their order, is estimated."""
        self.console, self.time_left, self.announced = console, TimeLeft(phases), False

    @contextmanager
    def phase(self, title: str, names: Sequence[str], epochs: int) -> Iterator[Report]:
        """Show a phase of training; yield what follows the training.

        Args:
            title: Title of the phase.
            names: Names of the subnets.
            epochs: Number of epochs.
        """
        with self._bars(MofNCompleteColumn()) as bars:
            shown = _Shown(self, bars, Phase(title, epochs), names)
            with self._heard(shown.where):
                yield shown

    @contextmanager
    def step(self, title: str, total: int | None = None, brief: bool = False) -> Iterator[Callable[[], None]]:
        """Show a step without epochs; yield the function to call after each of its parts.

        Args:
            title: Title of the step.
            total: Number of its parts; None if they are not counted.
            brief: Show nothing of the step once it is done, or if it takes no time.
        """
        with self._bars(*([MofNCompleteColumn()] if total else []), transient=brief) as bars:
            task = bars.add_task(title, total=total, now="")
            if not (self.console.is_terminal or brief):
                self.console.print(title)

            def where() -> str:
                return f"{title}{f' {bars.tasks[task].completed:.0f}/{total}' if total else ''}"

            with self._heard(where):
                yield lambda: bars.advance(task)
            bars.update(task, total=total or 1, completed=total or 1)

    def _bars(self, *counts: MofNCompleteColumn, transient: bool = False) -> Bars:
        hidden = not self.console.is_terminal
        return Bars(
            "{task.description}", BarColumn(12), *counts, TimeElapsedColumn(), "{task.fields[now]}",
            console=self.console, disable=hidden, transient=transient,
        )  # fmt: skip

    @contextmanager
    def _heard(self, where: Callable[[], str]) -> Iterator[None]:
        """Print at intervals what runs, where no bars can be drawn; `where` says it."""
        ended = Event()

        def say() -> None:
            seconds = SILENT_SECONDS
            while not ended.wait(SILENT_SECONDS):
                self.console.print(f"{where()}: for {in_words(seconds)}", soft_wrap=True)
                seconds += SILENT_SECONDS

        if self.console.is_terminal:
            yield
            return
        speaker = Thread(target=say, daemon=True)
        speaker.start()
        try:
            yield
        finally:
            ended.set()
            speaker.join()


class _Shown(Report):
    """Show one phase of training."""

    def __init__(self, progress: Progress, bars: Bars, phase: Phase, names: Sequence[str]) -> None:
        self.progress, self.bars, self.phase, self.names = progress, bars, phase, names
        self.steps = self.done = self.counted = 0
        self.task = bars.add_task(phase.title, total=phase.epochs, now="")

    def start(self, done: int, steps: int) -> None:
        """Say which epoch a training that was stopped goes on after."""
        self.steps, self.done = steps, done
        self.progress.time_left.begin(self.phase, done, steps)
        self.bars.update(self.task, completed=done)
        if done:
            self._say(f"{self.phase.title}: resumed from epoch {done} of {self.phase.epochs}")

    def step(self) -> None:
        """Move the bar; say how long all takes once enough minibatches are timed."""
        self.counted += 1
        self.progress.time_left.step()
        self.bars.update(self.task, completed=self.done + min(self.counted / self.steps, 1))
        self._announce()

    def epoch(self, number: int, accuracies: Sequence[float]) -> None:
        """Show the accuracies after an epoch and the time left."""
        self.progress.time_left.epoch()
        self._announce()
        self.done, self.counted = number, 0
        seconds = sum(self.progress.time_left.seconds.values())
        left = f"{in_words(seconds)} left" if seconds else ""
        shown = [f"{x} {100 * a:.1f}" for x, a in zip(self.names, accuracies, strict=True)]
        ends = " .. ".join(shown[:: len(shown) - 1] if len(shown) > 1 else shown)  # a bar has one line
        self.bars.update(self.task, completed=number, now=f"{ends}  {left}")
        if not self.progress.console.is_terminal:
            self._say(f"{self.where()} validation {'  '.join([*shown, left])}".rstrip())

    def where(self) -> str:
        """Return the phase, its epochs done, and the minibatch under way."""
        inside = f", minibatch {self.counted} of {self.steps}" if self.counted else ""
        return f"{self.phase.title} {self.done}/{self.phase.epochs}{inside}"

    def _announce(self) -> None:
        """Say once how long the training takes, in all and by phase."""
        if self.progress.announced or not self.progress.time_left.known:
            return
        self.progress.announced = True
        seconds = self.progress.time_left.seconds
        each = ", ".join(f"{title} {in_words(left)}" for title, left in seconds.items())
        self._say(f"training takes about {in_words(sum(seconds.values()))}: {each}")

    def _say(self, text: str) -> None:
        self.progress.console.print(text, soft_wrap=True)
