"""Fixtures of comparisons: the gate with its baseline, and LiteRT on the same board."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from hil.boards.facts import Provenance
from hil.errors import SetupError
from hil.results.pack_shape import pack_shape
from hil.suite.gating import Gate
from hil.suite.leased import LeasedBoard
from hil.suite.measurements import Measurements
from hil.suite.parametrization import BenchRun
from hil.suite.tflite_file import TfliteFile
from reds.commands import missing_extra

if TYPE_CHECKING:
    from hil.kernels.litert import LiteRT
    from hil.kernels.litert_comparison import Beside


@pytest.fixture(scope="session")
def _gate(_measurements: Measurements, _hil_board: LeasedBoard, _hil_run: BenchRun) -> Iterator[Gate]:
    """Return the gate of a board, with the baseline of --baseline."""
    from hil.suite import baselines  # here: a run without a baseline needs no database

    settings, pack = _hil_run.settings, _hil_run.workload.pack
    who = _hil_board.identity, pack_shape(pack.model)
    with baselines.found(settings.baseline or baselines.AUTO, settings.store, *who) as baseline:
        named = settings.baseline not in (None, baselines.AUTO)
        yield Gate(_measurements, baseline, baselines.labeled_of(pack.card), named)


@pytest.fixture
def gate(_gate: Gate, measurements: Measurements) -> Gate:
    """Return the gate of a board, on which the pack is deployed."""
    return _gate


@pytest.fixture(scope="session")
def _litert(_hil_run: BenchRun, _hil_board: LeasedBoard) -> Iterator["LiteRT | str"]:
    """Return LiteRT on a board, or why boards of its kind do not run it.

    As for an absent board, this is an error if --target names the board. A board that lacks LiteRT but could
    run it is an error with the command that installs it.
    """
    from hil.kernels import litert  # here: few runs are compared with it

    selected = _hil_board.selected
    try:
        litert.check(selected.entry, selected.provenance is Provenance.EMULATED)
    except SetupError as error:
        if selected.entry.target in _hil_run.settings.target:
            raise
        why = str(error)
    else:
        with litert.started(selected.entry) as there:
            yield there
        return
    yield why


@pytest.fixture
def beside(measurements: Measurements, subnet: str, _litert: "LiteRT | str") -> "Beside":
    """Return the latencies of this subnet beside those in LiteRT; skip the test where that does not run."""
    if isinstance(_litert, str):
        pytest.skip(_litert)
    try:
        return measurements.beside(measurements.workload.subnets.index(subnet), _litert)
    except ModuleNotFoundError as error:
        raise SetupError(missing_extra(error) or str(error)) from error


@pytest.fixture(scope="session")
def tflite(_hil_run: BenchRun) -> TfliteFile:
    """Return the `.tflite` file of --pack."""
    assert isinstance(_hil_run.benched, TfliteFile)  # else its tests are not collected
    return _hil_run.benched


@pytest.fixture(scope="session")
def runtime(_litert: "LiteRT | str", tflite: TfliteFile) -> "LiteRT":
    """Return LiteRT on a board with the file loaded; skip the test where LiteRT does not run."""
    if isinstance(_litert, str):
        pytest.skip(_litert)
    _litert.load(tflite.content)
    return _litert
