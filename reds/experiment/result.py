"""A trained net, tested once: the accuracy of each subnet, and its pack with card and labeled examples."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reds.data.catalog import Data
from reds.experiment.pipeline import Method, Trained, float_accuracy
from reds.nesting.budgets import TargetProfile
from reds.nesting.cost.latency import NANOSECONDS
from reds.quantization.range_search import hits


@dataclass(frozen=True)
class SubnetResult:
    """What one subnet costs and how accurate it is. Accuracies are fractions, in int8 unless named float."""

    name: str
    widths: tuple[int, ...]
    """Units kept in each unit group."""
    macs: int
    accuracy: float
    """On the test examples."""
    validation_accuracy: float
    labeled_accuracy: float
    """On the labeled examples that boards are held to, the first of the test examples."""
    float_accuracy: float
    """On the test examples."""
    float_validation_accuracy: float
    latency_us: float | None
    """By the profile's measured times, in microseconds; None without times."""


@dataclass(frozen=True)
class Result:
    """A trained net in float and in int8, tested once."""

    trained: Trained
    data: Data
    method: Method
    profile: TargetProfile
    every: int
    """Every second, third... row of an example is read."""
    hits: NDArray[np.bool_]
    """Which test examples each subnet classifies right in int8 [subnets, examples]."""
    subnets: tuple[SubnetResult, ...]
    """Smallest first."""
    floors: tuple[float, ...]
    """Least accuracy of each subnet on the labeled examples that a bench accepts."""
    source: Mapping[str, Any]
    """What the card says of how the net was made, beside the method."""

    def save(self, path: str | Path) -> Path:
        """Write the pack to `path`, and beside it the card and the labeled examples; return the path.

        Raises:
            OSError: A file cannot be written.
        """
        from reds.experiment.card import save_with_card

        save_with_card(self, Path(path))
        return Path(path)


def run_test(
    trained: Trained, data: Data, method: Method, profile: TargetProfile, *, every: int = 1,
    floors: Sequence[float] | None = None, source: Mapping[str, Any] | None = None,
) -> Result:  # fmt: skip
    """Test a trained net, in int8 by the bit-exact interpreter and in float.

    Args:
        trained: Everything about it is chosen already: this reads the test examples.
        data: Gives the test examples.
        method: What the net was trained by.
        profile: Gives latencies, where it has times.
        every: Read every second, third... row of an example.
        floors: Least accuracy of each subnet that a bench accepts; by default what is reached here.
        source: What the card says of how the net was made, beside the method.
    """
    x, y = data.test_x[:, ::every].reshape(len(data.test_x), -1), data.test_y
    right = np.stack([hits(trained.model, i, x, y) for i in range(len(trained.model.subnets))])
    floats = float_accuracy(trained.net, data.set, x, y)
    subnets = []
    for i, subnet in enumerate(trained.net.subnets):
        costs = profile.costs(trained.net.graph, subnet.widths)
        subnets.append(
            SubnetResult(
                subnet.name,
                subnet.widths,
                trained.model.subnets[i].macs,
                float(right[i].mean()),
                trained.validation[i],
                float(right[i, : data.set.labeled].mean()),
                floats[i],
                trained.float_validation[i],
                costs["latency"] / NANOSECONDS if profile.latency else None,
            )
        )
    reached = tuple(np.floor(1e4 * each.labeled_accuracy) / 1e4 for each in subnets)
    limits = reached if floors is None else tuple(floors)
    return Result(trained, data, method, profile, every, right, tuple(subnets), limits, dict(source or {}))
