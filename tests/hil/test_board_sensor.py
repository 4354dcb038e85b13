"""Test sensors of a board: a power monitor in sysfs, and a battery."""

import threading
from pathlib import Path

import numpy as np
import pytest

from hil.boards.board import Board
from hil.boards.entry import Entry
from hil.boards.facts import Provenance
from hil.boards.metering import measure_energy
from hil.boards.registry import target
from hil.energy.board_sensor import BoardSensor
from hil.energy.meter import Meter
from hil.errors import MeterError
from hil.transports.deadline import Deadline
from reds.pack.model import Model
from tests.hil.support.boards import open_pi
from tests.hil.support.raising import raises
from tests.hil.support.sshd import Start
from tests.support.nets import inputs


@pytest.fixture
def sensor(tmp_path: Path) -> Path:
    """The folder of an INA219 in sysfs: a power of 1.5 W."""
    folder = tmp_path / "hwmon2"
    folder.mkdir()
    (folder / "name").write_text("ina219\n")
    (folder / "power1_input").write_text("1500000\n")
    return folder


def test_power_of_a_sysfs_over_ssh_becomes_energy(sshd: Start, small: Model, sensor: Path) -> None:
    there, x = sshd(), inputs(small, 5)
    with open_pi(there.entry()) as board:
        board.deploy(small)
        found = measure_energy(board, Meter("hwmon", path=str(sensor), seconds=0.4), 0, x)
        clock = next(clock for clock in board.facts().clocks if clock.hz)
        us = np.median(board.measure(0, 100, clock, x).microseconds)
    assert found.idle_milliwatts == pytest.approx((1500, 1500))
    assert found.milliwatts == pytest.approx([1500] * 8, rel=1e-6)
    assert 0.2 * us < np.median(found.millijoules) / 1500 * 1e6 < 5 * us


@pytest.mark.parametrize(
    ("kind", "files"),
    [
        ("hwmon", {"power1_input": None}),
        ("hwmon", {"power1_input": "0\n"}),
        ("hwmon", {"power1_input": "900000000000\n"}),
        ("hwmon", {"power1_input": "none\n"}),
        ("battery", {"current_now": "500000\n"}),
        ("battery", {"current_now": "500000\n", "voltage_now": "4000000\n", "status": "Charging\n"}),
    ],
)
def test_a_sensor_that_says_nothing_is_refused(
    desktop: Board, small: Model, sensor: Path, kind: str, files: dict[str, str | None]
) -> None:
    desktop.deploy(small)
    for name, text in files.items():
        (sensor / name).unlink(missing_ok=True)
        if text:
            (sensor / name).write_text(text)
    with raises(MeterError, board="desk"):
        measure_energy(desktop, Meter(kind, path=str(sensor), seconds=0.1), 0, inputs(small, 2))  # type: ignore[arg-type]


def test_a_battery_draws_current_times_voltage(desktop: Board, small: Model, sensor: Path) -> None:
    desktop.deploy(small)
    for name, text in {"current_now": "-500000", "voltage_now": "4000000", "status": "Discharging"}.items():
        (sensor / name).write_text(text + "\n")
    found = measure_energy(desktop, Meter("battery", path=str(sensor), seconds=0.1), 0, inputs(small, 2))
    assert found.milliwatts == pytest.approx([2000] * 8)


def test_a_capture_lasts_until_its_sensor_was_read_often_enough(
    desktop: Board, small: Model, sensor: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A busy board reads late: here so late that no capture of the usual length has enough readings."""
    monkeypatch.setattr("hil.energy.board_sensor._PAUSE_SECONDS", 0.1)
    monkeypatch.setattr("hil.boards.metering.TURNS", 1)
    desktop.deploy(small)
    found = measure_energy(desktop, Meter("hwmon", path=str(sensor), seconds=0.1), 0, inputs(small, 2))
    assert found.milliwatts == pytest.approx([1500])


def test_a_sensor_that_is_never_read_often_enough_ends_the_capture_with_an_error(
    desktop: Board, small: Model, sensor: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hil.energy.board_sensor._PAUSE_SECONDS", 0.3)
    monkeypatch.setattr("hil.boards.metering._LATER_SECONDS", 0.2)
    desktop.deploy(small)
    with raises(MeterError, board="desk"):
        measure_energy(desktop, Meter("hwmon", path=str(sensor), seconds=0.1), 0, inputs(small, 2))


def test_a_reading_counts_for_the_time_until_the_next(desktop: Board, sensor: Path) -> None:
    recorder = BoardSensor(Meter("hwmon", path=str(sensor)), "desk", desktop.shell)
    taken = recorder._window("1.00 1000000\n1.01 3000000\n1.02 3000000\n1.52 1000000\n2.00 1000000\n")
    assert taken.seconds == pytest.approx(1.0)
    assert taken.joules == pytest.approx(0.01 * 2 + 0.01 * 3 + 0.5 * 2 + 0.48)


@pytest.mark.parametrize("path", ["$(touch {})", "`touch {}`", "'; touch {}; '", "x\ntouch {}\n"])
def test_a_path_of_a_sensor_runs_nothing_in_a_shell(desktop: Board, tmp_path: Path, path: str) -> None:
    with raises(MeterError, board="desk"):
        BoardSensor(Meter("hwmon", path=path.format(tmp_path / "ran")), "desk", desktop.shell)
    assert list(tmp_path.iterdir()) == []


def test_a_long_capture_has_no_more_readings_than_a_machine_may_print(
    desktop: Board, sensor: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hil.energy.board_sensor._MOST_READINGS", 8)
    recorder = BoardSensor(Meter("hwmon", path=str(sensor), seconds=0.8), "desk", desktop.shell)
    read: list[str] = []
    monkeypatch.setattr(recorder, "_window", lambda text: read.extend(text.splitlines()))
    recorder.start()
    threading.Event().wait(0.8)
    recorder.stop()
    assert 1 <= len(read) <= 11


def test_a_script_that_nobody_stops_ends_by_itself_and_leaves_no_folder(
    desktop: Board, sensor: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hil.energy.board_sensor._SPARE_SECONDS", 0.0)
    recorder = BoardSensor(Meter("hwmon", path=str(sensor), seconds=2.0), "desk", desktop.shell)
    recorder.start()
    folder, deadline = Path(recorder._folder), Deadline.after(20)
    assert folder.exists()
    while folder.exists() and not deadline.passed:
        threading.Event().wait(0.05)
    assert not folder.exists()
    with raises(MeterError, board="desk"):
        recorder.stop()


@pytest.mark.qemu("qemu-system-aarch64")
@pytest.mark.cross("aarch64-linux-gnu-gcc")
def test_the_shell_of_android_reads_a_battery() -> None:
    """The emulated device has Android's shell and tools, and a battery that the test makes."""
    files = {"current_now": "-250000", "voltage_now": "4000000", "status": "Discharging"}
    folder = "/data/local/tmp/battery"
    lines = [f"echo {text} >{folder}/{name}" for name, text in files.items()]
    with target("android").start(Entry("phone", "android"), Provenance.EMULATED) as board:
        assert board.shell is not None
        board.shell("\n".join([f"mkdir {folder}", *lines]))
        recorder = BoardSensor(Meter("battery", path=folder, seconds=0.5), "phone", board.shell)
        recorder.start()
        threading.Event().wait(0.5)
        taken = recorder.stop()
        left = board.shell("ls -d /data/local/tmp/tmp.* /tmp/tmp.* 2>/dev/null; true")
    assert taken.watts == pytest.approx(1.0)
    assert taken.seconds > 0  # by the clock of the emulator, which has its own pace
    assert left.strip() == ""
