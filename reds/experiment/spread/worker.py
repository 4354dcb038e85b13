"""Run one training in a worker of Ray, and post its progress and its states to the driver."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from rich.console import Console

from reds.data.catalog import Data
from reds.experiment.prepare import Checked, with_examples
from reds.experiment.spread.news import News
from reds.experiment.variants import Training, Variant, run_training, written
from reds.graph.subnets import SubnetSpec
from reds.training.checkpoint import Checkpoint, State
from reds.training.progress import Progress
from reds.training.report import Report

Post = Callable[[News], None]


class PostedStates(Checkpoint):
    """Post the states of a training after every epoch; the driver writes them to its disk."""

    def __init__(self, name: str, before: Checkpoint, post: Post) -> None:
        """Go on from the states of another checkpoint; `name` is that of the training."""
        super().__init__(key=before.key)
        self.phases, self._name, self._post = dict(before.phases), name, post

    def save(self, phase: str, state: State) -> None:
        """Replace the state of a phase, and post all."""
        super().save(phase, state)
        self._post(News(self._name, "", states=self.packed()))


class PostedProgress(Progress):
    """Post the progress of a training."""

    def __init__(self, name: str, post: Post) -> None:
        """Post as the training `name`."""
        super().__init__(Console(quiet=True))
        self._name, self._post = name, post

    @contextmanager
    def phase(self, title: str, names: Sequence[str], epochs: int) -> Iterator[Report]:
        """Post each epoch of a phase.

        Args:
            title: Title of the phase.
            names: Names of the subnets.
            epochs: Number of epochs.
        """
        yield _PostedReport(self._name, title, names, epochs, self._post)

    @contextmanager
    def step(self, title: str, total: int | None = None, brief: bool = False) -> Iterator[Callable[[], None]]:
        """Post the beginning of a step.

        Args:
            title: Title of the step.
            total: Not used.
            brief: Not used.
        """
        self._post(News(self._name, title))
        yield lambda: None


class _PostedReport(Report):
    """Post each epoch of one phase."""

    def __init__(self, name: str, title: str, names: Sequence[str], epochs: int, post: Post) -> None:
        self.name, self.title, self.names, self.epochs, self.post = name, title, names, epochs, post

    def start(self, done: int, steps: int) -> None:
        """Post which epoch the phase goes on after."""
        text = f"{self.title}: resumed from epoch {done} of {self.epochs}" if done else self.title
        self.post(News(self.name, text, done, self.epochs))

    def epoch(self, number: int, accuracies: Sequence[float]) -> None:
        """Post the accuracies after an epoch."""
        named = tuple(zip(self.names, accuracies, strict=True))
        self.post(News(self.name, self.title, number, self.epochs, named))


def train_remotely(
    checked: Checked, data: Data, training: Training, subnets: Sequence[SubnetSpec], states: Checkpoint,
    threads: int, mailbox: Any,
) -> tuple[Variant, Mapping[str, bytes]]:  # fmt: skip
    """Run one training in this worker; return its results and its files by their names.

    Args:
        checked: The recipe that was read from a file.
        data: Its examples, which all workers of a machine share.
        training: What to train.
        subnets: The subnets of the training `widths_of`.
        states: The states to go on from.
        threads: Threads of torch.
        mailbox: Ray's handle of the `Mailbox`.
    """
    import ray

    def post(news: News) -> None:
        ray.get(mailbox.post.remote(news))

    prepared = with_examples(checked, data, threads)
    states = PostedStates(training.name, states, post)
    result = run_training(prepared, training, subnets, PostedProgress(training.name, post), states)
    with TemporaryDirectory(prefix="reds-") as folder:
        variant = written(result, Path(folder) / f"{training.name}.reds")
        return variant, {path.name: path.read_bytes() for path in Path(folder).iterdir()}
