"""Measure the energy of inferences on a board that has a meter."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from numpy.typing import NDArray

from hil.boards.board import Board
from hil.boards.facts import Provenance
from hil.energy.board_sensor import BoardSensor
from hil.energy.figures import Energy, Turn, energy
from hil.energy.joulescope import Joulescope
from hil.energy.meter import Meter, Recorder, Window
from hil.errors import MeterError, NotMeasurable
from hil.protocol.hello import Clock
from hil.transports.deadline import Deadline

TURNS = 8
"""Captures with inferences; fewer than 6 have no interval of 95 %."""
_FIRST = 5
"""Inferences that tell how many fill a capture."""
_MOST = 1024
"""Most inferences of one request: the host decodes the samples of many for longer than a tiny net runs."""
_FILLED = 0.9
"""Part of a capture's length after which no more inferences are begun."""
_LATER_SECONDS = 60.0
"""Time that a capture may last beyond its length: a busy board reads its sensor late."""
_WAIT_SECONDS = 0.1
"""Seconds between two looks at an idle capture that does not hold enough yet."""


def measure_energy(board: Board, meter: Meter, subnet: int, x: NDArray[np.int8]) -> Energy:
    """Measure a subnet of the deployed pack: idle, inferences in turns, idle again.

    Args:
        board: The board.
        meter: Its meter.
        subnet: Index of the subnet.
        x: int8 [M, input], used in turn.

    Raises:
        NotMeasurable: The board is emulated, or has no clock that counts time.
        MeterError: The meter is missing or lost, or a capture cannot be trusted.
    """
    facts = board.facts()
    clock = next((clock for clock in facts.clocks if clock.hz), None)
    if facts.provenance is Provenance.EMULATED or clock is None:
        raise NotMeasurable("an emulated board draws no power, so it has no energy", board=board.name)
    seconds = meter.capture_seconds
    with _opened(board, meter) as recorder:
        board.settle()
        first = max(1.0, board.measure(subnet, _FIRST, clock, x).median)  # us; a coarse clock may show 0
        n = int(min(_MOST, max(1, seconds * 1e6 / first)))
        before = _idle(recorder, seconds)
        turns = [_turn(board, recorder, subnet, n, clock, x, seconds) for _ in range(TURNS)]
        after = _idle(recorder, seconds)
    try:
        return energy(turns, before, after, meter.marker is not None)
    except MeterError as error:
        raise MeterError(f"its meter: {error.text}", board=board.name) from error


@contextmanager
def _opened(board: Board, meter: Meter) -> Iterator[Recorder]:
    recorder: Recorder
    if meter.kind == "ppk2":
        from hil.energy.ppk2 import Ppk2  # imported here: most runs open no serial port

        recorder = Ppk2(meter, board.name)
    elif meter.kind == "joulescope":
        recorder = Joulescope(meter, board.name)
    elif board.shell is None:
        raise MeterError(
            f"a meter of kind {meter.kind} is read in a shell, and it has none", board=board.name
        )
    else:
        recorder = BoardSensor(meter, board.name, board.shell)
    try:
        yield recorder
    finally:
        recorder.close()


def _idle(recorder: Recorder, seconds: float) -> Window:
    recorder.start()
    time.sleep(seconds)
    latest = Deadline.after(_LATER_SECONDS)
    while not recorder.enough() and not latest.passed:
        time.sleep(_WAIT_SECONDS)
    return recorder.stop()


def _turn(
    board: Board,
    recorder: Recorder,
    subnet: int,
    n: int,
    clock: Clock,
    x: NDArray[np.int8],
    seconds: float,
) -> Turn:
    requests, busy = 0, 0.0
    recorder.start()
    filled, latest = Deadline.after(_FILLED * seconds), Deadline.after(seconds + _LATER_SECONDS)
    while not requests or not filled.passed or not (recorder.enough() or latest.passed):
        busy += sum(board.measure(subnet, n, clock, x).microseconds) / 1e6
        requests += 1
    return Turn(recorder.stop(), requests * n, busy, warm_ups=requests)  # an agent warms up at each request
