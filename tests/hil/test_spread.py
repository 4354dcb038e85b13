"""Several emulators of a board compute the same outputs as one, whatever happens to the others."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from threading import Event

import numpy as np
import pytest
from numpy.typing import NDArray

from hil.boards import board as board_module
from hil.boards import spread
from hil.boards.board import Board, ignore
from hil.boards.entry import Entry
from hil.boards.facts import Provenance
from hil.boards.recovery import Record, RecoverableBoard
from hil.boards.registry import target
from hil.boards.speed import Speed
from hil.errors import EmulatorStopped, LinkError
from hil.suite import speeds
from hil.suite.speeds import WORKERS
from reds.pack import interpreter
from reds.pack.model import Model
from tests.hil.support.processes import children
from tests.hil.support.raising import raises
from tests.support.nets import inputs

SUBNETS = [0, 1]


@pytest.fixture(autouse=True)
def _batches_of_one_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(board_module, "_BATCH_MACS", 1)


class Helpers:
    """Starts agents of this machine as further emulators, and knows what they did."""

    def __init__(self) -> None:
        self.started: list[Board] = []
        self.computed = 0
        self.took = Event()
        """Set when a helper has computed a batch."""
        self.fails = ""
        self.until: Event | None = None
        """Event that a helper waits for before it fails."""

    @contextmanager
    def start(self) -> Iterator[Board]:
        if self.fails == "start":
            raise EmulatorStopped("qemu-system-arm did not start: no memory; run again")
        with target("desktop").start(Entry("more", "desktop"), Provenance.HARDWARE) as helper:
            self.started.append(helper)
            infer_each = helper.infer_each

            def counted(*its: object) -> object:
                if self.fails == "batch":
                    self.took.set()
                    assert self.until is None or self.until.wait(30)
                    raise LinkError("the emulator has ended: run again")
                if self.fails == "defect":
                    raise ZeroDivisionError
                self.computed += 1
                self.took.set()
                return infer_each(*its)  # type: ignore[arg-type]

            helper.infer_each = counted  # type: ignore[method-assign, assignment]
            yield helper


def shared(
    board: Board, helpers: Helpers, model: Model, x: NDArray[np.int8], more: int = 2
) -> tuple[list, list]:
    """Return the outputs of each subnet, and what the user was told."""
    board.deploy(model)
    told: list[str] = []
    return spread.infer_each(board, more, helpers.start, model, SUBNETS, x, ignore, told.append), told


def check(model: Model, x: NDArray[np.int8], outputs: list[NDArray[np.int8]]) -> None:
    for subnet in SUBNETS:
        assert np.array_equal(outputs[subnet], interpreter.run(model, subnet, x))


def waits_for(board: Board, event: Event, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a board compute its first batch once an event has happened."""
    infer_each = board.infer_each

    def late(*its: object) -> object:
        assert event.wait(30)
        return infer_each(*its)  # type: ignore[arg-type]

    monkeypatch.setattr(board, "infer_each", late)


def test_outputs_of_several_emulators_are_in_the_order_of_the_inputs(
    desktop: Board, small: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    helpers, x = Helpers(), inputs(small, 40)
    waits_for(desktop, helpers.took, monkeypatch)
    outputs, told = shared(desktop, helpers, small, x)
    check(small, x, outputs)
    assert helpers.computed > 0
    assert told == []


def test_progress_counts_the_inputs_of_all_emulators(
    desktop: Board, small: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    helpers, seen = Helpers(), list[int]()
    waits_for(desktop, helpers.took, monkeypatch)
    desktop.deploy(small)
    spread.infer_each(desktop, 2, helpers.start, small, SUBNETS, inputs(small, 12), seen.append, seen.append)
    assert seen == list(range(1, 13))


def test_the_board_does_the_work_of_emulators_that_do_not_start(desktop: Board, small: Model) -> None:
    helpers, x = Helpers(), inputs(small, 20)
    helpers.fails = "start"
    outputs, told = shared(desktop, helpers, small, x)
    check(small, x, outputs)
    assert len(told) == 2
    assert all(text.startswith("desk: one more emulator failed: ") for text in told)


def test_a_batch_that_an_emulator_took_and_lost_is_computed_when_the_others_are_done(
    desktop: Board, small: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The helper holds its batch until the board has nothing left to take."""
    helpers, x, rest = Helpers(), inputs(small, 3), Event()
    infer_each, computed = desktop.infer_each, list[int]()

    def counted(*its: object) -> object:
        assert helpers.took.wait(30)
        computed.append(1)
        if len(computed) == 2:
            rest.set()
        return infer_each(*its)  # type: ignore[arg-type]

    monkeypatch.setattr(desktop, "infer_each", counted)
    helpers.fails, helpers.until = "batch", rest
    outputs, told = shared(desktop, helpers, small, x, more=1)
    check(small, x, outputs)
    assert (len(computed), len(told)) == (3, 1)


def test_a_lost_board_ends_the_others_and_raises(
    desktop: Board, small: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    helpers, told = Helpers(), list[str]()
    desktop.deploy(small)

    def lost(*its: object) -> object:
        assert helpers.took.wait(30)
        raise LinkError("port is lost: plug it in again", board="desk")

    monkeypatch.setattr(desktop, "infer_each", lost)
    before = children()
    with raises(LinkError, board="desk"):
        spread.infer_each(desktop, 2, helpers.start, small, SUBNETS, inputs(small, 5000), ignore, told.append)
    assert children() == before
    assert told == []


def test_an_interrupt_ends_the_others(desktop: Board, small: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    helpers = Helpers()
    desktop.deploy(small)

    def interrupted(*its: object) -> object:
        assert helpers.took.wait(30)
        raise KeyboardInterrupt

    monkeypatch.setattr(desktop, "infer_each", interrupted)
    before = children()
    with pytest.raises(KeyboardInterrupt):
        spread.infer_each(desktop, 2, helpers.start, small, SUBNETS, inputs(small, 5000), ignore, print)
    assert children() == before
    assert helpers.computed < 4000  # no helper goes on to the last input


def test_a_defect_of_the_bench_is_not_taken_for_a_failed_emulator(desktop: Board, small: Model) -> None:
    helpers = Helpers()
    helpers.fails = "defect"
    with pytest.raises(ZeroDivisionError):
        shared(desktop, helpers, small, inputs(small, 5000))


def test_a_defect_of_the_bench_that_comes_when_all_is_done_is_not_lost(desktop: Board, small: Model) -> None:
    done = Event()

    def start() -> AbstractContextManager[Board]:
        assert done.wait(30)
        raise ZeroDivisionError

    def advance(inputs_done: int) -> None:
        if inputs_done == 12:
            done.set()

    desktop.deploy(small)
    with pytest.raises(ZeroDivisionError):
        spread.infer_each(desktop, 1, start, small, SUBNETS, inputs(small, 12), advance, print)


@pytest.mark.qemu("qemu-system-arm")
@pytest.mark.cross("arm-none-eabi-gcc")
def test_two_emulated_nanos_compute_the_outputs_of_one_and_end(small: Model) -> None:
    x, told = inputs(small, 60), list[str]()
    before = children()
    nano = RecoverableBoard(
        Entry("nano", "nano33ble"), Provenance.EMULATED, Record(), told.append, told.append
    )
    with nano as board:
        board.deploy(small)
        clock = board.facts().clocks[0]
        counted = board.do(lambda each: each.measure(0, 3, clock, x))
        outputs = board.infer_each(SUBNETS, x, ignore, 2)
        check(small, x, outputs)
        assert board.do(lambda each: each.measure(0, 3, clock, x)) == counted
    assert told == []
    assert children() == before


@pytest.mark.parametrize(
    ("cores", "workers", "seconds", "count"),
    [
        (2, 1, 100, 2),
        (1, 1, 100, 1),
        (2, 2, 100, 1),
        (8, 3, 100, 2),
        (64, 1, 100, 8),
        (2, 1, 4, 1),
        (2, 1, 5, 2),
    ],
)
def test_as_many_emulators_as_cores_are_free_share_long_work(
    monkeypatch: pytest.MonkeyPatch, cores: int, workers: int, seconds: float, count: int
) -> None:
    monkeypatch.setattr(speeds, "usable_cores", lambda: list(range(cores)))
    monkeypatch.setenv(WORKERS, str(workers))
    speed = Speed(1e6, 2.0, 1)
    assert speeds.emulators(seconds * 1e6, replace(speed, alone=True)) == 1
    assert speeds.emulators(seconds * 1e6, speed) == count
    assert speeds.shared_seconds(seconds * 1e6, speed) == (seconds + (count - 1) * 2) / count
