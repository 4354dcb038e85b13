"""Test the energy of an inference: captures of a scripted PPK2, and captures that contradict each other."""

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from hil.boards.board import Board
from hil.boards.facts import Provenance
from hil.boards.metering import measure_energy
from hil.energy.figures import IDLE_DRIFT, Turn, energy
from hil.energy.marks import marked
from hil.energy.meter import Meter, Window
from hil.energy.ppk2 import Ppk2
from hil.energy.ppk2_samples import RATE, calibration, check, currents
from hil.errors import MeterError, NotMeasurable
from hil.protocol.hello import Clock
from hil.results.samples import Samples
from reds.pack.model import Model
from tests.hil.support import ppk2 as fake
from tests.hil.support.raising import raises
from tests.hil.support.suite_run import BoardsToml, Run, outcomes, read, suite_size
from tests.support.nets import inputs

CALIBRATION = calibration(fake.METADATA)
WATTS = st.floats(min_value=1e-6, max_value=100)


@given(st.lists(st.integers(0, 0x3FFF), min_size=1, max_size=300), st.integers(0, 5000))
def test_a_sample_is_the_current_of_its_word(microamperes: list[int], millivolts: int) -> None:
    words = fake.words(np.array(microamperes))
    assert currents(words, CALIBRATION, millivolts) == pytest.approx(np.array(microamperes) * 1e-6)


def test_calibration_is_that_of_each_range_by_hand() -> None:
    told = fake.METADATA + "S3: 0.002\nI3: 0.001\nO3: 400\nGS3: 0.5\nR3: 0.9\n"
    words = fake.words(np.array([1000])) & ~np.uint32(7 << 14) | np.uint32(3 << 14)
    plain = (4000 - 400) * (1.8 / 163_840) / 0.9
    expected = plain * (0.5 * plain + 1) + 0.002 * 3.3 + 0.001
    assert currents(words, calibration(told), 3300) == pytest.approx([expected])


@pytest.mark.parametrize("told", ["", "R0: 5\nR1: 5\n", fake.METADATA.replace("R4", "R9"), "R0: nan"])
def test_metadata_without_resistances_is_refused(told: str) -> None:
    with raises(MeterError):
        calibration(told)


def test_samples_after_a_change_of_range_do_not_count() -> None:
    words = fake.words(np.array([100] * 5 + [9000] * 3 + [100] * 5))
    words[5:] = words[5:] & ~np.uint32(7 << 14) | np.uint32(1 << 14)
    assert currents(words, CALIBRATION, 3300) == pytest.approx([1e-4] * 13)


@given(st.integers(1, 400), st.integers(0, 399))
def test_one_lost_word_is_noticed(n: int, lost: int) -> None:
    words = fake.words(np.full(n + 2, 50))
    seconds = n / RATE, n / RATE
    check(words, seconds)
    with raises(MeterError):
        check(np.delete(words, 1 + lost % n), seconds)


@pytest.mark.parametrize("share", [0.9, 1.1])
def test_samples_that_the_time_does_not_allow_are_refused(share: float) -> None:
    with raises(MeterError):
        check(fake.words(np.full(int(RATE * share), 50)), (1.0, 1.0))
    check(fake.words(np.full(RATE, 50)), (1.0, 1.0))


@pytest.mark.parametrize("change", [lambda w: w | 7 << 14, lambda w: w & ~np.uint32(7 << 14) | 5 << 14])
def test_a_range_that_does_not_exist_is_refused(change) -> None:
    with raises(MeterError):
        check(change(fake.words(np.full(100, 50))), (0.001, 0.001))


def test_a_current_that_no_ppk2_measures_is_refused() -> None:
    absurd = calibration(fake.METADATA.replace(f"R2: {fake.RESISTANCE}", "R2: 0.05"))
    with raises(MeterError):
        currents(fake.words(np.array([50, 9000])), absurd, 3300)


@given(st.lists(st.tuples(st.integers(1, 9), st.integers(1, 9)), max_size=30), st.booleans(), st.booleans())
def test_each_whole_time_of_the_marker_has_its_energy(
    runs: list[tuple[int, int]], first: bool, last: bool
) -> None:
    """A run is a pause and a time of the marker. Those at the edges of a capture are cut and do not count."""
    high = [first] * 3
    for pause, time in runs:
        high += [False] * pause + [True] * time
    high += [False] + [last] * 2
    joules = np.arange(1.0, len(high) + 1)
    found, at = [], 3
    for pause, time in runs:
        found.append(joules[at + pause : at + pause + time].sum())
        at += pause + time
    assert marked(joules, np.array(high)) == pytest.approx(found)


@given(
    *(WATTS, st.floats(0.1, 10), st.floats(0.01, 1.0), st.integers(1, 1000)),
    *(st.floats(1, 20), st.integers(0, 5)),
)
def test_energy_is_that_of_the_time_in_inferences_and_their_warm_ups(
    idle: float, seconds: float, share: float, n: int, factor: float, warm_ups: int
) -> None:
    running = share * seconds
    busy = running * n / (n + warm_ups)
    joules = idle * (seconds - running) + factor * idle * running
    rest = Window(1.0, idle)
    turn = Turn(Window(seconds, joules), n, busy, warm_ups)
    found = energy([turn] * 6, rest, rest, marker=False)
    assert found.millijoules == pytest.approx([1000 * factor * idle * busy / n] * 6)
    assert found.milliwatts == pytest.approx([1000 * factor * idle] * 6)


def test_the_marker_counts_timed_inferences_only() -> None:
    turn = Turn(Window(1.0, 9.0, (0.1,) * 10), 10, 0.5, warm_ups=3)
    found = energy([turn], REST, REST, marker=True)
    assert found.millijoules == pytest.approx([100] * 10)
    assert found.milliwatts == pytest.approx([2000])


TURN = Turn(Window(1.0, 2.0, (0.1,) * 10), 10, 0.9)
REST = Window(1.0, 1.0)


@pytest.mark.parametrize(
    ("turn", "before", "after", "marker"),
    [
        (TURN, REST, Window(1.0, 1.01 * (1 + IDLE_DRIFT)), False),
        (TURN, Window(1.0, 0.0), Window(1.0, 0.0), False),
        (replace(TURN, busy=1.2), REST, REST, False),
        (replace(TURN, window=Window(1.0, 0.05)), REST, REST, False),
        (replace(TURN, inferences=11), REST, REST, True),
        (replace(TURN, window=Window(1.0, 2.0)), REST, REST, True),
    ],
)
def test_captures_that_contradict_each_other_are_refused(
    turn: Turn, before: Window, after: Window, marker: bool
) -> None:
    energy([TURN], REST, REST, marker)
    with raises(MeterError):
        energy([turn], before, after, marker)


def ppk2(there: fake.Ppk2, **more: object) -> Meter:
    return Meter("ppk2", there.port, 3300, **more)  # type: ignore[arg-type]


@contextmanager
def opened(there: fake.Ppk2, **more: object) -> Iterator[Ppk2]:
    recorder = Ppk2(ppk2(there, **more), "left")
    try:
        yield recorder
    finally:
        recorder.close()


def test_a_capture_of_a_ppk2_has_its_energy_and_the_board_stays_powered() -> None:
    with fake.Ppk2() as there:
        with opened(there, supplies=True) as recorder:
            for _ in range(2):
                recorder.start()
                threading.Event().wait(0.1)
                taken = recorder.stop()
                assert taken.seconds >= 0.09
                assert taken.watts == pytest.approx(5e-3 * 3.3)
        settings = [command for command in there.heard if len(command) > 1]
        assert settings == [b"\x11\x02", b"\x0d\x0c\xe4", b"\x0c\x01"]
        with opened(there) as recorder:
            recorder.start()
            recorder.stop()
            assert b"\x11\x01" in there.heard  # wired into a supply
    assert there.heard.count(b"\x0c\x01") == 2
    assert b"\x0c\x00" not in there.heard


@pytest.mark.parametrize("faults", [{"loses": 500}, {"share": 0.7}, {"share": 1.5}])
def test_a_ppk2_that_loses_samples_is_refused_with_the_board(faults: dict[str, float]) -> None:
    with fake.Ppk2(**faults) as there, opened(there) as recorder:  # type: ignore[arg-type]
        recorder.start()
        threading.Event().wait(0.2)
        with raises(MeterError, board="left"):
            recorder.stop()


def test_a_port_that_is_no_ppk2_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with raises(MeterError, board="left"):
        Ppk2(Meter("ppk2", "/dev/none", 3300), "left")
    with fake.Ppk2(metadata="R0: 1\n") as there, raises(MeterError, board="left"):
        Ppk2(ppk2(there), "left")
    monkeypatch.setattr("hil.energy.ppk2.ANSWER_SECONDS", 0.1)
    master_only = fake.Ppk2()  # nobody answers
    with raises(MeterError, board="left"):
        Ppk2(ppk2(master_only), "left")


def test_a_ppk2_that_vanishes_ends_the_capture_with_an_error() -> None:
    there = fake.Ppk2()
    with there, opened(there) as recorder:
        recorder.start()
        there.vanish()
        with raises(MeterError, board="left"):
            recorder.stop()


def test_a_ppk2_that_does_not_stop_ends_the_capture_with_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hil.energy.ppk2.ANSWER_SECONDS", 0.5)
    with fake.Ppk2(stops=False) as there, opened(there) as recorder:
        recorder.start()
        with raises(MeterError, board="left"):
            recorder.stop()


class Still:
    """A meter that measures nothing."""

    def __init__(self, *args: object) -> None: ...

    def start(self) -> None: ...

    def enough(self) -> bool:
        return True

    def stop(self) -> Window:
        return REST

    def close(self) -> None: ...


def test_each_request_of_a_turn_is_known_to_warm_up_once(
    desktop: Board, small: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    turns: list[Turn] = []
    asked: list[int] = []
    measure = desktop.measure

    def counted(subnet: int, n: int, clock: Clock, x: NDArray[np.int8]) -> Samples:
        asked.append(n)
        return measure(subnet, n, clock, x)

    def kept(taken: list[Turn], *more: object) -> None:
        turns.extend(taken)

    desktop.deploy(small)
    monkeypatch.setattr(desktop, "measure", counted)
    monkeypatch.setattr("hil.boards.metering.energy", kept)
    monkeypatch.setattr("hil.boards.metering.BoardSensor", Still)
    measure_energy(desktop, Meter("hwmon", seconds=0.1), 0, inputs(small, 5))
    first, *rest = asked
    assert (first, len(turns)) == (5, 8)
    assert sum(turn.inferences for turn in turns) == sum(rest)
    assert sum(turn.warm_ups for turn in turns) == len(rest)


def test_a_bench_with_a_meter_keeps_energy_and_shows_a_column(
    hil: Run, small_pack: Path, tmp_path: Path
) -> None:
    with fake.Ppk2() as there:
        meter = f'meter = {{ kind = "ppk2", port = "{there.port}", millivolts = 3300, seconds = 0.2 }}'
        (tmp_path / "boards.toml").write_text(f'[[board]]\nname = "desk"\ntarget = "desktop"\n{meter}\n')
        args = ("--boards", "boards.toml", "--pack", small_pack, "--results", "a.jsonl", "--samples=7")
        done = hil(*args)
    assert done.returncode == 0, done.stdout
    assert outcomes(done.stdout) == {"passed": suite_size(small_pack), "skipped": 2}
    assert re.search(r"^subnet .* energy mJ", done.stdout, re.MULTILINE)
    rows = [
        row
        for row in read(tmp_path / "a.jsonl")
        if row["metric"] in ("energy", "energy_switch", "power_idle")
    ]
    assert [(row["subnet"], row["metric"], row["unit"]) for row in rows] == [
        *[("50%", "energy", "mJ"), ("50%", "power_idle", "mW"), ("100%->50%", "energy_switch", "mJ")],
        *[("100%", "energy", "mJ"), ("100%", "power_idle", "mW"), ("50%->100%", "energy_switch", "mJ")],
    ]
    assert all(row["value"] == pytest.approx(16.5) for row in rows if row["metric"] == "power_idle")
    for row in rows:
        if row["metric"] != "power_idle":
            assert 0 <= row["low"] <= row["value"] <= row["high"]


def test_a_bench_refuses_a_meter_in_one_line_and_keeps_no_energy(
    hil: Run, small_pack: Path, tmp_path: Path, boards_toml: BoardsToml
) -> None:
    meter = 'meter = { kind = "ppk2", port = "/dev/none", millivolts = 3300 }'
    (tmp_path / "boards.toml").write_text(f'[[board]]\nname = "desk"\ntarget = "desktop"\n{meter}\n')
    args = (
        "--boards",
        "boards.toml",
        "--pack",
        small_pack,
        "--results",
        "a.jsonl",
        "-k",
        "latency or energy",
    )
    done = hil(*args)
    assert outcomes(done.stdout)["error"] == 2
    assert done.stdout.count("its meter: port /dev/none cannot be opened") >= 2
    assert "Traceback" not in done.stdout
    assert "energy" not in {row["metric"] for row in read(tmp_path / "a.jsonl")}
    assert "energy mJ" not in done.stdout


def test_an_emulated_board_has_no_energy(
    small: Model, desktop: Board, monkeypatch: pytest.MonkeyPatch
) -> None:
    facts = replace(desktop.facts(), provenance=Provenance.EMULATED)
    monkeypatch.setattr(desktop, "facts", lambda: facts)
    with raises(NotMeasurable):
        measure_energy(desktop, Meter("hwmon"), 0, inputs(small, 1))
