import sys
from pathlib import Path

import pytest

from hil.boards import emulated_board
from hil.boards.entry import Entry
from hil.boards.registry import (
    GROUP,
    faults,
    is_only_emulated,
    programs,
    serial_boards,
    target,
    target_names,
)
from hil.boards.targets import rv32
from hil.emulators import qemu
from hil.errors import EmulatorError, SetupError, UnknownTarget
from tests.hil.support.raising import raises


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Install a package that registers a target of its own, and one with a name of ours."""
    (tmp_path / "their_lab.py").write_text("HAS_EMULATOR = False\ndef start(entry, provenance): ...\n")
    info = tmp_path / "their_lab-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: their-lab\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[{GROUP}]\nlab = their_lab\npi = their_lab\n")
    monkeypatch.syspath_prepend(tmp_path)


def test_targets_are_the_modules_of_the_folder() -> None:
    assert target_names() == ("android", "desktop", "nano33ble", "pi", "rv32", "stm32f4")


def test_package_may_register_a_target(installed: None) -> None:
    assert "lab" in target_names()
    assert target("lab").__name__ == "their_lab"


def test_package_cannot_replace_a_target_of_this_project(installed: None) -> None:
    assert target("pi").__name__ == "hil.boards.targets.pi"


@pytest.mark.parametrize(
    ("module", "said"),
    [
        ("def broken(:\n", "SyntaxError"),
        ("import no_such_module\n", "No module named 'no_such_module'"),
        ("HAS_EMULATOR = True\n", "no start"),
        ("def start(entry, provenance): ...\n", "no HAS_EMULATOR"),
    ],
)
def test_damaged_target_of_a_package_is_named_and_hides_no_other(
    installed: None, tmp_path: Path, module: str, said: str
) -> None:
    (tmp_path / "their_damaged.py").write_text(module)
    (tmp_path / "their_lab-1.0.dist-info" / "entry_points.txt").write_text(
        f"[{GROUP}]\nlab = their_damaged\n"
    )
    sys.modules.pop("their_damaged", None)
    with raises(UnknownTarget) as caught:
        target("lab")
    assert said in caught.value.text
    assert "their_damaged" in caught.value.text
    assert list(faults()) == ["lab"]
    assert "nano33ble" in serial_boards()
    assert "rv32" in programs()["qemu-system-riscv32"]


def test_name_of_ours_in_a_package_is_a_fault(installed: None) -> None:
    found = faults()
    assert list(found) == ["pi"]
    assert "their_lab" in found["pi"]


def test_board_without_a_real_one_is_only_emulated() -> None:
    assert is_only_emulated("rv32")
    assert not is_only_emulated("stm32f4")


def test_agent_that_is_built_as_another_board_is_refused_before_it_is_built() -> None:
    with (
        raises(SetupError, board="mine") as caught,
        emulated_board.start(Entry("mine", "mine"), rv32.AGENT, rv32.MACHINE),
    ):
        raise AssertionError("the board started")
    assert "'rv32'" in caught.value.text


def test_unknown_target_raises() -> None:
    with raises(UnknownTarget):
        target("nano33")


def test_target_without_functions_that_look_for_a_board_is_only_emulated(installed: None) -> None:
    theirs = target("lab")
    assert theirs.HAS_EMULATOR
    assert theirs.device(Entry("left", "lab")) is None
    assert theirs.absent(Entry("left", "lab"))


def test_missing_emulator_is_named_with_the_package_that_has_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    for program, package in (
        ("qemu-system-riscv32", "qemu-system-misc"),
        ("qemu-system-arm", "qemu-system-arm"),
    ):
        with raises(EmulatorError) as caught:
            qemu.version(program, "board")
        assert program in caught.value.text
        assert caught.value.text.endswith(f"install {package}")


def test_programs_of_boards_without_a_system_are_those_of_their_targets() -> None:
    found = programs()
    assert found["riscv64-unknown-elf-gcc"] == found["qemu-system-riscv32"] == "rv32"
    assert "stm32f4" in found["arm-none-eabi-gcc"]


def test_boards_with_a_serial_port_are_told_apart_by_their_usb_ids() -> None:
    boards = serial_boards()
    assert {"nano33ble", "stm32f4"} <= boards.keys()
    ids = [each for board in boards.values() for each in board.model.ids]
    assert len(ids) == len(set(ids))
