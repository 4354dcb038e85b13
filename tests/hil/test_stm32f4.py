"""The STM32F4 in QEMU, and writes to its flash by the programs of an ST-LINK, which scripts play."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from hil.boards import emulated_board
from hil.boards.entry import Entry
from hil.boards.facts import Provenance
from hil.boards.targets import stm32f4
from hil.emulators.bare_board import BareBoard, Machine
from hil.errors import BuildError
from hil.firmware import build, stlink
from reds.pack import interpreter
from reds.pack.model import Model
from tests.hil.support.raising import raises
from tests.support.nets import dnn_s, inputs

ENTRY = Entry("left", "stm32f4")
PROBED = """Found 2 stlink programmers
  version:    V2J37S26
  serial:     AAA
  flash:      65536 (pagesize: 1024)
  chipid:     0x410
  dev-type:   F1xx_MD
  version:    V2J37S26
  serial:     BBB
  flash:      524288 (pagesize: 131072)
  chipid:     0x421
  dev-type:   F446
"""


def equals_the_interpreter(machine: Machine, model: Model) -> None:
    x = inputs(model, 5)
    with emulated_board.opened(
        ENTRY, lambda: BareBoard("stm32f4", machine, build.agent(stm32f4.AGENT))
    ) as board:
        board.deploy(model)
        for subnet, out in enumerate(board.infer_each(range(len(model.subnets)), x)):
            assert np.array_equal(out, interpreter.run(model, subnet, x))
        (clock,) = board.facts().clocks
        assert board.measure(0, 3, clock, x).ticks == board.measure(0, 3, clock, x).ticks


@pytest.mark.cross("arm-none-eabi-gcc")
@pytest.mark.qemu("qemu-system-arm")
def test_program_runs_in_qemu_and_writes_packs_to_its_flash() -> None:
    with stm32f4.start(ENTRY, Provenance.EMULATED) as board:
        for seed in (0, 1, 2):  # the second takes the other slot, the third erases the first
            model = dnn_s(seed)
            board.deploy(model)
            x = inputs(model, 2)
            (out,) = board.infer_each([3], x)
            assert np.array_equal(out, interpreter.run(model, 3, x))


@pytest.mark.cross("arm-none-eabi-gcc")
@pytest.mark.qemu("qemu-system-arm")
@pytest.mark.parametrize("mailbox", [True, False], ids=["mailbox", "serial line"])
def test_bytes_arrive_by_the_mailbox_and_by_the_serial_line(mailbox: bool, small: Model) -> None:
    machine = Machine("netduinoplus2", options=stm32f4.HOST_CALLS, shared=0, mailbox=mailbox, shift=0, uart=1)
    equals_the_interpreter(machine, small)


@pytest.mark.cross("arm-none-eabi-gcc")
def test_binary_starts_with_the_stack_and_the_reset_vector() -> None:
    program = build.binary(stm32f4.AGENT).read_bytes()
    stack, reset = (int.from_bytes(program[at : at + 4], "little") for at in (0, 4))
    assert stack == 0x20020000
    assert 0x08000000 < reset < 0x08000000 + len(program) <= 0x08020000


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], Path]:
    """Put scripts for st-info and st-flash on PATH; the second notes what it was told."""

    def write(probed: str, write: str) -> Path:
        for name, script in (("st-info", f"cat <<E\n{probed}E"), ("st-flash", write)):
            (tmp_path / name).write_text(f"#!/bin/sh\n{script}\n")
            (tmp_path / name).chmod(0o755)
        monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
        return tmp_path / "told"

    return write


def test_agent_is_written_by_the_st_link_of_the_board(
    programs: Callable[[str, str], Path], tmp_path: Path
) -> None:
    told = programs(PROBED, f'echo "$@" > {tmp_path}/told')
    stlink.flash(Path("agent.bin"), "bbb", stm32f4.CHIPS)
    written = ["--connect-under-reset", "--reset", "write", "agent.bin", "0x08000000"]
    assert told.read_text().split() == ["--serial", "bbb", *written]


@pytest.mark.parametrize("serial", ["AAA", "CCC"])
def test_other_chip_is_never_written_to(
    programs: Callable[[str, str], Path], tmp_path: Path, serial: str
) -> None:
    told = programs(PROBED, f"touch {tmp_path}/told")
    with raises(BuildError):
        stlink.flash(Path("agent.bin"), serial, stm32f4.CHIPS)
    assert not told.exists()


def test_failed_write_raises_what_the_program_said(programs: Callable[[str, str], Path]) -> None:
    programs(PROBED, "echo unlocking failed; exit 1")
    with raises(BuildError) as caught:
        stlink.flash(Path("agent.bin"), "BBB", stm32f4.CHIPS)
    assert "unlocking failed" in caught.value.text


def test_missing_programs_are_named_with_their_package(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with raises(BuildError) as caught:
        stlink.flash(Path("agent.bin"), None, stm32f4.CHIPS)
    assert "stlink-tools" in caught.value.text
