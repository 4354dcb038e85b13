"""Collect the suite's tests, and give them the fixtures of `bench_fixtures`.

The fixtures measure, and the tests only compare: a lost board is an error, a figure out of bounds a failure.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

import pytest

from hil.errors import HilError
from hil.options import Settings, read
from hil.results import replay
from hil.suite.bench_fixtures.answers import expected, outputs, reference_outputs, truth, workload
from hil.suite.bench_fixtures.comparison import (
    _baseline,
    _gate,
    _litert,
    beside,
    file_limits,
    gate,
    runtime,
    tflite,
)
from hil.suite.bench_fixtures.figures import (
    _measurements,
    budgets,
    energy,
    latencies,
    latency,
    measurements,
    memory,
    profile,
    steady,
    switches,
)
from hil.suite.bench_fixtures.replays import regret_limit, replayed
from hil.suite.bench_fixtures.reports import _replay, hold, keep, note, record_measurement
from hil.suite.board_selection import any_meter
from hil.suite.board_tests import selected_board
from hil.suite.parametrization import AXES, bench_run_of
from hil.suite.tflite_file import SUFFIX

__all__ = [
    "_baseline",
    "_gate",
    "_litert",
    "_measurements",
    "_replay",
    "beside",
    "budgets",
    "energy",
    "expected",
    "file_limits",
    "gate",
    "hold",
    "keep",
    "latencies",
    "latency",
    "measurements",
    "memory",
    "note",
    "outputs",
    "profile",
    "record_measurement",
    "reference_outputs",
    "regret_limit",
    "replayed",
    "runtime",
    "steady",
    "switches",
    "tflite",
    "truth",
    "workload",
]
_FOLDER = Path(__file__).parent
_WANTED: Mapping[str, Callable[[Settings], bool]] = {
    "test_against.py": lambda settings: bool(settings.against),
    "test_baseline.py": lambda settings: bool(settings.baseline),
    "test_energy.py": any_meter,
    "test_load.py": lambda settings: settings.load is not None,
    "test_replay.py": lambda settings: bool(settings.trace),
}
"""Modules that a run leaves out unless its settings want them."""
_TFLITE = _FOLDER / "test_tflite.py"
"""The one module for a `.tflite` file, which no other module can bench."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test once for each pair of subnets if it uses `pairs` or `neighbors`."""
    axis = next((name for name in AXES if name in metafunc.fixturenames), None)
    if axis is None:
        return
    run = bench_run_of(metafunc.config)
    if isinstance(run, str):
        metafunc.parametrize(axis, [])
        return
    lonely = pytest.mark.skip(reason=f"{run.workload.model.name} has one subnet only")
    cases = [pytest.param(case, id=name) for case, name in AXES[axis](run.workload)]
    metafunc.parametrize(axis, cases or [pytest.param(None, marks=lonely)])


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave out tests of what the run does not ask for: baselines, other runtimes, energy, `.tflite`."""
    if collection_path.parent != _FOLDER or not collection_path.name.startswith("test_"):
        return None
    wanted = _WANTED.get(collection_path.name)
    with suppress(HilError):  # collection reports an option or a boards file that is invalid
        settings = read(config)
        if _is_tflite(settings) != (collection_path == _TFLITE):
            return True
        return True if wanted and not wanted(settings) else None
    return None


def _is_tflite(settings: Settings) -> bool:
    return settings.pack is not None and settings.pack.suffix == SUFFIX


@pytest.hookimpl(tryfirst=True)  # before pytest-benchmark skips tests without its fixture
def pytest_itemcollected(item: pytest.Item) -> None:
    """Let --benchmark-only leave the tests in that use `replay`."""
    if selected_board(item) and "replay" in getattr(item, "fixturenames", ()):
        replay.announce(item.config, item)


@pytest.hookimpl(trylast=True)  # after -k and -m have deselected tests
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Attach the clock of pytest-benchmark to each test that uses `replay`."""
    for item in items:
        if selected_board(item) and "replay" in getattr(item, "fixturenames", ()):
            replay.attach(config, item)
