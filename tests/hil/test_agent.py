"""The host end of the protocol against the real agent, over lines that are good and lines that are not."""

import select
import subprocess
import sys
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from hil.errors import AgentError, DeadlineError, FrameError, LinkError, ProtocolError, VersionError
from hil.protocol.agent import Agent
from hil.protocol.definition import Fault
from hil.transports.deadline import Deadline
from hil.transports.process import ProcessTransport
from hil.transports.transport import Advice, Transport
from reds import pack
from reds.pack import interpreter
from reds.pack.model import Model
from tests.support.nets import dense_model, inputs

Script = Callable[[str], Path]


@dataclass
class Line:
    """A line to a real agent that damages or hurts what passes, the n-th write or read at a time."""

    inner: Transport
    on_write: Callable[[int, bytes], bytes] = lambda n, data: data
    on_read: Callable[[int, bytes], bytes] = lambda n, data: data
    name: str = "a bad line"
    advice: Advice = ProcessTransport.advice
    writes: int = 0
    reads: int = 0

    def write(self, data: bytes, deadline: Deadline) -> None:
        self.writes += 1
        self.inner.write(self.on_write(self.writes, data), deadline)

    def read(self, deadline: Deadline) -> bytes:
        self.reads += 1
        return self.on_read(self.reads, self.inner.read(deadline))

    def close(self) -> None:
        self.inner.close()


def flip(data: bytes) -> bytes:
    """Damage every byte, but leave frames their ends."""
    return bytes(byte and (byte % 255 + 1) for byte in data)


@pytest.fixture
def line(posix_agent: Path) -> Iterator[Line]:
    line = Line(ProcessTransport(posix_agent))
    yield line
    line.close()


@pytest.fixture
def agent(line: Line) -> Agent:
    return Agent(line, "desk", patience=0.5)


def soon() -> Deadline:
    return Deadline.after(5)


def test_hello_says_who_is_there(agent: Agent) -> None:
    hello = agent.hello(soon())
    assert (hello.board, hello.emulated, hello.pack) == ("desktop", False, (0, 0))
    assert [(c.index, c.name, c.hz) for c in hello.clocks] == [(0, "ns", 1_000_000_000)]
    assert len(hello.build) == 16


def test_a_pack_is_stored_run_and_timed(agent: Agent, small: Model) -> None:
    largest = agent.hello(soon()).max_payload
    data, told = pack.dumps(small), []
    assert agent.put_pack(data, largest, told.append) == 2
    assert told[0] == 0
    assert told[-1] == len(data)
    assert agent.hello(soon()).pack == (len(data), zlib.crc32(data))
    x = inputs(small, 7)
    agent.inputs(len(x), x.tobytes())
    for subnet in (1, 0):
        agent.select(subnet)
        out = np.frombuffer(agent.infer(7 * 5, 5), np.int8).reshape(7, 5)
        assert np.array_equal(out, interpreter.run(small, subnet, x))
    assert len(agent.measure(0, 0, 300, 5).samples) == 300
    timed = agent.measure_switch((0, 1), 0, 100, 5, 5)
    firsts = np.frombuffer(b"".join(s[8:] for s in timed.samples), np.int8).reshape(100, 5)
    assert np.array_equal(firsts, interpreter.run(small, 1, x)[np.arange(100) % 7])
    agent.reset()
    assert agent.hello(soon()).pack == (len(data), zlib.crc32(data))


@pytest.mark.parametrize("where", ["on_write", "on_read"])
def test_one_damaged_frame_is_asked_for_again(agent: Agent, line: Line, small: Model, where: str) -> None:
    data = pack.dumps(small)
    largest = agent.hello(soon()).max_payload
    first = line.writes + 2 if where == "on_write" else line.reads + 2
    setattr(line, where, lambda n, raw: flip(raw) if n == first else raw)
    assert agent.put_pack(data, largest, lambda done: None) == 2


def test_a_transfer_goes_on_where_it_broke_off(agent: Agent, line: Line, small: Model) -> None:
    data = pack.dumps(small)
    assert len(data) > 1000
    agent.hello(soon())
    began = line.writes
    line.on_write = lambda n, raw: raw if n - began < 4 else b""  # from the third piece on, all is lost
    with pytest.raises(DeadlineError, match=r"desk: no answer to PUT_DATA"):
        agent.put_pack(data, 404, lambda done: None)
    line.on_write = lambda n, raw: raw
    told: list[int] = []
    assert agent.put_pack(data, 404, told.append) == 2
    assert told[0] == 800


def test_two_damaged_frames_are_an_error(agent: Agent, line: Line) -> None:
    agent.hello(soon())
    line.on_read = lambda n, raw: flip(raw)
    with pytest.raises(FrameError, match=r"desk: in the answer to RESET"):
        agent.reset()
    line.on_read, line.on_write = lambda n, raw: raw, lambda n, raw: flip(raw)
    with pytest.raises(AgentError, match="checksum") as caught:
        agent.reset()
    assert caught.value.code == Fault.BAD_FRAME


def test_garbage_and_late_answers_are_passed_over(agent: Agent, line: Line) -> None:
    noise = np.random.default_rng(0).integers(0, 256, 2000, np.uint8).tobytes()
    line.on_read = lambda n, raw: noise + b"\0" + raw if n == 1 else raw
    first = agent.hello(soon())
    late: list[bytes] = []
    line.on_read = lambda n, raw: late.append(raw) or raw
    agent.reset()
    now = line.reads + 1
    line.on_read = lambda n, raw: b"".join(late) + raw if n == now else raw
    assert agent.hello(soon()) == first


def test_answers_may_come_byte_by_byte(agent: Agent, line: Line, small: Model) -> None:
    rest = bytearray()
    whole = line.inner.read

    def drip(deadline: Deadline) -> bytes:
        if not rest:
            rest.extend(whole(deadline))
        return bytes([rest.pop(0)])

    line.inner.read = drip  # type: ignore[method-assign]
    assert agent.put_pack(pack.dumps(small), agent.hello(soon()).max_payload, lambda done: None) == 2


@pytest.mark.parametrize(
    ("ask", "reason"),
    [
        (lambda agent: agent.select(0), r"desk: the agent refused SELECT: no pack"),
        (lambda agent: agent.put_pack(b"REDS", 100, print), r"desk: the agent refused PUT_END"),
        (
            lambda agent: agent.put_pack(bytes(17 << 20), 9, print),
            r"desk: the agent refused PUT_BEGIN",
        ),
    ],
)
def test_a_refusal_says_what_and_why(agent: Agent, ask: Callable[[Agent], None], reason: str) -> None:
    agent.hello(soon())
    with pytest.raises(AgentError, match=reason):
        ask(agent)


def test_a_damaged_pack_is_refused_and_never_run(agent: Agent, small: Model) -> None:
    largest = agent.hello(soon()).max_payload
    broken = bytearray(pack.dumps(small))
    broken[len(broken) // 2] ^= 4
    with pytest.raises(AgentError, match="PUT_END") as caught:
        agent.put_pack(bytes(broken), largest, lambda done: None)
    assert caught.value.code == Fault.BAD_PACK
    with pytest.raises(AgentError, match="no pack"):
        agent.select(0)


def test_inputs_travel_in_pieces(agent: Agent) -> None:
    wide = dense_model([9000, 3], [[3]])
    agent.put_pack(pack.dumps(wide), agent.hello(soon()).max_payload, lambda done: None)
    x = inputs(wide, 4)
    agent.inputs(4, x.tobytes())
    assert agent.infer(4 * 3, 5) == interpreter.run(wide, 0, x).tobytes()


def test_a_damaged_piece_of_the_inputs_is_sent_again(agent: Agent, line: Line) -> None:
    wide = dense_model([9000, 3], [[3]])
    agent.put_pack(pack.dumps(wide), agent.hello(soon()).max_payload, lambda done: None)
    x, second = inputs(wide, 1), line.reads + 2
    line.on_read = lambda n, raw: flip(raw) if n == second else raw
    agent.inputs(1, x.tobytes())
    assert agent.infer(3, 5) == interpreter.run(wide, 0, x).tobytes()


@pytest.mark.parametrize(("count", "sent"), [(2, 39), (0, 20), (3, 0)])
def test_inputs_that_were_not_sent_are_not_run(agent: Agent, small: Model, count: int, sent: int) -> None:
    agent.put_pack(pack.dumps(small), agent.hello(soon()).max_payload, lambda done: None)
    agent.inputs(count, bytes(sent))
    for ask in (
        lambda: agent.infer(0, 5),
        lambda: agent.measure(0, 0, 1, 5),
        lambda: agent.measure_switch((0, 1), 0, 1, 5, 5),
    ):
        with pytest.raises(AgentError, match="not so many inputs"):
            ask()


def test_more_inputs_than_there_is_room_for_are_refused(agent: Agent, small: Model) -> None:
    agent.put_pack(pack.dumps(small), agent.hello(soon()).max_payload, lambda done: None)
    with pytest.raises(AgentError, match="more inputs than"):
        agent.inputs(1, bytes(2 << 20))


ANSWER = """
from hil.protocol.frame import Frame, Reader, encode
from hil.protocol.definition import HELLO, HELLO_REQUEST, SAMPLES
reader = Reader()
while data := os.read(0, 4096):
    reader.feed(data)
    while frame := reader.next():
        payload = {payload}
        os.write(1, encode(Frame(frame.command | 128, frame.sequence, payload)))
"""


@pytest.mark.parametrize(
    ("payload", "error", "says"),
    [
        ("HELLO_REQUEST.pack(9) + bytes(40)", VersionError, "old: the agent speaks version 9 .* upload"),
        ("b'\\2\\0 short'", ProtocolError, "a hello of 8 bytes"),
        ("HELLO_REQUEST.pack(2) + bytes(22) + b'\\7' * 60", ProtocolError, "does not hold"),
        ("HELLO_REQUEST.pack(2) + bytes(62)", ProtocolError, "payloads of 0 bytes at most"),
    ],
)
def test_an_agent_of_other_making_is_told_apart(script: Script, payload: str, error: type, says: str) -> None:
    with (
        Agent(ProcessTransport(script(ANSWER.format(payload=payload))), "old") as agent,
        pytest.raises(error, match=says),
    ):
        agent.hello(soon())


def test_a_refused_version_is_a_version_error(script: Script) -> None:
    body = ANSWER.replace("frame.command | 128", "255").format(payload="b'\\3' + b'another version'")
    with (
        Agent(ProcessTransport(script(body)), "new") as agent,
        pytest.raises(VersionError, match=r"new: .*another version"),
    ):
        agent.hello(soon())


def test_samples_that_do_not_add_up_are_refused(script: Script) -> None:
    body = ANSWER.format(payload="SAMPLES.pack(3, 1, 0) + bytes(4)")
    with (
        Agent(ProcessTransport(script(body)), "odd") as agent,
        pytest.raises(ProtocolError, match="odd: MEASURE gave"),
    ):
        agent.measure(0, 0, 10, 5)


def test_silence_ends_at_the_deadline(script: Script) -> None:
    with (
        Agent(ProcessTransport(script("sys.stdin.read()")), "mute") as agent,
        pytest.raises(DeadlineError, match=r"mute: no hello .* within 0.3 s"),
    ):
        agent.hello(Deadline.after(0.3))


def test_endless_noise_ends_at_the_deadline(script: Script) -> None:
    noise = "while True: os.write(1, os.urandom(999) + b'\\0')"
    with (
        Agent(ProcessTransport(script(noise)), "noisy") as agent,
        pytest.raises(DeadlineError, match="noisy: no hello"),
    ):
        agent.hello(Deadline.after(0.5))


def test_an_agent_that_ends_is_lost(script: Script) -> None:
    with (
        Agent(ProcessTransport(script("os.read(0, 1); sys.exit(7)")), "gone") as agent,
        pytest.raises(LinkError, match=r"gone: agent agent.py ended by itself with exit status 7"),
    ):
        agent.hello(soon())


def test_a_program_that_is_not_there_is_named() -> None:
    with pytest.raises(LinkError, match=r"/nowhere/agent: the agent does not start: No such file"):
        ProcessTransport(Path("/nowhere/agent"))


def test_a_full_pipe_ends_at_the_deadline(script: Script) -> None:
    transport = ProcessTransport(script("import signal; signal.pause()"))
    with pytest.raises(DeadlineError, match=r"took no bytes for 0.3 s"):
        transport.write(bytes(1 << 20), Deadline.after(0.3))
    transport.close()
    transport.close()


def test_an_agent_dies_with_its_parent(script: Script) -> None:
    """Whoever holds the write end of the pipe is alive: it closes with the last of parent and agent."""
    deaf = script("import signal; os.write(2, b'up'); signal.pause()")
    parent = (
        "import signal; from pathlib import Path; from hil.transports.process import ProcessTransport as P; "
    )
    parent += f"P(Path({str(deaf)!r})); signal.pause()"
    process = subprocess.Popen([sys.executable, "-c", parent], stderr=subprocess.PIPE)
    assert process.stderr is not None
    assert process.stderr.read(2) == b"up"
    process.kill()
    assert process.wait() < 0
    assert select.select([process.stderr], [], [], 10)[0]
    assert process.stderr.read() == b""
    process.stderr.close()
