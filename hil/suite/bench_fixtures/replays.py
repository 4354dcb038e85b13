"""Fixtures of the replay of a trace, taken once for each board."""

from contextlib import ExitStack

import pytest

from hil.boards.board import Board
from hil.errors import NotMeasurable
from hil.replay.bench import Examples, Replay, replay_on
from hil.replay.score import values_of
from hil.results.progress import progress
from hil.suite.fixtures import Uncaptured
from hil.suite.measurements import Measurements
from hil.suite.parametrization import BenchRun


@pytest.fixture
def regret_limit(_hil_run: BenchRun) -> float:
    """Return the share of the offline optimum that a policy may miss."""
    return _hil_run.settings.regret


@pytest.fixture
def replayed(measurements: Measurements, _hil_run: BenchRun, _hil_uncaptured: Uncaptured) -> Replay:
    """Return the replay of --trace with every policy, the tested one last; skip if the board has no clock."""
    work, asked = measurements.workload, _hil_run.asked
    assert asked is not None  # the module is left out without --trace
    count = len(work.classes) or len(work.inputs)
    examples, values = Examples(work.inputs[:count], work.classes), values_of(work.pack, len(work.classes))
    what = f"{measurements.leased.facts().name}: replay of {_hil_run.settings.trace}"
    with ExitStack() as shown:

        def take(board: Board) -> Replay:
            shown.close()  # of a replay that a lost board has ended
            return replay_on(
                board,
                work.pack,
                examples,
                asked,
                values,
                lambda total: shown.enter_context(progress(what, total, _hil_uncaptured)),
            )

        try:
            return measurements.replay(take)
        except NotMeasurable as error:
            reason = str(error)
    pytest.skip(reason)
