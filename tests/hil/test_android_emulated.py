"""Test boards over ADB on a real adbd in a virtual machine, and its failures."""

import os
import re
import signal
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path

import pytest

from hil.boards import shell_board
from hil.boards.board import Board
from hil.boards.entry import Entry
from hil.boards.facts import Provenance
from hil.boards.targets import android
from hil.emulators.arm64 import Machine
from hil.errors import BuildError, DeadlineError, LinkError, SetupError
from hil.firmware import build
from hil.protocol.patience import Patience
from hil.transports.adb import find
from hil.transports.adb.device import Device
from hil.transports.deadline import Deadline
from hil.transports.host import Host
from reds.pack.model import Model
from tests.hil.support import AGENTS
from tests.hil.support.boards import equals_the_interpreter, taking
from tests.hil.support.phone import AdbServer
from tests.hil.support.raising import raises
from tests.support.nets import inputs

pytestmark = [pytest.mark.qemu("qemu-system-aarch64"), pytest.mark.cross("aarch64-linux-gnu-gcc")]

FOLDER = "/data/local/tmp/reds-hil"


def connected(emulated: Machine) -> Device:
    return Device(find.on_network(Host("127.0.0.1", emulated.port))(Deadline.after(20)))


def on(device: Device, agent: Path | None = None) -> AbstractContextManager[Board]:
    entry, agents = Entry("phone", "android", agent=agent), {"aarch64": build.EMULATED_LINUX}
    return shell_board.start(entry, Provenance.EMULATED, agents, lambda: device)


def there(emulated: Machine, script: str) -> str:
    """Run a script on the device and return its output."""
    with connected(emulated) as device:
        return device.run(script, "look", Deadline.after(60))


def agents(emulated: Machine) -> list[str]:
    """Return the processes of agents on the device."""
    found = there(
        emulated,
        f"for p in /proc/[0-9]*; do readlink $p/exe | grep -q {FOLDER} && echo ${{p#/proc/}}; done; true",
    )
    return found.split()


def runs(device: Device, model: Model) -> None:
    """Fail unless every subnet gives the outputs of the interpreter."""
    equals_the_interpreter(on(device), model)


def test_pack_runs_and_the_agent_is_stored_once(emulated: Machine, small: Model) -> None:
    look = f"stat -c '%i %Y %a %u' {FOLDER}/*"
    runs(connected(emulated), small)
    before = there(emulated, look)
    assert re.fullmatch(r"\d+ \d+ 700 2000\n", before)
    runs(connected(emulated), small)
    assert there(emulated, look) == before
    assert agents(emulated) == []


def test_emulated_device_is_reached_through_a_server(emulated: Machine, adb: AdbServer, small: Model) -> None:
    serial = adb.connect(emulated.port)
    runs(Device(find.find_connected(serial, None)[1](Deadline.after(20))), small)
    assert agents(emulated) == []


def test_emulated_device_is_refused_as_hardware(emulated: Machine) -> None:
    entry = Entry("phone", "android", host=Host("127.0.0.1", emulated.port))
    assert android.absent(entry) is None
    with (
        raises(SetupError, board="phone"),
        android.start(entry, Provenance.HARDWARE),
    ):
        pass


def test_conditions_of_the_emulated_device_are_read(emulated: Machine) -> None:
    with on(connected(emulated)) as board:
        now = board.conditions()
        assert [clock.name for clock in board.facts().clocks] == ["instructions"]
    assert now is not None
    assert (now.machine, now.model, now.abi) == ("aarch64", "Emulated Cortex-A72", "arm64-v8a")
    assert now.build == "reds-hil/virt/virt:14/emulated:userdebug/test-keys"


def test_killed_agent_raises_link_error(emulated: Machine, small: Model) -> None:
    with on(connected(emulated)) as board:
        board.deploy(small)
        (agent,) = agents(emulated)
        there(emulated, f"kill -9 {agent}")
        with (
            taking(5),
            raises(LinkError, board="phone"),
        ):
            board.infer(inputs(small, 3))


@pytest.fixture(scope="session")
def stuck() -> Path:
    return build.agent(build.EMULATED_LINUX, AGENTS / "stuck.c", "android")


@pytest.mark.parametrize("lost", [False, True], ids=["closed", "lost"])
def test_hanging_agent_is_ended(emulated: Machine, small: Model, stuck: Path, lost: bool) -> None:
    device = connected(emulated)
    with on(device, stuck) as board:
        board.deploy(small)
        board._agent.patience = Patience(2.0)
        with taking(5), raises(DeadlineError, board="phone"):
            board.infer(inputs(small, 3))
        if lost:
            device.close()
    assert agents(emulated) == []


def test_killed_machine_raises_link_error(emulated: Machine, small: Model) -> None:
    with on(connected(emulated)) as board:
        board.deploy(small)
        emulated.stop()
        with taking(5), raises(LinkError, board="phone"):
            board.infer(inputs(small, 3))


def test_stopped_machine_raises_at_the_deadline(emulated: Machine, small: Model) -> None:
    assert emulated._process is not None
    pid = emulated._process.pid
    with ExitStack() as stack:
        board = stack.enter_context(on(connected(emulated)))
        os.kill(pid, signal.SIGSTOP)
        with taking(8), raises(DeadlineError, board="phone"):
            board.deploy(small)
        with taking(12):
            stack.close()
        os.kill(pid, signal.SIGCONT)
    assert agents(emulated) == []


@pytest.mark.parametrize(
    ("before", "reason"),
    [
        (f"mkdir {FOLDER}; cat /dev/zero >{FOLDER}/full; true", "No space left on device"),
        ("chmod 500 /data/local/tmp", "Permission denied"),
        (f"mkdir {FOLDER}; chmod 500 {FOLDER}", f"{FOLDER} may not be written to"),
    ],
    ids=["full", "no folder", "no file"],
)
def test_disk_that_cannot_hold_the_agent_is_named_as_the_reason(
    emulated: Machine, before: str, reason: str
) -> None:
    there(emulated, before)
    with taking(10), raises(BuildError, board="phone") as caught, on(connected(emulated)):
        pass
    assert reason in caught.value.text
    assert there(emulated, f"ls {FOLDER} 2>/dev/null | grep agent; true") == ""


def test_agent_for_another_processor_is_not_sent(emulated: Machine) -> None:
    agent = build.agent(build.LINUX["x86_64"], board="android")
    with raises(BuildError, board="phone"), on(connected(emulated), agent):
        pass
    assert there(emulated, f"ls {FOLDER} 2>/dev/null; true") == ""
