"""Fixtures of comparisons: the gate with its baseline, and LiteRT on the same board."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from hil.boards.entry import LIMITS_BY_SUBNET
from hil.boards.facts import Provenance
from hil.errors import BoardsFileError, SetupError, StoreError
from hil.results.gate.baseline import Baseline
from hil.results.pack_shape import pack_shape
from hil.suite.gating import Gate
from hil.suite.leased import LeasedBoard
from hil.suite.measurements import Measurements
from hil.suite.parametrization import BenchRun
from hil.suite.reporting import kept_for
from hil.suite.tflite_file import TfliteFile
from reds.commands import missing_extra
from reds.errors import ModelError

if TYPE_CHECKING:
    from hil.kernels.litert import LiteRT
    from hil.kernels.litert_comparison import Beside


@pytest.fixture(scope="session")
def _baseline(
    pytestconfig: pytest.Config, _hil_board: LeasedBoard, _hil_run: BenchRun
) -> Iterator[Baseline | StoreError | None]:
    """Return the baseline of a board, None without --baseline or without a good run.

    If the server of the store does not answer, the bench goes on, and its error is that of the gate's tests.
    """
    if _hil_run.baseline is None:
        yield None
        return
    from hil.suite import baselines  # here: a run without a baseline needs no database

    who = _hil_board.identity, pack_shape(_hil_run.workload.model)
    with ExitStack() as stack:
        with kept_for(pytestconfig, _hil_board.selected):
            baseline: Baseline | StoreError | None
            try:
                found = baselines.found(_hil_run.baseline, _hil_run.settings.store, *who)
                baseline = stack.enter_context(found)
            except StoreError as error:
                if not error.gone:
                    raise
                baseline = error
        yield baseline


@pytest.fixture(scope="session")
def _gate(_measurements: Measurements, _baseline: Baseline | StoreError | None, _hil_run: BenchRun) -> Gate:
    """Return the gate of a board, with the baseline of --baseline."""
    from hil.suite import baselines

    if isinstance(_baseline, StoreError):
        raise _baseline
    named = _hil_run.baseline not in (None, baselines.AUTO)
    return Gate(_measurements, _baseline, baselines.labeled_of(_hil_run.workload.pack.card), named)


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
    """Return the latencies of this subnet beside those in LiteRT; skip the test where that does not run.

    LiteRT runs no net with a layer that no op of TFLite computes.
    """
    if isinstance(_litert, str):
        pytest.skip(_litert)
    try:
        return measurements.beside(measurements.workload.subnets.index(subnet), _litert)
    except ModelError as error:
        pytest.skip(str(error))
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
    if (largest := tflite.y.max(initial=0)) >= _litert.outputs:
        labels = f"{tflite.name}.npz: y holds {largest}, but the file has {_litert.outputs} outputs"
        raise SetupError(f"{labels}; number the classes from 0, as the outputs are")
    return _litert


@pytest.fixture
def file_limits(_hil_board: LeasedBoard, tflite: TfliteFile) -> Mapping[str, float]:
    """Return the limits of the boards file for the whole of a `.tflite` file, by key."""
    entry, (whole,) = _hil_board.selected.entry, tflite.subnets
    limits = {key: getattr(entry, key)[whole] for key in LIMITS_BY_SUBNET if whole in getattr(entry, key)}
    if other := limits.keys() - {"latency_us", "ram_bytes"}:
        keys = " and ".join(sorted(other))
        limited = f"its limit {keys} of {whole!r} cannot be held, as LiteRT tells no such figure"
        raise BoardsFileError(f"{limited}; limit latency_us or ram_bytes", board=entry.name)
    return limits
