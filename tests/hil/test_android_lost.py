"""A board over ADB that is lost on the way: an error in time, and nothing is left running."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from hil.boards.entry import Entry
from hil.errors import DeadlineError, LinkError
from hil.firmware import build
from reds.pack.model import Model
from tests.hil.support import AGENTS
from tests.hil.support.boards import HOST, open_android, taking
from tests.hil.support.phone import AdbServer, Reach, Start
from tests.hil.support.sshd import wait_gone
from tests.support.nets import inputs

ADVICE = "check its cable, power and network, then run again"


@pytest.fixture(scope="session")
def stuck() -> Path:
    return build.agent(build.LINUX[os.uname().machine], AGENTS / "stuck.c", "android")


def test_an_agent_that_is_killed_is_lost_by_name(phone: Start, reach: Reach, small: Model) -> None:
    there = phone()
    with open_android(reach(there)) as board:
        board.deploy(small)
        os.kill(there.agent(), signal.SIGKILL)
        with taking(5), pytest.raises(LinkError) as caught:
            board.infer(inputs(small, 3))
    says = str(caught.value)
    assert says.startswith("phone: the agent at 127.0.0.1")
    assert says.endswith(f" was killed; {ADVICE}")


def test_a_device_that_is_lost_takes_the_agent_with_it(phone: Start, reach: Reach, small: Model) -> None:
    there = phone()
    with open_android(reach(there)) as board:
        board.deploy(small)
        agent = there.agent()
        there.vanish()
        with taking(3), pytest.raises(LinkError, match=rf"phone: 127.0.0.1.* is lost; {ADVICE}"):
            board.infer(inputs(small, 3))
        assert wait_gone([agent])


def test_a_server_that_is_lost_takes_the_agent_with_it(phone: Start, adb: AdbServer, small: Model) -> None:
    there = phone()
    with open_android(Entry("phone", "android", serial=adb.connect(there.port))) as board:
        board.deploy(small)
        agent = there.agent()
        os.kill(adb.pid, signal.SIGKILL)
        with taking(3), pytest.raises(LinkError, match=rf"on the adb server at \S+ is lost; {ADVICE}"):
            board.infer(inputs(small, 3))
        assert wait_gone([agent])


@pytest.mark.parametrize("lost", [False, True], ids=["closed", "lost"])
def test_an_agent_that_is_stuck_is_ended(
    phone: Start, reach: Reach, small: Model, stuck: Path, lost: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hil.boards.board.START_SECONDS", 2.0)
    there = phone()
    with open_android(replace(reach(there), agent=stuck)) as board:
        board.deploy(small)
        with taking(5), pytest.raises(DeadlineError) as caught:
            board.infer(inputs(small, 3))
        agent = there.agent()
        if lost:
            there.vanish()
            assert wait_gone([agent])
    says = str(caught.value)
    assert says.startswith("phone: no answer to INFER within 2")
    assert says.endswith("; check that it still answers, and that its agent is of these sources")
    assert there.running() == []


def test_an_agent_that_stands_still_is_killed(phone: Start, reach: Reach, small: Model) -> None:
    there = phone()
    with ExitStack() as stack:
        board = stack.enter_context(open_android(reach(there)))
        agent = there.agent()
        os.kill(agent, signal.SIGSTOP)
        with taking(8), pytest.raises(DeadlineError, match="phone: no answer to PUT_BEGIN within 5 s"):
            board.deploy(small)
        with taking(8):
            stack.close()
        assert wait_gone([agent])


def test_a_device_that_stands_still_is_given_up(phone: Start, reach: Reach, small: Model) -> None:
    there = phone()
    with ExitStack() as stack:
        board = stack.enter_context(open_android(reach(there)))
        agent = there.agent()
        os.kill(there.pid, signal.SIGSTOP)
        with taking(8), pytest.raises(DeadlineError, match="phone: no answer to PUT_BEGIN within 5 s"):
            board.deploy(small)
        with taking(12):
            stack.close()
        os.kill(there.pid, signal.SIGCONT)
        assert wait_gone([agent])


def test_a_host_that_is_killed_leaves_no_agent_behind(phone: Start, boards_toml: Callable[..., Path]) -> None:
    there = phone()
    boards = boards_toml("android", host="127.0.0.1", port=there.port)
    command = [sys.executable, "-c", HOST, "android", str(boards)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as host:
        assert host.stdout is not None
        assert host.stdout.readline() == b"up\n"
        agent = there.agent()
        host.kill()
        assert wait_gone([agent])
