"""A board over SSH that is lost on the way: an error in time, and nothing is left running."""

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
from reds.pack.model import Model
from tests.hil.support import AGENTS
from tests.hil.support.boards import HERE, HOST, open_pi, taking
from tests.hil.support.sshd import Start, parent, wait_gone
from tests.support.nets import inputs


@pytest.fixture(scope="session")
def stuck() -> Path:
    return build.agent(build.LINUX[os.uname().machine], AGENTS / "stuck.c", "pi")


def test_an_agent_that_is_killed_is_lost_by_name(sshd: Start, small: Model) -> None:
    there = sshd()
    with open_pi(there.entry()) as board:
        board.deploy(small)
        os.kill(there.agent(), signal.SIGKILL)
        with taking(5), pytest.raises(LinkError) as caught:
            board.infer(inputs(small, 3))
    advice = "check its power, memory and network, then run again"
    assert str(caught.value) == f"pi-1: the agent at {HERE.format(there.port)} was killed; {advice}"


def test_a_connection_that_is_lost_takes_the_agent_with_it(sshd: Start, small: Model) -> None:
    there = sshd()
    with open_pi(there.entry()) as board:
        board.deploy(small)
        agent = there.agent()
        os.kill(parent(agent), signal.SIGKILL)
        with (
            taking(3),
            pytest.raises(LinkError, match=rf"pi-1: {HERE.format(there.port)} is lost; check its"),
        ):
            board.infer(inputs(small, 3))
        assert wait_gone([agent])


@pytest.mark.parametrize("lost", [False, True], ids=["closed", "lost"])
def test_an_agent_that_is_stuck_is_ended(
    sshd: Start, small: Model, stuck: Path, lost: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hil.boards.board.START_SECONDS", 2.0)
    there = sshd()
    with open_pi(there.entry(agent=stuck)) as board:
        board.deploy(small)
        with taking(5), pytest.raises(DeadlineError) as caught:
            board.infer(inputs(small, 3))
        agent = there.agent()
        if lost:
            os.kill(parent(agent), signal.SIGKILL)
            assert wait_gone([agent])
    says = str(caught.value)
    assert says.startswith("pi-1: no answer to INFER within 2")
    assert says.endswith("; check that it still answers, and that its agent is of these sources")
    assert there.running() == []


def test_an_agent_that_stands_still_is_killed(sshd: Start, small: Model) -> None:
    there = sshd()
    with ExitStack() as stack:
        board = stack.enter_context(open_pi(there.entry()))
        agent = there.agent()
        os.kill(agent, signal.SIGSTOP)
        with taking(8), pytest.raises(DeadlineError, match="pi-1: no answer to PUT_BEGIN within 5 s"):
            board.deploy(small)
        with taking(8):
            stack.close()
        assert wait_gone([agent])


def test_a_connection_that_stands_still_is_given_up(sshd: Start, small: Model) -> None:
    there = sshd()
    with ExitStack() as stack:
        board = stack.enter_context(open_pi(there.entry()))
        agent = there.agent()
        session = parent(agent)
        os.kill(session, signal.SIGSTOP)
        with taking(8), pytest.raises(DeadlineError, match="pi-1: no answer to PUT_BEGIN within 5 s"):
            board.deploy(small)
        with taking(12):
            stack.close()
        os.kill(session, signal.SIGCONT)
        assert wait_gone([agent])


def test_a_host_that_is_killed_leaves_no_agent_behind(sshd: Start, boards_toml: Callable[..., Path]) -> None:
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
