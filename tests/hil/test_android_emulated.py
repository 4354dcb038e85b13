"""A real adbd in a virtual machine, and what goes wrong with it."""

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
from hil.transports.adb import find
from hil.transports.adb.device import Device
from hil.transports.deadline import Deadline
from hil.transports.host import Host
from reds.pack.model import Model
from tests.hil.support import AGENTS
from tests.hil.support.boards import gives_the_references_bits, taking
from tests.hil.support.phone import AdbServer
from tests.support.nets import inputs

FOLDER = "/data/local/tmp/reds-hil"


def connected(emulated: Machine) -> Device:
    return Device(find.on_network(Host("127.0.0.1", emulated.port))(Deadline.after(20)))


def on(device: Device, agent: Path | None = None) -> AbstractContextManager[Board]:
    entry, agents = Entry("phone", "android", agent=agent), {"aarch64": build.EMULATED_LINUX}
    return shell_board.start(entry, Provenance.EMULATED, agents, lambda: device)


def there(emulated: Machine, script: str) -> str:
    """What a script prints there."""
    with connected(emulated) as device:
        return device.run(script, "look", Deadline.after(60))


def agents(emulated: Machine) -> list[str]:
    """The numbers of the agents that run there."""
    found = there(
        emulated,
        f"for p in /proc/[0-9]*; do readlink $p/exe | grep -q {FOLDER} && echo ${{p#/proc/}}; done; true",
    )
    return found.split()


def runs(device: Device, model: Model) -> None:
    """Fails unless every subnet gives the reference's bits there."""
    gives_the_references_bits(on(device), model)


def test_a_pack_runs_and_the_agent_is_stored_once(emulated: Machine, small: Model) -> None:
    look = f"stat -c '%i %Y %a %u' {FOLDER}/*"
    runs(connected(emulated), small)
    before = there(emulated, look)
    assert re.fullmatch(r"\d+ \d+ 700 2000\n", before)
    runs(connected(emulated), small)
    assert there(emulated, look) == before
    assert agents(emulated) == []


def test_a_server_reaches_it_too(emulated: Machine, adb: AdbServer, small: Model) -> None:
    serial = adb.connect(emulated.port)
    runs(Device(find.plugged_in(serial, None)[1](Deadline.after(20))), small)
    assert agents(emulated) == []


def test_it_does_not_pass_for_a_device(emulated: Machine) -> None:
    entry = Entry("phone", "android", host=Host("127.0.0.1", emulated.port))
    assert android.absent(entry) is None
    with (
        pytest.raises(
            SetupError, match=r"phone: .* is an emulator, no device; name another, or add --emulate"
        ),
        android.start(entry, Provenance.HARDWARE),
    ):
        pass


def test_it_says_what_it_is(emulated: Machine) -> None:
    with on(connected(emulated)) as board:
        now = board.conditions()
        assert [clock.name for clock in board.facts().clocks] == ["instructions"]
    assert now is not None
    assert (now.machine, now.model, now.abi) == ("aarch64", "Emulated Cortex-A72", "arm64-v8a")
    assert now.build == "reds-hil/virt/virt:14/emulated:userdebug/test-keys"


def test_an_agent_that_is_killed_is_lost_by_name(emulated: Machine, small: Model) -> None:
    with on(connected(emulated)) as board:
        board.deploy(small)
        (agent,) = agents(emulated)
        there(emulated, f"kill -9 {agent}")
        with (
            taking(5),
            pytest.raises(LinkError, match=r"phone: the agent at 127\S+ port \d+ was killed; check"),
        ):
            board.infer(inputs(small, 3))


@pytest.fixture(scope="session")
def stuck() -> Path:
    return build.agent(build.EMULATED_LINUX, AGENTS / "stuck.c", "android")


@pytest.mark.parametrize("lost", [False, True], ids=["closed", "lost"])
def test_an_agent_that_is_stuck_is_ended(
    emulated: Machine, small: Model, stuck: Path, lost: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hil.boards.board.START_SECONDS", 2.0)
    device = connected(emulated)
    with on(device, stuck) as board:
        board.deploy(small)
        with taking(5), pytest.raises(DeadlineError, match=r"phone: no answer to INFER within 2"):
            board.infer(inputs(small, 3))
        if lost:
            device.close()
    assert agents(emulated) == []


def test_a_device_that_is_gone_is_lost_by_name(emulated: Machine, small: Model) -> None:
    with on(connected(emulated)) as board:
        board.deploy(small)
        emulated.stop()
        with taking(5), pytest.raises(LinkError, match=r"phone: 127\S+ port \d+ is lost; check its cable"):
            board.infer(inputs(small, 3))


def test_a_device_that_stands_still_is_given_up(emulated: Machine, small: Model) -> None:
    assert emulated._process is not None
    pid = emulated._process.pid
    with ExitStack() as stack:
        board = stack.enter_context(on(connected(emulated)))
        os.kill(pid, signal.SIGSTOP)
        with taking(8), pytest.raises(DeadlineError, match="phone: no answer to PUT_BEGIN within 5 s"):
            board.deploy(small)
        with taking(12):
            stack.close()
        os.kill(pid, signal.SIGCONT)
    assert agents(emulated) == []


FULL = r"cannot store [\d,]+ bytes in .*: .*No space left on device, \d+ kB are free there; make room"
NO_FOLDER = r"cannot make the agent's folder: "


@pytest.mark.parametrize(
    ("before", "says"),
    [
        (f"mkdir {FOLDER}; cat /dev/zero >{FOLDER}/full; true", FULL),
        ("chmod 500 /data/local/tmp", NO_FOLDER + "mkdir: .*: Permission denied$"),
        (f"mkdir {FOLDER}; chmod 500 {FOLDER}", NO_FOLDER + f"{FOLDER} may not be written to$"),
    ],
    ids=["full", "no folder", "no file"],
)
def test_a_disk_that_does_not_take_the_agent_is_said_to_be_why(
    emulated: Machine, before: str, says: str
) -> None:
    there(emulated, before)
    with taking(10), pytest.raises(BuildError, match=says), on(connected(emulated)):
        pass
    assert there(emulated, f"ls {FOLDER} 2>/dev/null | grep agent; true") == ""


def test_an_agent_for_another_processor_is_not_sent(emulated: Machine) -> None:
    agent = build.agent(build.LINUX["x86_64"], board="android")
    says = "is built for x86_64, the board is of aarch64; build it for that"
    with pytest.raises(BuildError, match=says), on(connected(emulated), agent):
        pass
    assert there(emulated, f"ls {FOLDER} 2>/dev/null; true") == ""
