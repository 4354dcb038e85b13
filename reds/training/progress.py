"""Show training as it runs: a bar for each phase and the validation accuracy of every subnet."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TimeElapsedColumn
from rich.progress import Progress as Bars

from reds.training.trainer import Report


class Progress:
    """Draw bars on a terminal; on any other console print a line after every epoch."""

    def __init__(self, console: Console) -> None:
        self.console = console

    @contextmanager
    def phase(self, title: str, names: Sequence[str], epochs: int) -> Iterator[Report]:
        """Show a phase of training; yield the function to call after each epoch.

        Args:
            title: Title of the phase.
            names: Names of the subnets.
            epochs: Number of epochs.
        """
        columns = "{task.description}", BarColumn(12), MofNCompleteColumn(), TimeElapsedColumn()
        with Bars(
            *columns, "{task.fields[now]}", console=self.console, disable=not self.console.is_terminal
        ) as bars:
            task = bars.add_task(title, total=epochs, now="")

            def report(epoch: int, accuracies: Sequence[float]) -> None:
                shown = "  ".join(f"{x} {100 * a:.1f}" for x, a in zip(names, accuracies, strict=True))
                bars.update(task, completed=epoch, now=f"validation {shown}")
                if not self.console.is_terminal:
                    self.console.print(f"{title} {epoch}/{epochs} validation {shown}", soft_wrap=True)

            yield report

    @contextmanager
    def step(self, title: str) -> Iterator[None]:
        """Show a step without epochs: a spinner on a terminal, else a line."""
        if self.console.is_terminal:
            with self.console.status(title):
                yield
        else:
            self.console.print(title)
            yield
