"""Test the host end of the protocol against the real agent, over intact and damaged streams."""

import os
import select
import subprocess
import sys
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from hil.errors import AgentError, DeadlineError, FrameError, LinkError, ProtocolError, VersionError
from hil.protocol.agent import Agent
from hil.protocol.definition import Fault
from hil.protocol.frame import decode
from hil.transports.deadline import Deadline
from hil.transports.process import ProcessTransport
from hil.transports.transport import Advice, Transport
from reds import pack
from reds.pack import interpreter
from reds.pack.model import Model
from tests.hil.support.raising import raises
from tests.support.nets import dense_model, inputs

Script = Callable[[str], Path]


@dataclass
class Line:
    """A stream to a real agent that may damage the n-th write or read."""

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
    """Damage every byte, but keep the zeros at the ends of frames."""
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


def test_hello_returns_board_clocks_and_build(agent: Agent) -> None:
    hello = agent.hello(soon())
    assert (hello.board, hello.emulated, hello.pack) == ("desktop", False, (0, 0))
    assert [(c.index, c.name, c.hz) for c in hello.clocks] == [(0, "ns", 1_000_000_000)]
    assert len(hello.build) == 16


def test_pack_is_stored_run_and_measured(agent: Agent, small: Model) -> None:
    largest = agent.hello(soon()).max_payload
    data, told = pack.dumps(small), []
    assert agent.put_pack(data, largest, told.append).subnets == 2
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
def test_request_with_one_damaged_frame_is_sent_again(
    agent: Agent, line: Line, small: Model, where: str
) -> None:
    data = pack.dumps(small)
    largest = agent.hello(soon()).max_payload
    first = line.writes + 2 if where == "on_write" else line.reads + 2
    setattr(line, where, lambda n, raw: flip(raw) if n == first else raw)
    assert agent.put_pack(data, largest, lambda done: None).subnets == 2


def test_interrupted_transfer_resumes_where_it_stopped(agent: Agent, line: Line, small: Model) -> None:
    data = pack.dumps(small)
    assert len(data) > 1000
    agent.hello(soon())
    began = line.writes
    line.on_write = lambda n, raw: raw if n - began < 4 else b""  # from the third piece on, all is lost
    with raises(DeadlineError, board="desk"):
        agent.put_pack(data, 404, lambda done: None)
    line.on_write = lambda n, raw: raw
    told: list[int] = []
    assert agent.put_pack(data, 404, told.append).subnets == 2
    assert told[0] == 800


def test_two_damaged_frames_raise(agent: Agent, line: Line) -> None:
    agent.hello(soon())
    line.on_read = lambda n, raw: flip(raw)
    with raises(FrameError, board="desk"):
        agent.reset()
    line.on_read, line.on_write = lambda n, raw: raw, lambda n, raw: flip(raw)
    with raises(FrameError, board="desk"):
        agent.reset()


def test_noise_and_late_answers_are_dropped(agent: Agent, line: Line) -> None:
    noise = np.random.default_rng(0).integers(0, 256, 2000, np.uint8).tobytes()
    line.on_read = lambda n, raw: noise + b"\0" + raw if n == 1 else raw
    first = agent.hello(soon())
    late: list[bytes] = []
    line.on_read = lambda n, raw: late.append(raw) or raw
    agent.reset()
    now = line.reads + 1
    line.on_read = lambda n, raw: b"".join(late) + raw if n == now else raw
    assert agent.hello(soon()) == first


def test_hosts_begin_at_sequences_of_their_own(line: Line) -> None:
    """So a late answer to an earlier host, which a server of a port may have kept, matches no request."""
    seen = set()

    def note(_: int, raw: bytes) -> bytes:
        if frame := raw.strip(b"\0"):
            seen.add(decode(frame).sequence)
        return raw

    line.on_write = note
    for _ in range(20):
        Agent(line, "desk").hello(soon())
    assert len(seen) > 1


def test_answers_may_arrive_byte_by_byte(agent: Agent, line: Line, small: Model) -> None:
    rest = bytearray()
    whole = line.inner.read

    def drip(deadline: Deadline) -> bytes:
        if not rest:
            rest.extend(whole(deadline))
        return bytes([rest.pop(0)])

    line.inner.read = drip  # type: ignore[method-assign]
    largest = agent.hello(soon()).max_payload
    assert agent.put_pack(pack.dumps(small), largest, lambda done: None).subnets == 2


@pytest.mark.parametrize(
    ("ask", "fault"),
    [
        (lambda agent: agent.select(0), Fault.NO_PACK),
        (lambda agent: agent.put_pack(b"REDS", 100, print), Fault.BAD_PACK),
        (lambda agent: agent.put_pack(bytes(17 << 20), 9, print), Fault.TOO_LARGE),
    ],
)
def test_refused_request_raises_with_its_fault(
    agent: Agent, ask: Callable[[Agent], None], fault: Fault
) -> None:
    agent.hello(soon())
    with raises(AgentError, board="desk", code=fault):
        ask(agent)


def test_damaged_pack_is_refused_and_never_run(agent: Agent, small: Model) -> None:
    largest = agent.hello(soon()).max_payload
    broken = bytearray(pack.dumps(small))
    broken[len(broken) // 2] ^= 4
    with raises(AgentError, code=Fault.BAD_PACK):
        agent.put_pack(bytes(broken), largest, lambda done: None)
    with raises(AgentError, code=Fault.NO_PACK):
        agent.select(0)


def test_inputs_larger_than_a_frame_are_sent_in_pieces(agent: Agent) -> None:
    wide = dense_model([9000, 3], [[3]])
    agent.put_pack(pack.dumps(wide), agent.hello(soon()).max_payload, lambda done: None)
    x = inputs(wide, 4)
    agent.inputs(4, x.tobytes())
    assert agent.infer(4 * 3, 5) == interpreter.run(wide, 0, x).tobytes()


def test_damaged_piece_of_the_inputs_is_sent_again(agent: Agent, line: Line) -> None:
    wide = dense_model([9000, 3], [[3]])
    agent.put_pack(pack.dumps(wide), agent.hello(soon()).max_payload, lambda done: None)
    x, second = inputs(wide, 1), line.reads + 2
    line.on_read = lambda n, raw: flip(raw) if n == second else raw
    agent.inputs(1, x.tobytes())
    assert agent.infer(3, 5) == interpreter.run(wide, 0, x).tobytes()


def test_inputs_that_the_agent_holds_are_not_sent_again(agent: Agent, line: Line, small: Model) -> None:
    def store() -> None:
        agent.put_pack(pack.dumps(small), agent.hello(soon()).max_payload, lambda done: None)

    def sent(x: NDArray[np.int8]) -> int:
        before = line.writes
        agent.inputs(len(x), x.tobytes())
        assert agent.infer(len(x) * 5, 5) == interpreter.run(small, 0, x).tobytes()
        return line.writes - before - 1

    store()
    first, second = inputs(small, 3), inputs(small, 4)
    assert [sent(first), sent(first), sent(second), sent(first)] == [1, 0, 1, 1]
    for forget in (agent.reset, store):
        forget()
        assert sent(first) == 1


def test_inputs_whose_sending_failed_in_the_middle_are_sent_again(agent: Agent, line: Line) -> None:
    wide = dense_model([9000, 3], [[3]])
    agent.put_pack(pack.dumps(wide), agent.hello(soon()).max_payload, lambda done: None)
    x, whole = inputs(wide, 1), line.writes + 1
    agent.inputs(1, x.tobytes())
    first = line.writes + 1
    assert first > whole + 1
    line.on_write = lambda n, raw: raw if n == first else flip(raw)
    with raises(FrameError):
        agent.inputs(1, inputs(wide, 2)[1:].tobytes())
    line.on_write = lambda n, raw: raw
    agent.inputs(1, x.tobytes())
    assert agent.infer(3, 5) == interpreter.run(wide, 0, x).tobytes()


@pytest.mark.parametrize(("count", "sent"), [(2, 39), (0, 20), (3, 0)])
def test_inputs_that_were_never_sent_are_not_run(agent: Agent, small: Model, count: int, sent: int) -> None:
    agent.put_pack(pack.dumps(small), agent.hello(soon()).max_payload, lambda done: None)
    agent.inputs(count, bytes(sent))
    for ask in (
        lambda: agent.infer(0, 5),
        lambda: agent.measure(0, 0, 1, 5),
        lambda: agent.measure_switch((0, 1), 0, 1, 5, 5),
    ):
        with raises(AgentError, code=Fault.BAD_REQUEST):
            ask()


def test_inputs_larger_than_the_memory_are_refused(agent: Agent, small: Model) -> None:
    agent.put_pack(pack.dumps(small), agent.hello(soon()).max_payload, lambda done: None)
    with raises(AgentError, code=Fault.TOO_LARGE):
        agent.inputs(1, bytes(2 << 20))


ANSWER = """
from hil.protocol.frame import Frame, Reader, encode
from hil.protocol.definition import HELLO, HELLO_REQUEST, SAMPLES, VERSION
reader = Reader()
while data := os.read(0, 4096):
    reader.feed(data)
    while frame := reader.next():
        payload = {payload}
        os.write(1, encode(Frame(frame.command | 128, frame.sequence, payload)))
"""


@pytest.mark.parametrize(
    ("payload", "error"),
    [
        ("HELLO_REQUEST.pack(9) + bytes(40)", VersionError),
        ("HELLO_REQUEST.pack(VERSION) + b' short'", ProtocolError),
        ("HELLO_REQUEST.pack(VERSION) + bytes(22) + b'\\7' * 60", ProtocolError),
        ("HELLO_REQUEST.pack(VERSION) + bytes(62)", ProtocolError),
    ],
    ids=["other version", "short", "too many clocks", "no payload"],
)
def test_malformed_hello_raises(script: Script, payload: str, error: type[ProtocolError]) -> None:
    with (
        Agent(ProcessTransport(script(ANSWER.format(payload=payload))), "old") as agent,
        raises(error),
    ):
        agent.hello(soon())


def test_refused_version_raises_version_error(script: Script) -> None:
    body = ANSWER.replace("frame.command | 128", "255").format(payload="b'\\3' + b'another version'")
    with (
        Agent(ProcessTransport(script(body)), "new") as agent,
        raises(VersionError, board="new"),
    ):
        agent.hello(soon())


def test_samples_with_wrong_counts_raise(script: Script) -> None:
    body = ANSWER.format(payload="SAMPLES.pack(3, 1, 0) + bytes(4)")
    with (
        Agent(ProcessTransport(script(body)), "odd") as agent,
        raises(ProtocolError, board="odd"),
    ):
        agent.measure(0, 0, 10, 5)


def test_silent_agent_raises_at_the_deadline(script: Script) -> None:
    with (
        Agent(ProcessTransport(script("sys.stdin.read()")), "mute") as agent,
        raises(DeadlineError, board="mute"),
    ):
        agent.hello(Deadline.after(0.3))


def test_endless_noise_raises_at_the_deadline(script: Script) -> None:
    noise = "while True: os.write(1, os.urandom(999) + b'\\0')"
    with (
        Agent(ProcessTransport(script(noise)), "noisy") as agent,
        raises(DeadlineError, board="noisy"),
    ):
        agent.hello(Deadline.after(0.5))


def test_agent_that_exits_raises_link_error(script: Script) -> None:
    with (
        Agent(ProcessTransport(script("os.read(0, 1); sys.exit(7)")), "gone") as agent,
        raises(LinkError, board="gone"),
    ):
        agent.hello(soon())


def test_missing_agent_program_raises_with_its_path() -> None:
    with raises(LinkError):
        ProcessTransport(Path("/nowhere/agent"))


def test_write_to_a_full_pipe_raises_at_the_deadline(script: Script) -> None:
    transport = ProcessTransport(script("import signal; signal.pause()"))
    with raises(DeadlineError):
        transport.write(bytes(1 << 20), Deadline.after(0.3))
    transport.close()
    transport.close()


def test_write_to_an_agent_that_reads_byte_by_byte_raises_at_the_deadline(script: Script) -> None:
    transport = ProcessTransport(script("while os.read(0, 1): pass"))
    with raises(DeadlineError):
        transport.write(bytes(64 << 20), Deadline.after(0.5))
    transport.close()


def test_hello_that_takes_longer_than_its_repetition_is_accepted(agent: Agent, line: Line) -> None:
    whole, late = line.inner.read, [4]

    def slow(deadline: Deadline) -> bytes:
        if late[0]:  # nothing arrives until the hello was sent again, several times
            late[0] -= 1
            raise DeadlineError("late")
        return whole(deadline)

    line.inner.read = slow  # type: ignore[method-assign]
    assert agent.hello(soon()).board == "desktop"


def test_agent_dies_with_its_parent(script: Script, tmp_path: Path) -> None:
    """Watch a named pipe, whose write end closes when the agent has ended."""
    os.mkfifo(tmp_path / "pipe")
    reading = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    opens = f"os.write(os.open({str(tmp_path / 'pipe')!r}, os.O_WRONLY), b'up')"
    deaf = script(f"import signal; {opens}; signal.pause()")
    parent = (
        "import signal; from pathlib import Path; from hil.transports.process import ProcessTransport as P; "
    )
    parent += f"P(Path({str(deaf)!r})); signal.pause()"
    with subprocess.Popen([sys.executable, "-c", parent]) as process:
        assert select.select([reading], [], [], 30)[0]
        assert os.read(reading, 2) == b"up"
        process.kill()
    assert select.select([reading], [], [], 10)[0]
    assert os.read(reading, 1) == b""
    os.close(reading)
