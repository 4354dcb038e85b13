"""Fixtures of answers: the pack, its inputs, and the outputs of the board and of the reference."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from hil.boards.board import Outputs
from hil.results.progress import progress
from hil.suite.fixtures import Uncaptured
from hil.suite.measurements import Measurements
from hil.suite.parametrization import BenchRun
from hil.suite.workload import Workload
from reds.pack import interpreter

_SWITCHED = 100
"""Inputs that switches run without --samples, on any board."""
_AT_ONCE = 64
"""Inputs that the reference runs between two steps of its progress."""


@pytest.fixture(scope="session")
def workload(_hil_run: BenchRun) -> Workload:
    """Return the pack under test, with the inputs to run."""
    return _hil_run.workload


@pytest.fixture(scope="session")
def reference_outputs(workload: Workload, _hil_run: BenchRun, _hil_uncaptured: Uncaptured) -> list[Outputs]:
    """Return the reference interpreter's outputs of each subnet for each row of the workload's inputs.

    Rows that no test uses are 0.
    """
    model, subnets = workload.model, range(len(workload.subnets))
    switched = np.arange(min(len(workload.inputs), _hil_run.settings.samples or _SWITCHED))
    rows = np.union1d(workload.taken, switched)
    outputs = [np.zeros((len(workload.inputs), model.output_size(s)), np.int8) for s in subnets]
    with progress(f"reference: {len(rows):,} inputs", len(rows), _hil_uncaptured) as advance:
        for at in range(0, len(rows), _AT_ONCE):
            some = rows[at : at + _AT_ONCE]
            for s in subnets:
                outputs[s][some] = interpreter.run(model, s, workload.inputs[some])
            advance(at + len(some))
    return outputs


@pytest.fixture
def expected(reference_outputs: list[Outputs], workload: Workload, subnet: str) -> Outputs:
    """Return the reference interpreter's outputs of this subnet on the inputs that are taken."""
    return reference_outputs[workload.subnets.index(subnet)][workload.taken]


@pytest.fixture
def outputs(measurements: Measurements, subnet: str, _hil_uncaptured: Uncaptured) -> Outputs:
    """Return the board's outputs of this subnet on the inputs that are taken."""
    taken = len(measurements.workload.taken)
    what = f"{measurements.leased.facts().name}: outputs of {taken:,} inputs"
    with progress(what, taken, _hil_uncaptured) as advance:
        return measurements.outputs(advance)[measurements.workload.subnets.index(subnet)]


@pytest.fixture
def truth(workload: Workload) -> NDArray[Any]:
    """Return labels or values of the labeled examples that are taken; skip the test if there are none."""
    if not len(workload.taken_truth):
        pytest.skip(f"no labeled examples for {workload.model.name}: {workload.unlabeled or 'none is taken'}")
    return workload.taken_truth
