"""Say what the outputs of a network are, and how good they are on labeled examples.

- `classes`: a logit for each class. Good is the accuracy, the share of examples whose largest logit is right.
- `values`: numbers, as of a regression. Good is r2, the share of the variance of the true numbers that the
  outputs explain, 0 if they explain none. The mean error is stated beside it.
- `anomalies`: the input again, as an autoencoder gives it. An example is odd if its outputs are far from it.
  Good is the AUC, the chance that an odd example lies farther from its outputs than a usual one does.

All three are fractions, of which more is better.
"""

from collections.abc import Mapping
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

Task = Literal["classes", "values", "anomalies"]
TASKS: tuple[Task, ...] = get_args(Task)
METRICS: Mapping[Task, str] = {"classes": "accuracy", "values": "r2", "anomalies": "auc"}
"""The metric of each task, as cards and results name it."""
Numbers = NDArray[np.floating[Any]]


def score(task: Task, outputs: Numbers, truth: NDArray[Any], inputs: Numbers) -> float:
    """Return how good outputs are, a fraction.

    Args:
        task: The task of the network.
        outputs: Real outputs [N, outputs].
        truth: Labels [N] of classes, values [N, outputs], or 1 for each odd example and 0 for others [N].
        inputs: Real inputs [N, outputs], which count for anomalies only.
    """
    if task == "classes":
        return float((outputs.argmax(1) == truth).mean())
    if task == "values":
        return r2(squared_errors(outputs, truth), squared_errors(truth.mean(0, keepdims=True), truth))
    return auc(((outputs - inputs) ** 2).mean(1), truth)


def squared_errors(outputs: Numbers, truth: Numbers) -> NDArray[np.float64]:
    """Return the sum of the squared errors of each output, float64 [outputs]."""
    return np.asarray(((outputs.astype(np.float64) - truth) ** 2).sum(0))


def r2(errors: NDArray[np.float64], spread: NDArray[np.float64]) -> float:
    """Return the mean share of the variance that is explained, at least 0.

    Args:
        errors: Sum of squared errors of each output [outputs].
        spread: The same of the mean of the true values. Outputs that do not vary do not count.
    """
    varies = spread > 0
    shares = 1 - errors[varies] / spread[varies]
    return max(0.0, float(shares.mean())) if varies.any() else 0.0


def mean_error(outputs: Numbers, truth: Numbers) -> float:
    """Return the mean of the absolute errors, in the unit of the values."""
    return float(np.abs(outputs.astype(np.float64) - truth).mean())


def auc(scores: NDArray[Any], odd: NDArray[Any]) -> float:
    """Return the chance that an odd example scores more than a usual one; half of it for equal scores.

    Args:
        scores: A number for each example [N].
        odd: 1 for each odd example, 0 for others [N]; there is at least one of both.
    """
    _, places, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[places]  # equal scores share their mean rank
    n = int(odd.sum())
    return float((ranks[odd == 1].sum() - n * (n + 1) / 2) / (n * (len(odd) - n)))
