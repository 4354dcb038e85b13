"""Test that a governor holds deadlines beside a busy process, where the full subnet misses over half."""

import pytest

from hil.load.jobs import LEAST_HELD, LEAST_MISSED, beside_a_process, described, why_not
from hil.options import read
from hil.suite.fixtures import Hold, Note, Record
from hil.suite.measurements import Measurements
from hil.suite.workload import Workload


def test_load(
    workload: Workload,
    measurements: Measurements,
    pytestconfig: pytest.Config,
    record_measurement: Record,
    hold: Hold,
    note: Note,
) -> None:
    leased, jobs = measurements.leased, read(pytestconfig).load
    assert jobs is not None  # else this module is left out
    core = leased.selected.entry.core
    if why := leased.do(lambda board: why_not(board, workload.model, core)):
        pytest.skip(f"{leased.facts().name}: {why}")
    found = leased.do(lambda board: beside_a_process(board, workload.model, workload.inputs, core, jobs))
    full = workload.subnets[-1]
    held, missed = found.governed_held, found.full_missed
    record_measurement("governor", "load_held", "fraction", held)
    record_measurement(full, "load_missed", "fraction", missed)
    text = described(found, workload.subnets)
    note("load", f"{leased.facts().name}: {text}")
    kept = hold("governor", "load_held", "fraction", LEAST_HELD, held >= LEAST_HELD, least=True)
    kept &= hold(full, "load_missed", "fraction", LEAST_MISSED, missed > LEAST_MISSED, least=True)
    assert kept, f"{text}; leave the board nothing else to do"
