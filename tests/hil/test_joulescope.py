"""Test energies of recorded traces: a JLS file that is played through a Joulescope's driver, and a PPK2's."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyjoulescope_driver import Record as MakersRecorder

from hil.boards.board import Board
from hil.boards.metering import measure_energy
from hil.energy.figures import Turn, energy
from hil.energy.joulescope import Joulescope
from hil.energy.joulescope_samples import Block, window
from hil.energy.meter import Meter, Window
from hil.energy.ppk2_samples import calibration
from hil.energy.ppk2_samples import window as ppk2_window
from hil.errors import MeterError
from reds.pack.model import Model
from tests.hil.support import ppk2
from tests.hil.support.joulescope import BLOCK_SECONDS, COUNTS, RATE, Player, read, record
from tests.hil.support.raising import raises
from tests.hil.support.recordings import (
    BEACON_EVENT,
    BEACON_MICROJOULES,
    BEACON_RATE,
    BEACON_VOLTS,
    beacon,
    beacon_marker,
)
from tests.support.nets import inputs

_TIMES = RATE // BEACON_RATE
WATTS = np.repeat(beacon() * np.float32(BEACON_VOLTS), _TIMES)
"""The beacon at the rate of a JS220."""
HIGH = np.repeat(beacon_marker(), _TIMES)
MICROJOULES = float(beacon()[BEACON_EVENT].sum()) * BEACON_VOLTS / BEACON_RATE * 1e6
"""Energy of the recorded event, of which the others in its recording differ by a few percent."""


@pytest.fixture(scope="session")
def jls(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return record(tmp_path_factory.mktemp("jls") / "beacon.jls", WATTS, HIGH)


@contextmanager
def opened(player: Player, marker: int | None = None, serial: str | None = None) -> Iterator[Joulescope]:
    recorder = Joulescope(Meter("joulescope", marker=marker, serial=serial), "left", player)
    try:
        yield recorder
    finally:
        recorder.close()


def captured(recorder: Joulescope, seconds: float) -> Window:
    recorder.start()
    Event().wait(seconds)
    return recorder.stop()


def test_the_event_is_the_one_that_those_who_recorded_it_found() -> None:
    assert pytest.approx(BEACON_MICROJOULES, rel=0.05) == MICROJOULES


def test_a_recording_is_read_as_it_was_written(jls: Path) -> None:
    watts, levels = read(jls)
    assert np.array_equal(watts, WATTS)
    assert np.array_equal(levels, np.repeat(HIGH, COUNTS // RATE))


def test_the_makers_own_recorder_takes_the_player_for_an_instrument(jls: Path, tmp_path: Path) -> None:
    again = tmp_path / "again.jls"
    recorder = MakersRecorder(Player(jls), "u/js220/000415", signals="power,gpi[1]")
    recorder.open(str(again))
    Event().wait(0.2)
    recorder.close()
    watts, levels = read(again)
    assert len(watts) >= 0.1 * RATE
    assert np.array_equal(watts, np.resize(WATTS, len(watts)))
    assert levels[: len(watts)].any()


def test_a_capture_has_the_energy_of_the_recording_and_of_each_event(jls: Path) -> None:
    player = Player(jls)
    with opened(player, marker=1) as recorder:
        for _ in range(2):
            taken = captured(recorder, 0.2)
            assert taken.seconds >= 0.2
            assert taken.watts == pytest.approx(WATTS.mean(), rel=0.1)  # of whole and cut events
            assert len(taken.marks) >= 0.2 * RATE // len(WATTS)
            assert taken.marks == pytest.approx([MICROJOULES / 1e6] * len(taken.marks), rel=1e-4)
    assert player.finalized
    assert player.opened == []
    assert dict(player.published)["u/js220/000415/h/fs"] == RATE
    assert dict(player.published)["u/js220/000415/s/i/range/mode"] == "auto"


def test_a_capture_holds_the_samples_up_to_its_end(jls: Path) -> None:
    """Blocks arrive later than their samples were taken: the last inference must not be cut off."""
    with opened(Player(jls)) as recorder:
        assert captured(recorder, 0.31).seconds >= BLOCK_SECONDS + 0.31


def test_energy_of_an_inference_comes_from_a_played_recording(
    tmp_path: Path, desktop: Board, small: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    steady = record(tmp_path / "steady.jls", np.full(8000, 0.25, np.float32), np.zeros(8000, np.uint8))
    desktop.deploy(small)
    monkeypatch.setattr("hil.boards.metering.Joulescope", lambda *its: Joulescope(*its, Player(steady)))
    found = measure_energy(desktop, Meter("joulescope", seconds=0.1), 0, inputs(small, 5))
    assert found.idle_milliwatts == pytest.approx((250, 250))
    assert found.milliwatts == pytest.approx([250] * 8)


@pytest.mark.parametrize("fault", [{"skips": True}, {"missing": True}, {"share": 0.6}, {"share": 1.6}])
def test_a_joulescope_that_loses_samples_is_refused_with_the_board(
    jls: Path, fault: dict[str, float]
) -> None:
    with opened(Player(jls, **fault)) as recorder, raises(MeterError, board="left"):  # type: ignore[arg-type]
        captured(recorder, 0.4)


@pytest.mark.parametrize(
    ("paths", "serial"),
    [
        ((), None),
        (("u/js220/000415",), "000416"),
        (("u/js220/000415", "u/js110/001234"), None),
        (("u/js320/000415",), None),
    ],
)
def test_another_number_of_joulescopes_than_one_is_refused(
    jls: Path, paths: tuple[str, ...], serial: str | None
) -> None:
    player = Player(jls, paths=paths)
    with raises(MeterError, board="left"), opened(player, serial=serial):
        pass
    assert player.finalized


def test_one_of_several_is_chosen_by_its_serial_number(jls: Path) -> None:
    player = Player(jls, paths=("u/js110/001234", "u/js220/000415"))
    with opened(player, serial="001234"):
        assert player.opened == [("u/js110/001234", "restore")]
        assert dict(player.published)["u/js110/001234/h/fs"] == 2_000_000


def test_an_input_that_the_model_lacks_is_refused(jls: Path) -> None:
    with raises(MeterError, board="left"), opened(Player(jls, paths=("u/js110/001234",)), marker=2):
        pass


def test_a_joulescope_in_use_is_refused_and_the_driver_ends(jls: Path) -> None:
    player = Player(jls, opens=False)
    with raises(MeterError, board="left"), opened(player):
        pass
    assert player.finalized


def test_a_joulescope_that_vanishes_ends_the_capture_with_an_error(
    jls: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hil.energy.joulescope.ANSWER_SECONDS", 0.5)
    player = Player(jls, vanishes=True)
    with raises(MeterError, board="left"), opened(player) as recorder:
        captured(recorder, 0.1)
    assert player.finalized


def test_a_missing_driver_is_named_with_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyjoulescope_driver", None)
    with raises(MeterError, board="left") as caught:
        Joulescope(Meter("joulescope"), "left")
    assert "reds-hil[energy]" in str(caught.value)


def test_the_makers_driver_finds_no_joulescope_here() -> None:
    with raises(MeterError, board="left"):
        Joulescope(Meter("joulescope", serial="none"), "left")


def blocks(values: np.ndarray, size: int) -> list[Block]:
    ends = np.arange(1, len(values) // size + 1) * size / RATE
    parts = np.split(values, range(size, len(values), size))
    return [Block(int(2 * size * i), 2, COUNTS, part, ends[i]) for i, part in enumerate(parts)]


@given(st.integers(0, 9), st.integers(1, 8))
def test_one_lost_block_is_noticed(lost: int, size: int) -> None:
    whole = blocks(np.full(size * 12, 0.01, np.float32), size)
    window(whole, None, 0.0)
    with raises(MeterError):
        window(whole[: lost + 1] + whole[lost + 2 :], None, 0.0)


@pytest.mark.parametrize("watts", [200.0, -1.0, -0.01, 0.0, np.nan])
def test_power_that_cannot_be_is_refused(watts: float) -> None:
    with raises(MeterError):
        window(blocks(np.full(100, watts, np.float32), 10), None, 0.0)


@given(st.integers(0, 40), st.sampled_from([1, 2, 4]))
def test_the_marker_meets_the_power_by_the_count_whatever_its_rate_and_start(early: int, step: int) -> None:
    power = Block(1000, 2, COUNTS, np.arange(1, 101, dtype=np.float32), 0.0)
    begin = 1000 - early * step
    counts = begin + np.arange(400) * step
    level = Block(begin, step, COUNTS, ((counts >= 1040) & (counts < 1100)).astype(np.uint8), 0.0)
    assert window([power], [level], 0.0).marks == pytest.approx([sum(range(21, 51)) / RATE])


def ppk2_capture(events: int) -> Window:
    """A capture of a PPK2 in which the recorded current comes several times."""
    taken = np.tile(beacon(), events)
    words = ppk2.words(
        np.maximum(0, np.round(taken * 1e6)).astype(np.int64), logic=np.tile(beacon_marker(), events)
    )
    seconds = len(words) / ppk2.RATE
    return ppk2_window(words, (seconds, seconds), calibration(ppk2.METADATA), 3300, marker=0)


def test_a_ppk2_finds_the_energy_of_each_recorded_event() -> None:
    marks = ppk2_capture(5).marks
    assert marks == pytest.approx([MICROJOULES / 1e6] * 5, rel=1e-3)


def of_joulescope(events: int) -> Window:
    watts = np.tile(WATTS, events)
    size = len(WATTS)
    return window(blocks(watts, size), None, -0.02)


@pytest.mark.parametrize("capture", [ppk2_capture, of_joulescope])
def test_energy_without_a_marker_is_that_of_the_recorded_event(capture: Callable[[int], Window]) -> None:
    turn = Turn(capture(8), 8, 8 * beacon_marker().sum() / BEACON_RATE)
    asleep = float(np.delete(beacon(), BEACON_EVENT).mean()) * BEACON_VOLTS
    rest = Window(1.0, asleep)
    found = energy([turn] * 6, rest, rest, marker=False)
    assert found.millijoules == pytest.approx([MICROJOULES / 1000] * 6, rel=0.01)
