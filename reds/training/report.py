"""Follow a training as it runs: its first minibatch, every minibatch and every epoch."""

from collections.abc import Sequence


class Report:
    """Hear how a training goes; this one says nothing, and others override what they show."""

    def start(self, done: int, steps: int) -> None:
        """Hear that a training begins, or goes on after `done` epochs; an epoch has `steps` minibatches."""

    def step(self) -> None:
        """Hear that a minibatch is done."""

    def epoch(self, number: int, accuracies: Sequence[float]) -> None:
        """Hear that epoch `number`, from 1, is done and kept, and each subnet's validation accuracy."""
