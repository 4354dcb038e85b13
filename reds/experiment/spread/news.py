"""Carry news of trainings from the workers to the driver. It imports no torch: its process starts at once."""

from dataclasses import dataclass


@dataclass(frozen=True)
class News:
    """Tell how one training goes on."""

    name: str
    """Name of the training."""
    text: str
    """Title of the step that runs, or empty if only states are posted."""
    done: int = 0
    """Epochs of the phase that are done."""
    epochs: int = 0
    """Epochs of the phase; 0 in a step without epochs."""
    accuracies: tuple[tuple[str, float], ...] = ()
    """Validation accuracy of each subnet after the epoch, a fraction, by name; none before its end."""
    states: bytes = b""
    """The file of the checkpoint after the epoch, if any."""


class Mailbox:
    """Keep the news of all workers until the driver takes them. It lives in a process of Ray's."""

    def __init__(self) -> None:
        self._news: list[News] = []

    def post(self, news: News) -> None:
        """Add to the news."""
        self._news.append(news)

    def take(self) -> list[News]:
        """Return the news since the last call, oldest first."""
        taken, self._news = self._news, []
        return taken
