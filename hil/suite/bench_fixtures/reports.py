"""Fixtures that report: limits, notes, figures, and samples for pytest-benchmark."""

from collections.abc import Callable, Sequence
from functools import partial

import pytest

from hil.results import replay
from hil.results.limit import Limit
from hil.results.run import PackFacts
from hil.suite import fixtures
from hil.suite.fixtures import Hold, Keep, Note, Record
from hil.suite.leased import LeasedBoard
from hil.suite.parametrization import BenchRun
from hil.suite.reporting import LIMITS
from hil.suite.tflite_file import TfliteFile
from hil.suite.workload import Workload
from reds.pack.pack import Pack


@pytest.fixture
def keep(request: pytest.FixtureRequest, _hil_board: LeasedBoard, tflite: TfliteFile) -> Keep:
    """Return a function that keeps a figure of the file: metric, unit, value, samples."""
    of = PackFacts(tflite.name, tflite.sha256, "")
    return partial(fixtures.keep, request.node, _hil_board, of, tflite.subnets[0])


@pytest.fixture(name="replay")
def _replay(
    request: pytest.FixtureRequest, _hil_board: LeasedBoard, pack: Pack, subnet: str
) -> Callable[[Sequence[float]], None]:
    """Return a function that passes samples in us to pytest-benchmark, or drops them if it is off."""
    clock = request.node.stash.get(replay.CLOCK, None)
    if clock is None:
        return lambda samples: None
    who = _hil_board.facts()
    facts = {"target": who.target, "board": who.name, "provenance": str(who.provenance)}
    facts |= {"pack": pack.model.name, "pack_sha256": pack.sha256, "subnet": subnet}
    return lambda samples: clock.play(request.getfixturevalue("benchmark"), samples, facts)


@pytest.fixture
def hold(request: pytest.FixtureRequest, _hil_board: LeasedBoard, _hil_run: BenchRun) -> Hold:
    """Return a function that holds a figure to a limit."""
    facts = _hil_board.facts()
    who, sha256 = (facts.target, facts.name, str(facts.provenance)), _hil_run.benched.sha256

    def keep(subnet: str, metric: str, unit: str, limit: float, kept: bool, least: bool = False) -> bool:
        found = Limit(*who, subnet, metric, unit, limit, least, kept, sha256)
        request.node.stash.setdefault(LIMITS, []).append(found)
        request.node.user_properties.append((f"limit of {subnet} {metric} [{unit}]", limit))
        return kept

    return keep


@pytest.fixture
def note(request: pytest.FixtureRequest) -> Note:
    """Keep a text in the test's properties; those that `hil.plugin` lists are shown below the table."""
    return lambda name, text: request.node.user_properties.append((name, text))


@pytest.fixture
def record_measurement(
    request: pytest.FixtureRequest, record_measurement: Record, workload: Workload
) -> Record:
    """Extend the plugin's `record_measurement`: also note the suite's inputs in the test's properties."""
    request.node.user_properties.append(("inputs", workload.inputs_are))
    return record_measurement
