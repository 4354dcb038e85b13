"""The capacities that `reds inspect` compares a pack with are those of the agents."""

from pathlib import Path

import pytest

from hil.boards.targets import stm32f4
from hil.emulators import cortex_m4
from hil.emulators.bare_board import BareBoard
from hil.firmware import build
from hil.protocol.agent import Agent
from hil.transports.deadline import Deadline
from hil.transports.process import ProcessTransport
from hil.transports.transport import Advice, Transport
from reds.pack.capacity import CAPACITIES


def check(transport: Transport, port: str) -> None:
    with Agent(transport, port) as agent:
        hello = agent.hello(Deadline.after(10))
    told = CAPACITIES[port]
    assert (hello.capacity, hello.arena, hello.input_bytes) == (told.flash, told.arena, told.input_bytes)
    assert told.layouts <= hello.layouts


def test_capacity_of_a_posix_system_is_that_of_its_agent(posix_agent: Path) -> None:
    check(ProcessTransport(posix_agent), "posix")


@pytest.mark.cross("arm-none-eabi-gcc")
@pytest.mark.qemu("qemu-system-arm")
def test_capacity_of_the_nano_is_that_of_its_agent() -> None:
    with cortex_m4.start(build.agent(build.EMULATED)) as emulator:
        check(emulator.open(Advice("run again", "run again")), "nano33ble")


@pytest.mark.cross("arm-none-eabi-gcc")
@pytest.mark.qemu("qemu-system-arm")
def test_capacity_of_the_stm32f4_is_that_of_its_agent() -> None:
    with BareBoard("stm32f4", stm32f4.MACHINE, build.agent(stm32f4.AGENT)) as emulator:
        check(emulator.open(Advice("run again", "run again")), "stm32f4")
