"""The agent's answers, frame by frame: which requests it refuses, and in which order it measures."""

import subprocess
import zlib
from collections.abc import Iterator

import pytest

from hil.firmware import build
from hil.protocol.definition import (
    ANSWER,
    HELLO,
    HELLO_REQUEST,
    INFER,
    MEASURE,
    OFFSET,
    PUT_BEGIN,
    SWITCH,
    VERSION,
    Command,
    Fault,
)
from hil.protocol.frame import Frame, Reader, encode
from hil.transports.deadline import Deadline
from hil.transports.process import ProcessTransport
from reds import pack
from tests.support.nets import dense_model, inputs
from tests.targets.support.compilation import WRAPPED, Compiler

NET = dense_model([12, 8, 4], [[4, 4], [8, 4]], 2)


class Line:
    """A desktop agent that answers requests one by one."""

    def __init__(self) -> None:
        self.transport = ProcessTransport(build.agent(build.DESKTOP))
        self.reader = Reader()

    def ask(self, command: Command, payload: bytes = b"") -> Frame:
        deadline = Deadline.after(10)
        self.transport.write(encode(Frame(command, 1, payload)), deadline)
        while (answer := self.reader.next()) is None:
            self.reader.feed(self.transport.read(deadline))
        return answer

    def refused(self, command: Command, payload: bytes = b"") -> Fault:
        answer = self.ask(command, payload)
        assert answer.command == Command.ERROR | ANSWER
        assert answer.payload[1:].decode(), "an error without a text"
        return Fault(answer.payload[0])

    def put(self, data: bytes, crc: int) -> None:
        assert self.ask(Command.PUT_BEGIN, PUT_BEGIN.pack(len(data), crc)).payload == bytes(4)
        for at in range(0, len(data), 4000):
            answer = self.ask(Command.PUT_DATA, OFFSET.pack(at) + data[at : at + 4000])
            assert answer.command == Command.PUT_DATA | ANSWER


@pytest.fixture
def line() -> Iterator[Line]:
    made = Line()
    yield made
    made.transport.close()


@pytest.mark.parametrize("version", [VERSION - 1, VERSION + 1])
def test_hello_of_another_protocol_version_is_refused(line: Line, version: int) -> None:
    assert line.refused(Command.HELLO, HELLO_REQUEST.pack(version)) == Fault.VERSION


def test_pack_with_another_checksum_than_announced_is_not_used(line: Line) -> None:
    data = pack.dumps(NET)
    line.put(data, zlib.crc32(data) ^ 1)
    assert line.refused(Command.PUT_END) == Fault.BAD_PACK
    hello = HELLO.read(line.ask(Command.HELLO, HELLO_REQUEST.pack(VERSION)).payload)
    assert (hello["pack_size"], hello["pack_crc"]) == (0, 0), "a pack that was refused is in use"
    assert line.refused(Command.INFER, INFER.pack(1)) == Fault.NO_PACK


def test_outputs_larger_than_a_frame_are_refused(line: Line) -> None:
    data = pack.dumps(dense_model([1, 3000], [[3000]]))
    line.put(data, zlib.crc32(data))
    assert line.ask(Command.PUT_END).command == Command.PUT_END | ANSWER
    assert line.ask(Command.INPUTS, OFFSET.pack(0) + bytes(4000)).payload == b""
    for count in (2, 1432, 4000):  # 1432 * 3000 is just past 2^22
        assert line.refused(Command.INFER, INFER.pack(count)) == Fault.TOO_LARGE
    assert len(line.ask(Command.INFER, INFER.pack(1)).payload) == 3000


@pytest.mark.parametrize("count", [0, 4, 65_535])
def test_commands_on_inputs_never_sent_are_refused(line: Line, count: int) -> None:
    data = pack.dumps(NET)
    line.put(data, zlib.crc32(data))
    line.ask(Command.PUT_END)
    line.ask(Command.INPUTS, OFFSET.pack(0) + inputs(NET, 3).tobytes())
    for command, request in (
        (Command.INFER, INFER.pack(count)),
        (Command.MEASURE, MEASURE.pack(0, 0, 0, 1, count)),
        (Command.SWITCH, SWITCH.pack(0, 1, 0, 0, 1, count)),
    ):
        assert line.refused(command, request) == Fault.BAD_REQUEST
    assert line.refused(Command.INPUTS, OFFSET.pack(37) + bytes(12)) == Fault.BAD_REQUEST


@pytest.mark.parametrize(("zero", "samples"), [(0, 0), (1, 1), (255, 0)])
def test_measurement_without_samples_or_with_a_reserved_byte_is_refused(
    line: Line, zero: int, samples: int
) -> None:
    data = pack.dumps(NET)
    line.put(data, zlib.crc32(data))
    line.ask(Command.PUT_END)
    line.ask(Command.INPUTS, OFFSET.pack(0) + inputs(NET, 1).tobytes())
    assert line.refused(Command.MEASURE, MEASURE.pack(0, 0, zero, samples, 1)) == Fault.BAD_REQUEST
    assert line.refused(Command.SWITCH, SWITCH.pack(0, 1, 0, zero, samples, 1)) == Fault.BAD_REQUEST


def test_pack_that_is_being_replaced_is_no_longer_named(line: Line) -> None:
    data = pack.dumps(NET)
    line.put(data, zlib.crc32(data))
    line.ask(Command.PUT_END)
    line.ask(Command.PUT_BEGIN, PUT_BEGIN.pack(8, 9))
    hello = HELLO.read(line.ask(Command.HELLO, HELLO_REQUEST.pack(VERSION)).payload)
    assert (hello["pack_size"], hello["pack_crc"]) == (0, 0)


def test_switch_time_covers_the_select_call_and_nothing_else(compiler: Compiler) -> None:
    """Mask, read the clock, select, read the clock, unmask; then load the input and time one run."""
    data = pack.dumps(NET)
    requests = [
        (Command.PUT_BEGIN, PUT_BEGIN.pack(len(data), zlib.crc32(data))),
        (Command.PUT_DATA, OFFSET.pack(0) + data),
        (Command.PUT_END, b""),
        (Command.INPUTS, OFFSET.pack(0) + inputs(NET, 1).tobytes()),
        (Command.SWITCH, SWITCH.pack(0, 1, 0, 0, 2, 1)),
    ]
    session = b"".join(encode(Frame(command, 1, payload)) for command, payload in requests)
    program = compiler.program("order.c", agent=True, link=WRAPPED)
    asked = subprocess.run([str(program)], input=session, capture_output=True, check=True).stdout.decode()
    sample = "sr" + "smtstu" + "trt"
    assert asked == "ss" + 32 * "mttu" + 2 * sample
