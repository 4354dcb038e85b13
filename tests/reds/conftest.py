"""Training in the tests takes one thread, as a build does, and few examples to score units."""

from collections.abc import Iterator

import pytest
import torch

from reds.experiment import pipeline


@pytest.fixture(autouse=True, scope="session")
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(autouse=True, scope="session")
def usual_scored_batches() -> Iterator[int]:
    """Score by 4 minibatches, else it takes longer than a short training; give the number of a build."""
    usual = pipeline.SCORED_BATCHES
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(pipeline, "SCORED_BATCHES", 4)
        yield usual
