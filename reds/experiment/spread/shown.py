"""Show the trainings that run at once: a bar for each on a terminal, and lines on any other console."""

import time
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TimeElapsedColumn

from reds.experiment.spread.news import News
from reds.training.progress import SILENT_SECONDS


class Shown:
    """Show how trainings go on; as a context manager it draws bars until its end."""

    def __init__(self, console: Console, trainings: int) -> None:
        """Show on `console` how many of so many trainings are done."""
        self.console, self.done, self.trainings = console, 0, trainings
        self._bars = Progress(
            "{task.description}", BarColumn(12), MofNCompleteColumn(), TimeElapsedColumn(),
            "{task.fields[now]}", console=console, disable=not console.is_terminal,
        )  # fmt: skip
        self._all = self._bars.add_task("trainings", total=trainings, now="")
        self._tasks: dict[str, TaskID] = {}
        self._running: dict[str, str] = {}
        self._said = time.monotonic()

    def __enter__(self) -> "Shown":
        """Begin to draw."""
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End to draw."""
        self._bars.stop()

    def hear(self, news: News) -> None:
        """Show what a worker posted."""
        if not news.text:
            return
        reached = f" {news.done}/{news.epochs}" if news.accuracies else ""
        values = [f"{name} {100 * accuracy:.1f}" for name, accuracy in news.accuracies]
        ends = " .. ".join(values[:: len(values) - 1] if len(values) > 1 else values)
        self._running[news.name] = f"{news.text}{reached}"
        if news.name not in self._tasks:
            self._tasks[news.name] = self._bars.add_task(news.name, total=None, now="")
        now = f"{news.text}  {ends}"
        self._bars.update(self._tasks[news.name], completed=news.done, total=news.epochs or None, now=now)
        if not self.console.is_terminal:
            validation = f" validation {'  '.join(values)}" if values else ""
            self.say(f"{news.name}: {news.text}{reached}{validation}")

    def finish(self, name: str) -> None:
        """Show that a training is done and written."""
        self.done += 1
        self._running.pop(name, None)
        self._bars.update(self._all, completed=self.done)
        if (task := self._tasks.pop(name, None)) is not None:
            self._bars.remove_task(task)
        self.say(f"{name}: done, {self.done} of {self.trainings}")

    def wait(self) -> None:
        """Say at intervals what runs, where no bars are drawn."""
        if not self.console.is_terminal and time.monotonic() - self._said > SILENT_SECONDS:
            self.say(
                ", ".join(f"{name}: {text}" for name, text in self._running.items()) or "waiting for workers"
            )

    def say(self, line: str) -> None:
        """Print a line above the bars."""
        self._said = time.monotonic()
        self.console.print(line, soft_wrap=True)
