"""Trainings in the tests take one thread, as builds do, and few examples to score units and choose ranges."""

from collections.abc import Iterator, Mapping

import pytest
import torch

from reds.experiment import pipeline
from reds.quantization import range_search

FEW = {"reds.experiment.pipeline.SCORED_BATCHES": 4, "reds.quantization.range_search.CALIBRATION": 64}
"""Counts that take longer than a short training."""


@pytest.fixture(autouse=True, scope="session")
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(autouse=True, scope="session")
def usual_counts() -> Iterator[Mapping[str, int]]:
    """Score units and choose ranges by few examples; give the counts of a build, by their names."""
    usual = dict(zip(FEW, (pipeline.SCORED_BATCHES, range_search.CALIBRATION), strict=True))
    with pytest.MonkeyPatch.context() as patched:
        for name, count in FEW.items():
            patched.setattr(name, count)
        yield usual
