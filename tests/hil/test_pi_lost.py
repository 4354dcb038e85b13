"""Test boards over SSH that are lost: an error in time, and no agent left running."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest

from hil.errors import (
    DeadlineError,
    LinkError,
)
from hil.firmware import build
from hil.protocol.patience import Patience
from reds.pack.model import Model
from tests.hil.support import AGENTS
from tests.hil.support.boards import HERE, HOST, open_pi, taking
from tests.hil.support.raising import raises
from tests.hil.support.sshd import Start, parent, wait_gone
from tests.support.nets import inputs


@pytest.fixture(scope="session")
def stuck() -> Path:
    return build.agent(build.LINUX[os.uname().machine], AGENTS / "stuck.c", "pi")


def test_killed_agent_raises_link_error(sshd: Start, small: Model) -> None:
    there = sshd()
    with open_pi(there.entry()) as board:
        board.deploy(small)
        os.kill(there.agent(), signal.SIGKILL)
        with taking(5), pytest.raises(LinkError) as caught:
            board.infer(inputs(small, 3))
    assert caught.value.board == "pi-1"
    assert HERE.format(there.port) in caught.value.text


def test_agent_ends_when_its_login_is_lost(sshd: Start, small: Model) -> None:
    there = sshd()
    with open_pi(there.entry()) as board:
        board.deploy(small)
        agent = there.agent()
        os.kill(parent(agent), signal.SIGKILL)
        with (
            taking(3),
            raises(LinkError, board="pi-1"),
        ):
            board.infer(inputs(small, 3))
        assert wait_gone([agent])


@pytest.mark.parametrize("lost", [False, True], ids=["closed", "lost"])
def test_hanging_agent_is_ended(sshd: Start, small: Model, stuck: Path, lost: bool) -> None:
    there = sshd()
    with open_pi(there.entry(agent=stuck)) as board:
        board.deploy(small)
        board._agent.patience = Patience(2.0)
        with taking(5), pytest.raises(DeadlineError) as caught:
            board.infer(inputs(small, 3))
        agent = there.agent()
        if lost:
            os.kill(parent(agent), signal.SIGKILL)
            assert wait_gone([agent])
    assert caught.value.board == "pi-1"
    assert "INFER" in caught.value.text
    assert there.running() == []


def test_stopped_agent_is_killed(sshd: Start, small: Model) -> None:
    there = sshd()
    with ExitStack() as stack:
        board = stack.enter_context(open_pi(there.entry()))
        agent = there.agent()
        os.kill(agent, signal.SIGSTOP)
        with taking(8), raises(DeadlineError, board="pi-1"):
            board.deploy(small)
        with taking(8):
            stack.close()
        assert wait_gone([agent])


def test_stopped_login_raises_at_the_deadline(sshd: Start, small: Model) -> None:
    there = sshd()
    with ExitStack() as stack:
        board = stack.enter_context(open_pi(there.entry()))
        agent = there.agent()
        session = parent(agent)
        os.kill(session, signal.SIGSTOP)
        with taking(8), raises(DeadlineError, board="pi-1"):
            board.deploy(small)
        with taking(12):
            stack.close()
        os.kill(session, signal.SIGCONT)
        assert wait_gone([agent])


def test_agent_ends_when_its_host_is_killed(sshd: Start, boards_toml: Callable[..., Path]) -> None:
    there = sshd()
    boards = boards_toml("pi", **there.keys())
    with subprocess.Popen(
        [sys.executable, "-c", HOST, "pi", str(boards)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as host:
        assert host.stdout is not None
        assert host.stdout.readline() == b"up\n"
        agent = there.agent()
        host.kill()
        assert wait_gone([agent])
