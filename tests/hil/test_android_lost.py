"""Test boards over ADB that are lost: an error in time, and no agent left running."""

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
from hil.protocol.patience import Patience
from reds.pack.model import Model
from tests.hil.support import AGENTS
from tests.hil.support.boards import HOST, open_android, taking
from tests.hil.support.phone import AdbServer, Reach, Start
from tests.hil.support.raising import raises
from tests.hil.support.sshd import wait_gone
from tests.support.nets import inputs


@pytest.fixture(scope="session")
def stuck() -> Path:
    return build.agent(build.LINUX[os.uname().machine], AGENTS / "stuck.c", "android")


def test_killed_agent_raises_link_error(phone: Start, reach: Reach, small: Model) -> None:
    there = phone()
    with open_android(reach(there)) as board:
        board.deploy(small)
        os.kill(there.agent(), signal.SIGKILL)
        with taking(5), pytest.raises(LinkError) as caught:
            board.infer(inputs(small, 3))
    assert caught.value.board == "phone"


def test_agent_ends_when_its_device_is_lost(phone: Start, reach: Reach, small: Model) -> None:
    there = phone()
    with open_android(reach(there)) as board:
        board.deploy(small)
        agent = there.agent()
        there.vanish()
        with taking(3), raises(LinkError, board="phone"):
            board.infer(inputs(small, 3))
        assert wait_gone([agent])


def test_agent_ends_when_its_server_is_lost(phone: Start, adb: AdbServer, small: Model) -> None:
    there = phone()
    with open_android(Entry("phone", "android", serial=adb.connect(there.port))) as board:
        board.deploy(small)
        agent = there.agent()
        os.kill(adb.pid, signal.SIGKILL)
        with taking(3), raises(LinkError):
            board.infer(inputs(small, 3))
        assert wait_gone([agent])


@pytest.mark.parametrize("lost", [False, True], ids=["closed", "lost"])
def test_hanging_agent_is_ended(phone: Start, reach: Reach, small: Model, stuck: Path, lost: bool) -> None:
    there = phone()
    with open_android(replace(reach(there), agent=stuck)) as board:
        board.deploy(small)
        board._agent.patience = Patience(2.0)
        with taking(5), pytest.raises(DeadlineError) as caught:
            board.infer(inputs(small, 3))
        agent = there.agent()
        if lost:
            there.vanish()
            assert wait_gone([agent])
    assert caught.value.board == "phone"
    assert "INFER" in caught.value.text
    assert there.running() == []


def test_stopped_agent_is_killed(phone: Start, reach: Reach, small: Model) -> None:
    there = phone()
    with ExitStack() as stack:
        board = stack.enter_context(open_android(reach(there)))
        agent = there.agent()
        os.kill(agent, signal.SIGSTOP)
        with taking(8), raises(DeadlineError, board="phone"):
            board.deploy(small)
        with taking(8):
            stack.close()
        assert wait_gone([agent])


def test_stopped_device_raises_at_the_deadline(phone: Start, reach: Reach, small: Model) -> None:
    there = phone()
    with ExitStack() as stack:
        board = stack.enter_context(open_android(reach(there)))
        agent = there.agent()
        os.kill(there.pid, signal.SIGSTOP)
        os.waitid(os.P_PID, there.pid, os.WSTOPPED)
        with taking(8), raises(DeadlineError, board="phone"):
            board.deploy(small)
        with taking(12):
            stack.close()
        os.kill(there.pid, signal.SIGCONT)
        assert wait_gone([agent])


def test_agent_ends_when_its_host_is_killed(phone: Start, boards_toml: Callable[..., Path]) -> None:
    there = phone()
    boards = boards_toml("android", host="127.0.0.1", port=there.port)
    command = [sys.executable, "-c", HOST, "android", str(boards)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as host:
        assert host.stdout is not None
        assert host.stdout.readline() == b"up\n"
        agent = there.agent()
        host.kill()
        assert wait_gone([agent])
