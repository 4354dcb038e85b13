"""Compute the loss of a task's outputs, and count how good they are."""

from typing import Protocol

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812, the field's name for it
from torch import Tensor

from reds.pack.task import Task, r2


class Goal(Protocol):
    """Target of a training, by its task: the loss that it makes smaller, and the score that judges it."""

    def loss(self, outputs: Tensor, target: Tensor) -> Tensor:
        """Return the loss of a minibatch, a number.

        Args:
            outputs: Those of a subnet, float32 [N, outputs].
            target: What they should be, float32 [N, outputs].
        """
        ...

    def smoothed(self, target: Tensor) -> Tensor:
        """Return the target that is trained for, float32 [N, outputs]."""
        ...

    def taught(self, target: Tensor, outputs: Tensor, share: float) -> Tensor:
        """Return the target of the smaller subnets, of which the full net's outputs are a share."""
        ...

    def counts(self, outputs: Tensor, truth: Tensor) -> Tensor:
        """Return sums over examples, float64, from which `score` follows."""
        ...

    def score(self, counts: Tensor, truth: Tensor) -> float:
        """Return how good all outputs are, a fraction, by the sum of their `counts`."""
        ...


class Classes:
    """Give the right class the largest logit."""

    def __init__(self, smoothing: float = 0.0) -> None:
        """Spread a share `smoothing` of each target evenly over all classes."""
        self.smoothing = smoothing

    def loss(self, outputs: Tensor, target: Tensor) -> Tensor:
        """Return the cross-entropy. Targets are probabilities."""
        return F.cross_entropy(outputs, target)

    def taught(self, target: Tensor, outputs: Tensor, share: float) -> Tensor:
        """Return probabilities."""
        return torch.lerp(target, outputs.softmax(1), share)

    def smoothed(self, target: Tensor) -> Tensor:
        """Return target probabilities [N, classes] of which a share is spread evenly over all classes."""
        return (1 - self.smoothing) * target + self.smoothing / target.shape[1]

    def counts(self, outputs: Tensor, truth: Tensor) -> Tensor:
        """Return the number of right answers [1]; `truth` are labels [N]."""
        return (outputs.argmax(1) == truth).sum()[None].double()

    def score(self, counts: Tensor, truth: Tensor) -> float:
        """Return the accuracy."""
        return float(counts[0]) / len(truth)


class Values:
    """Bring each output near its value. Errors count by the deviation of their output."""

    def __init__(self, truth: Tensor) -> None:
        """Measure deviations by the values of examples, float32 [N, outputs]."""
        self.deviation = truth.std(0).clamp_min(1e-6)

    def loss(self, outputs: Tensor, target: Tensor) -> Tensor:
        """Return the mean squared error."""
        return (((outputs - target) / self.deviation.to(outputs.device)) ** 2).mean()

    def smoothed(self, target: Tensor) -> Tensor:
        """Return the values as they are."""
        return target

    def taught(self, target: Tensor, outputs: Tensor, share: float) -> Tensor:
        """Return values."""
        return torch.lerp(target, outputs, share)

    def counts(self, outputs: Tensor, truth: Tensor) -> Tensor:
        """Return the sum of the squared errors of each output [outputs]."""
        return ((outputs.double() - truth) ** 2).sum(0)

    def score(self, counts: Tensor, truth: Tensor) -> float:
        """Return r2."""
        values = truth.double()
        spread = ((values - values.mean(0)) ** 2).sum(0)
        return r2(np.asarray(counts.cpu()), spread.numpy())


def goal_of(task: Task, truth: Tensor, smoothing: float) -> Classes | Values:
    """Return the goal of a training.

    Args:
        task: The task of the net.
        truth: Labels or values of the validation examples.
        smoothing: The share of a target class that is spread over all classes.
    """
    return Classes(smoothing) if task == "classes" else Values(truth)
