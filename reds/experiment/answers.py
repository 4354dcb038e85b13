"""Judge the answers of subnets: by accuracy, and by a loss that tells small subnets apart.

Accuracy tells only whether the right class has the largest logit, so small subnets differ by chance. The
cross-entropy uses all logits. But it depends on how sure a net is, which is an accident of its training. So
subnets that are compared share one temperature, fitted on validation examples (Guo et al., arXiv 1706.04599).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

COLDEST, HOTTEST = 0.01, 100.0
"""Temperatures between which the best one is searched."""


@dataclass(frozen=True)
class Answers:
    """Hold the outputs of subnets on labeled examples. Of classes they are logits."""

    logits: NDArray[np.float32] = field(repr=False)
    """[subnets, examples, outputs]."""
    labels: NDArray[Any] = field(repr=False)
    """Labels [examples], or values [examples, outputs]."""

    @property
    def hits(self) -> NDArray[np.bool_]:
        """Return which examples each subnet classifies correctly, [subnets, examples]."""
        return np.asarray(self.logits.argmax(2) == self.labels)

    def losses(self, temperature: float) -> NDArray[np.float64]:
        """Return the cross-entropy of the logits divided by a temperature, nats [subnets, examples]."""
        from scipy.special import log_softmax  # here: a base installation has no scipy

        log_probabilities = log_softmax(self.logits / temperature, axis=2)
        right = np.broadcast_to(self.labels[:, None].astype(np.intp), (*self.logits.shape[:2], 1))
        return -np.take_along_axis(log_probabilities, right, 2)[..., 0].astype(np.float64)

    def subnet(self, index: int) -> "Answers":
        """Return the answers of one subnet alone."""
        return Answers(self.logits[index : index + 1], self.labels)


def joined(parts: Sequence[Answers]) -> Answers:
    """Return the answers of the subnets of several nets to the same examples as those of one."""
    return Answers(np.concatenate([part.logits for part in parts]), parts[0].labels)


@dataclass(frozen=True)
class Tempered:
    """Hold the test losses of the subnets that are compared, at the temperature that they share."""

    temperature: float
    losses: NDArray[np.float64]
    """Nats [contenders, seeds, examples]."""


def temper(validation: Sequence[Sequence[Answers]], test: Sequence[Sequence[Answers]]) -> Tempered:
    """Return the test losses of subnets at the temperature that is best for all on validation examples.

    Args:
        validation: For each contender and seed the answers of one subnet to the validation examples.
        test: The same to the test examples.
    """
    temperature = best_temperature([answers for of_seeds in validation for answers in of_seeds])
    losses = [[answers.losses(temperature)[0] for answers in of_seeds] for of_seeds in test]
    return Tempered(temperature, np.array(losses))


def best_temperature(compared: Sequence[Answers]) -> float:
    """Return the temperature with the least mean loss of all these subnets, from 0.01 to 100.

    The loss is convex in the inverse of the temperature, so the search finds the least one.
    """

    from scipy.optimize import minimize_scalar  # here: as above

    def loss(log_temperature: float) -> float:
        return float(np.mean([answers.losses(np.exp(log_temperature)).mean() for answers in compared]))

    found = minimize_scalar(loss, bounds=(np.log(COLDEST), np.log(HOTTEST)), method="bounded")
    return float(np.exp(found.x))
