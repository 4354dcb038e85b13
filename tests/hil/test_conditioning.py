"""Test boards that are brought to the conditions in boards.toml, on a real sshd with a /sys of the test."""

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from hil.boards import conditioning
from hil.boards.board import Board
from hil.boards.facts import Provenance
from hil.boards.recovery import Record, RecoverableBoard
from hil.boards.targets import pi
from hil.errors import SetupError, UnfitError
from tests.hil.support.raising import raises
from tests.hil.support.sshd import Sshd, Start, mounting, parent
from tests.hil.support.suite_run import BoardsToml, Run, one_line_of_errors, outcomes

CPU, HEAT = "/sys/devices/system/cpu", "/sys/class/thermal"


class Sys:
    """Governors and temperature of a board, as files."""

    def __init__(self, folder: Path) -> None:
        self.cpu, self.heat = folder / "cpu", folder / "thermal"
        for each in (self.cpu, self.heat):
            each.mkdir()

    def govern(self, *governors: str) -> list[Path]:
        files = [self.cpu / f"cpu{i}" / "cpufreq" / "scaling_governor" for i in range(len(governors))]
        for file, governor in zip(files, governors, strict=True):
            file.parent.mkdir(parents=True)
            file.write_text(governor + "\n")
        return files

    def warm(self, celsius: float) -> None:
        (self.heat / "thermal_zone0").mkdir(exist_ok=True)
        (self.heat / "thermal_zone0" / "temp").write_text(f"{1000 * celsius:.0f}\n")


@pytest.fixture
def sysfs(tmp_path: Path) -> Sys:
    return Sys(tmp_path)


@pytest.fixture
def there(sshd: Start, sysfs: Sys) -> Callable[[str], Sshd]:
    def start(options: str = "rw") -> Sshd:
        binds = [(sysfs.cpu, CPU), (sysfs.heat, HEAT)]
        mounts = [f"mount --bind {mine} {real}" for mine, real in binds]
        return sshd(within=mounting(*mounts, f"mount -o remount,bind,{options} {CPU}"))

    return start


def read(files: list[Path]) -> list[str]:
    return [file.read_text().strip() for file in files]


def test_governor_is_set_for_the_run_and_restored(there: Callable[..., Sshd], sysfs: Sys) -> None:
    files = sysfs.govern("ondemand", "performance", "powersave")
    with pi.start(there().entry(governor="performance"), Provenance.HARDWARE) as board:
        assert read(files) == ["performance"] * 3
        seen = board.conditions()
        assert seen is not None
        assert seen.governor == "performance"
    assert read(files) == ["ondemand", "performance", "powersave"]


def test_governor_that_cannot_be_set_raises_with_the_command_to_run(
    there: Callable[..., Sshd], sysfs: Sys
) -> None:
    sysfs.govern("ondemand", "performance")
    board = there("ro")
    with (
        raises(SetupError, board="pi-1") as error,
        pi.start(board.entry(governor="performance"), Provenance.HARDWARE),
    ):
        pass
    assert "echo performance | sudo tee" in str(error.value)
    assert board.running() == []


def test_board_without_thermometer_or_governor_raises(there: Callable[..., Sshd], sysfs: Sys) -> None:
    entry = there().entry(max_celsius=50.0)
    with pi.start(entry, Provenance.HARDWARE) as board:
        with raises(UnfitError, board="pi-1"):
            board.settle()
        sysfs.warm(50)
        board.settle()
    with (
        raises(SetupError, board="pi-1"),
        pi.start(pi.Entry(**{**vars(entry), "governor": "performance"}), Provenance.HARDWARE),
    ):
        pass


def test_hot_board_is_waited_for(
    there: Callable[..., Sshd], sysfs: Sys, monkeypatch: pytest.MonkeyPatch
) -> None:
    sysfs.warm(81)
    looks: list[float] = []

    def cool(seconds: float) -> None:
        looks.append(seconds)
        sysfs.warm(81 - len(looks))

    monkeypatch.setattr(conditioning.time, "sleep", cool)
    with pi.start(there().entry(max_celsius=78.5), Provenance.HARDWARE) as board:
        assert not looks, "only figures wait"
        board.settle()
        assert len(looks) == 3
        seen = board.conditions()
        assert seen is not None
        assert seen.celsius == 78


def test_board_that_stays_hot_is_one_error(
    hil: Run, there: Callable[..., Sshd], sysfs: Sys, small_pack: Path, boards_toml: BoardsToml
) -> None:
    """Tests that take no times run all the same."""
    sysfs.warm(90)
    boards = boards_toml("pi", **there().keys(), max_celsius=70, cool_down=0.01)
    done = hil("--target=pi", "--boards", boards, "--pack", small_pack)
    assert done.returncode == 1
    line = one_line_of_errors(done.stdout)
    assert line.startswith("board: ")
    assert "max_celsius is 70" in line
    found = outcomes(done.stdout)
    assert found["error"] == 1
    assert found["passed"] >= 2, "conformance of every subnet"


def test_board_without_asked_conditions_is_left_unchanged(there: Callable[..., Sshd], sysfs: Sys) -> None:
    files = sysfs.govern("ondemand")
    with pi.start(there().entry(), Provenance.HARDWARE) as board:
        board.settle()
        assert read(files) == ["ondemand"]


def test_governor_is_restored_by_the_next_run_after_the_board_was_lost(
    there: Callable[..., Sshd], sysfs: Sys
) -> None:
    files = sysfs.govern("ondemand", "powersave")
    board = there()
    entry = board.entry(governor="performance")
    said: list[str] = []
    with RecoverableBoard(entry, Provenance.HARDWARE, Record(), said.append, said.append) as lost:
        lost.do(Board.facts)
        os.kill(parent(board.agent()), signal.SIGKILL)
        lost.do(Board.reset)
        assert said[-1].endswith("it works after a restart")
        assert read(files) == ["performance"] * 2
        assert "governors" in {file.name for file in board.stored()}
    assert read(files) == ["ondemand", "powersave"]
    assert "governors" not in {file.name for file in board.stored()}


def test_note_of_governors_from_before_a_restart_is_not_restored(
    there: Callable[..., Sshd], sysfs: Sys
) -> None:
    (file,) = sysfs.govern("performance")
    board = there()
    note = board.home / ".cache" / "reds-hil" / "governors"
    note.parent.mkdir(parents=True)
    note.write_text(f"boot=another\n{CPU}/cpu0/cpufreq/scaling_governor=powersave\n")
    with pi.start(board.entry(governor="performance"), Provenance.HARDWARE):
        pass
    assert read([file]) == ["performance"]
