"""Test that requests to an agent end within their deadline, whatever the agent sends."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hil.errors import DeadlineError, FrameError, LinkError, ProtocolError
from hil.protocol.agent import Agent
from hil.protocol.definition import CLOCK, HELLO, VERSION
from hil.protocol.patience import Patience
from hil.transports.deadline import Deadline
from hil.transports.process import ProcessTransport
from hil.transports.serial import SerialTransport
from tests.hil.support.boards import taking
from tests.hil.support.ptyboard import PtyBoard
from tests.hil.support.raising import raises

Script = Callable[[str], Path]
PATIENCE, OVERRUN = 0.5, 3.0
HELLO_ANSWER = HELLO.pack(VERSION, 0, 9, 9, 9, 64, 1, 1, 0, 0, b"b", b"desktop") + CLOCK.pack(10**9, b"ns")
"""The smallest hello that describes a board."""
AGENT = f"""
import itertools, time
from hil.protocol.frame import Frame, Reader, encode
from hil.protocol.definition import ANSWER, Command, Fault
HELLO_ANSWER = {HELLO_ANSWER!r}
def send(data):
    while data:
        data = data[os.write(1, data):]
def requests():
    reader = Reader()
    while data := os.read(0, 4096):
        reader.feed(data)
        while frame := reader.next():
            yield frame
def answer(frame, payload=b"", command=None, step=0):
    command = frame.command | ANSWER if command is None else command
    return encode(Frame(command, (frame.sequence + step) % 256, payload))
def serve(body, after=lambda frame: None):
    for frame in requests():
        if frame.command == Command.HELLO:
            send(answer(frame, HELLO_ANSWER))
            after(frame)
        else:
            body(frame)
def flood(data):
    data *= max(1, 60000 // len(data))
    while True:
        send(data)
"""
FLOODS = {
    "zeros": "flood(bytes(9))",
    "noise": "flood(os.urandom(6000))",
    "a frame without end": "flood(b'\\1' * 9)",
    "frames of another sequence": "flood(answer(frame, bytes(50), step=1))",
    "answers to another command": "flood(answer(frame, bytes(50), command=0x86))",
    "refusals of frames": "flood(answer(frame, b'\\1no', command=255, step=-frame.sequence))",
    "hellos": "flood(answer(frame, HELLO_ANSWER, command=0x81))",
    "one byte after the other": "list(map(send, itertools.repeat(b'\\1')))",
}


@contextmanager
def over(kind: str, program: Path) -> Iterator[Agent]:
    """Talk to a program over a pipe or a pseudo terminal."""
    if kind == "pipe":
        with Agent(ProcessTransport(program), "bad", PATIENCE) as agent:
            yield agent
    else:
        with PtyBoard(program) as board, Agent(SerialTransport(board.port), "bad", PATIENCE) as agent:
            yield agent


@pytest.mark.parametrize("kind", ["pipe", "pty"])
@pytest.mark.parametrize("flood", FLOODS)
def test_flood_after_the_hello_ends_within_the_deadline(script: Script, kind: str, flood: str) -> None:
    program = script(AGENT + f"def body(frame): {FLOODS[flood]}\nserve(body)")
    with over(kind, program) as agent:
        agent.hello(Deadline.after(10))
        with taking(PATIENCE + OVERRUN), pytest.raises(LinkError) as caught:
            agent.reset()
    assert caught.value.board == "bad"


def test_line_that_stays_noisy_is_not_listened_to_for_the_time_of_the_work(script: Script) -> None:
    program = script(AGENT + f"def body(frame): {FLOODS['noise']}\nserve(body)")
    with Agent(ProcessTransport(program), "bad", PATIENCE) as agent:
        agent.hello(Deadline.after(10))
        with taking(PATIENCE + OVERRUN), raises(FrameError, board="bad"):
            agent.measure(0, 0, 300, work=60.0)


@pytest.mark.parametrize("kind", ["pipe", "pty"])
@pytest.mark.parametrize("flood", [name for name in FLOODS if name != "hellos"])
def test_flood_instead_of_a_hello_ends_within_the_deadline(script: Script, kind: str, flood: str) -> None:
    program = script(AGENT + f"for frame in requests(): {FLOODS[flood]}")
    with (
        over(kind, program) as agent,
        taking(PATIENCE + OVERRUN),
        raises(DeadlineError, board="bad"),
    ):
        agent.hello(Deadline.after(PATIENCE))


def test_program_that_prints_zeros_ends_within_the_deadline(tmp_path: Path) -> None:
    program = tmp_path / "agent"
    program.write_text("#!/bin/sh\nexec cat /dev/zero\n")
    program.chmod(0o755)
    with (
        Agent(ProcessTransport(program), "zeros") as agent,
        taking(PATIENCE + OVERRUN),
        raises(DeadlineError, board="zeros"),
    ):
        agent.hello(Deadline.after(PATIENCE))


def test_agent_that_is_late_every_time_ends_too(script: Script) -> None:
    program = script(AGENT + f"serve(lambda frame: (time.sleep({PATIENCE / 2}), send(answer(frame))))")
    with Agent(ProcessTransport(program), "slow", PATIENCE) as agent:
        agent.hello(Deadline.after(10))
        with taking(agent.patience.total + PATIENCE + OVERRUN), raises(DeadlineError, board="slow"):
            for _ in range(1000):
                agent.reset()


@given(st.lists(st.tuples(st.floats(0, 100), st.integers(0, 10**6), st.floats(0, 1))))
def test_all_answers_end_within_their_work_their_shares_and_the_total(
    requests: list[tuple[float, int, float]],
) -> None:
    now = allowed = 0.0
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("time.monotonic", lambda: now)
        patience = Patience(PATIENCE)
        for work, size, part in requests:
            if patience.over:
                break
            with patience.granted(work, size) as deadline:
                allowed += work + size * PATIENCE / 50_000 + PATIENCE / 20
                now += part * deadline.left  # no answer comes later
    assert now <= allowed + patience.total + PATIENCE + 0.1


def test_transfer_that_advances_byte_by_byte_is_a_protocol_error(script: Script) -> None:
    body = """
at = -1
def body(frame):
    global at
    at += 1
    send(answer(frame, at.to_bytes(4, "little")))
serve(body)"""
    with Agent(ProcessTransport(script(AGENT + body)), "snail", PATIENCE) as agent:
        largest = agent.hello(Deadline.after(10)).max_payload
        with raises(ProtocolError, board="snail"):
            agent.put_pack(bytes(4000), largest, lambda done: None)


def test_samples_one_by_one_end_within_one_deadline(script: Script) -> None:
    body = f"""
def body(frame):
    for first in range(1000):
        time.sleep({PATIENCE / 2})
        send(answer(frame, struct.pack("<HHII", first, 1, 0, 7)))
serve(body)"""
    with Agent(ProcessTransport(script(AGENT + body)), "drip", PATIENCE) as agent:
        agent.hello(Deadline.after(10))
        with taking(PATIENCE + OVERRUN), raises(DeadlineError, board="drip"):
            agent.measure(0, 0, 1000, 0)


@pytest.mark.parametrize("kind", ["pipe", "pty"])
def test_one_burst_of_noise_is_drained(script: Script, kind: str) -> None:
    body = """
bursts = [os.urandom(200_000)]
serve(lambda frame: send((bursts.pop() if bursts else b"") + answer(frame)))"""
    with over(kind, script(AGENT + body)) as agent:
        agent.patience = Patience(5)
        agent.hello(Deadline.after(10))
        for _ in range(9):
            agent.reset()


def test_what_an_agent_prints_as_errors_reaches_no_terminal(
    script: Script, capfd: pytest.CaptureFixture[str]
) -> None:
    program = script(AGENT + "os.write(2, b'\\x1b[2J')\nserve(lambda frame: send(answer(frame)))")
    with Agent(ProcessTransport(program), "loud", PATIENCE) as agent:
        agent.hello(Deadline.after(10))
        agent.reset()
    assert capfd.readouterr() == ("", "")
