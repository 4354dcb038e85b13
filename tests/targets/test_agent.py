"""The agent's answers, frame by frame: which requests it refuses, and in which order it measures."""

import subprocess
import zlib
from collections.abc import Iterator

import pytest

from hil.firmware import build
from hil.protocol.definition import (
    ANSWER,
    COST,
    DECIDE,
    DECISION,
    GOVERN,
    HELLO,
    HELLO_REQUEST,
    INFER,
    MEASURE,
    MEMORY,
    MEMORY_ANSWER,
    OFFSET,
    PAGE,
    PAGES,
    PAGES_ANSWER,
    PUT_BEGIN,
    PUT_COPY,
    SELECT,
    SWITCH,
    VERSION,
    WAIT,
    Command,
    Fault,
    Policy,
)
from hil.protocol.frame import Frame, Reader, encode
from hil.transports.deadline import Deadline
from hil.transports.process import ProcessTransport
from reds import pack
from reds.pack.model import MOST_LAYERS, Kind
from tests.support.depth import without
from tests.support.nets import Maker, dense_model, inputs
from tests.targets.support.compilation import WRAPPED, Compiler
from tests.targets.support.fuzz.differential import residual

NET = dense_model([12, 8, 4], [[4, 4], [8, 4]], 2)


class Line:
    """A desktop agent that answers requests one by one."""

    def __init__(self) -> None:
        self.transport = ProcessTransport(build.agent(build.DESKTOP))
        self.reader = Reader()

    def ask(self, command: Command, payload: bytes = b"") -> Frame:
        self.transport.write(encode(Frame(command, 1, payload)), Deadline.after(10))
        return self.answer()

    def answer(self) -> Frame:
        deadline = Deadline.after(10)
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


def test_outputs_fill_one_frame_after_the_other(line: Line) -> None:
    data = pack.dumps(dense_model([1, 3000], [[3000]]))
    line.put(data, zlib.crc32(data))
    assert line.ask(Command.PUT_END).command == Command.PUT_END | ANSWER
    assert line.ask(Command.INPUTS, OFFSET.pack(0) + bytes(4000)).payload == b""
    first = line.ask(Command.INFER, INFER.pack(1)).payload
    frames = [line.ask(Command.INFER, INFER.pack(3)).payload, line.answer().payload, line.answer().payload]
    assert [len(frame) for frame in frames] == [4096, 4096, 808]
    assert b"".join(frames) == first * 3


@pytest.mark.parametrize("count", [0, 4, 65_535])
def test_commands_on_inputs_never_sent_are_refused(line: Line, count: int) -> None:
    data = pack.dumps(NET)
    line.put(data, zlib.crc32(data))
    line.ask(Command.PUT_END)
    line.ask(Command.INPUTS, OFFSET.pack(0) + inputs(NET, 3).tobytes())
    for command, request in (
        (Command.INFER, INFER.pack(count)),
        (Command.MEASURE, MEASURE.pack(0, 0, 0, 1, count)),
        (Command.PROFILE, MEASURE.pack(0, 0, 0, 1, count)),
        (Command.SWITCH, SWITCH.pack(0, 1, 0, 0, 1, count)),
        (Command.MEMORY, MEMORY.pack(0, count)),
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
    for command in (Command.MEASURE, Command.PROFILE):
        assert line.refused(command, MEASURE.pack(0, 0, zero, samples, 1)) == Fault.BAD_REQUEST
    assert line.refused(Command.SWITCH, SWITCH.pack(0, 1, 0, zero, samples, 1)) == Fault.BAD_REQUEST


@pytest.mark.parametrize(("size", "kept"), [(8, True), (9 << 20, False)])
def test_pack_that_is_being_overwritten_is_no_longer_named(line: Line, size: int, kept: bool) -> None:
    data = pack.dumps(NET)
    line.put(data, zlib.crc32(data))
    line.ask(Command.PUT_END)
    line.ask(Command.PUT_BEGIN, PUT_BEGIN.pack(size, 9))
    line.ask(Command.PUT_DATA, OFFSET.pack(0) + bytes(4))
    hello = HELLO.read(line.ask(Command.HELLO, HELLO_REQUEST.pack(VERSION)).payload)
    assert (hello["pack_size"], hello["pack_crc"]) == ((len(data), zlib.crc32(data)) if kept else (0, 0))


def test_pages_of_the_loaded_pack_are_told_from_any_of_them_on(line: Line) -> None:
    none = line.ask(Command.PAGES, PAGES.pack(0)).payload
    told = PAGES_ANSWER.read(none)
    assert (len(none), told["size"]) == (PAGES_ANSWER.size, 0)
    assert line.refused(Command.PAGES, PAGES.pack(1)) == Fault.BAD_REQUEST
    data = pack.dumps(dense_model([60, 40, 4], [[40, 4]]))
    line.put(data, zlib.crc32(data))
    line.ask(Command.PUT_END)
    page = told["page"]
    sums = [zlib.adler32(data[at : at + page]) for at in range(0, len(data), page)]
    for first in range(len(sums) + 1):
        head = PAGES_ANSWER.pack(told["slot"], page, len(data))
        answer = head + b"".join(PAGE.pack(each) for each in sums[first:])
        assert line.ask(Command.PAGES, PAGES.pack(first)).payload == answer
    for beyond in (len(sums) + 1, (1 << 32) - 1):
        assert line.refused(Command.PAGES, PAGES.pack(beyond)) == Fault.BAD_REQUEST


@pytest.mark.parametrize(
    "piece", [(0, 0), (4, 4), (0, 2), (0, 1 << 31), ((1 << 32) - 4, 8), (0, len(pack.dumps(NET)) + 4)]
)
def test_piece_that_the_loaded_pack_lacks_is_not_copied(line: Line, piece: tuple[int, int]) -> None:
    assert line.refused(Command.PUT_COPY, PUT_COPY.pack(*piece)) == Fault.NO_PACK
    data = pack.dumps(NET)
    line.put(data, zlib.crc32(data))
    line.ask(Command.PUT_END)
    assert line.refused(Command.PUT_COPY, PUT_COPY.pack(*piece)) == Fault.BAD_REQUEST
    line.ask(Command.PUT_BEGIN, PUT_BEGIN.pack(len(data) + 100, 9))
    assert line.refused(Command.PUT_COPY, PUT_COPY.pack(*piece)) == Fault.BAD_REQUEST
    assert line.ask(Command.PUT_COPY, PUT_COPY.pack(0, len(data))).payload == OFFSET.pack(len(data))


@pytest.mark.parametrize(("subnet", "clock"), [(2, 0), (0, 1), (65_535, 255)])
def test_measurement_of_a_subnet_or_with_a_clock_that_is_not_there_is_refused(
    line: Line, subnet: int, clock: int
) -> None:
    data = pack.dumps(NET)
    line.put(data, zlib.crc32(data))
    line.ask(Command.PUT_END)
    line.ask(Command.INPUTS, OFFSET.pack(0) + inputs(NET, 1).tobytes())
    for command in (Command.MEASURE, Command.PROFILE):
        assert line.refused(command, MEASURE.pack(subnet, clock, 0, 1, 1)) == Fault.BAD_REQUEST
    if subnet:
        assert line.refused(Command.MEMORY, MEMORY.pack(subnet, 1)) == Fault.BAD_REQUEST
        assert line.refused(Command.SELECT, SELECT.pack(subnet)) == Fault.BAD_REQUEST


def test_sample_of_the_most_layers_fits_a_frame(line: Line) -> None:
    maker = Maker(1, 1, 4)
    for _ in range(MOST_LAYERS):
        maker.add(Kind.DENSE, 4)
    data = pack.dumps(maker.build([[4] * MOST_LAYERS], "deep"))
    line.put(data, zlib.crc32(data))
    line.ask(Command.PUT_END)
    line.ask(Command.INPUTS, OFFSET.pack(0) + bytes(4))
    answer = line.ask(Command.PROFILE, MEASURE.pack(0, 0, 0, 1, 1))
    assert (answer.command, len(answer.payload)) == (Command.PROFILE | ANSWER, 8 + 4 * MOST_LAYERS)


def test_profile_has_a_time_for_each_layer_that_the_subnet_runs(line: Line) -> None:
    net = without(residual(), [[(1, 4)], []])
    data = pack.dumps(net)
    line.put(data, zlib.crc32(data))
    line.ask(Command.PUT_END)
    line.ask(Command.INPUTS, OFFSET.pack(0) + inputs(net, 1).tobytes())
    for subnet, layers in ((0, 3), (1, 6)):
        answer = line.ask(Command.PROFILE, MEASURE.pack(subnet, 0, 0, 2, 1))
        assert (answer.command, len(answer.payload)) == (Command.PROFILE | ANSWER, 8 + 2 * 4 * layers)


def asked_of_the_port(compiler: Compiler, command: Command, payload: bytes) -> str:
    """Return a letter for each call of the port and the runtime while a loaded agent serves a request."""
    data = pack.dumps(NET)
    requests = [
        (Command.PUT_BEGIN, PUT_BEGIN.pack(len(data), zlib.crc32(data))),
        (Command.PUT_DATA, OFFSET.pack(0) + data),
        (Command.PUT_END, b""),
        (Command.INPUTS, OFFSET.pack(0) + inputs(NET, 1).tobytes()),
        (command, payload),
    ]
    session = b"".join(encode(Frame(command, 1, payload)) for command, payload in requests)
    program = compiler.program("order.c", agent=True, link=WRAPPED)
    return subprocess.run([str(program)], input=session, capture_output=True, check=True).stdout.decode()


def test_switch_time_covers_the_select_call_and_nothing_else(compiler: Compiler) -> None:
    """Mask, read the clock, select, read the clock, unmask; then load the input and time one marked run."""
    asked = asked_of_the_port(compiler, Command.SWITCH, SWITCH.pack(0, 1, 0, 0, 2, 1))
    assert asked == "ss" + 32 * "mttu" + 2 * ("sr" + "smtstu" + "+trt-")


def test_the_marker_is_high_around_each_timed_run_and_only_then(compiler: Compiler) -> None:
    asked = asked_of_the_port(compiler, Command.MEASURE, MEASURE.pack(1, 0, 0, 3, 1))
    assert asked == "s" + 32 * "mttu" + "r" + 3 * "+trt-"


def test_time_of_a_layer_covers_that_layer_and_nothing_else(compiler: Compiler) -> None:
    """Run once, then read the clock, run a layer and read the clock, for each layer of each sample."""
    asked = asked_of_the_port(compiler, Command.PROFILE, MEASURE.pack(1, 0, 0, 3, 1))
    assert asked == "s" + 32 * "mttu" + "r" + 3 * len(NET.layers) * "tlt"


def test_stack_is_that_of_one_inference_after_another(line: Line) -> None:
    data = pack.dumps(NET)
    line.put(data, zlib.crc32(data))
    line.ask(Command.PUT_END)
    line.ask(Command.INPUTS, OFFSET.pack(0) + inputs(NET, 3).tobytes())
    told = [MEMORY_ANSWER.read(line.ask(Command.MEMORY, MEMORY.pack(1, n)).payload) for n in (1, 3)]
    assert all(256 <= answer["stack"] < 32 << 10 for answer in told)
    assert told[0] == told[1]
    assert told[0]["state"] == 56


RULES = {"policy": Policy.DEADLINE, "margin": 0, "patience": 0, "fixed": 0, "hot": 0, "clock": 0, "zero": 0}
RULES |= {"runs": 1, "hz": 10**9, "period": 0, "horizon": 0, "target": 0, "reserve": 0}
NOW = {"stored": 0, "income": 0, "deadline": 100, "load": 0, "zero": 0, "celsius": 20, "input": 0}
COSTS = COST.pack(1, 1) + COST.pack(2, 2)


@pytest.fixture
def governed(line: Line) -> Line:
    """An agent with a pack and two inputs."""
    data = pack.dumps(NET)
    line.put(data, zlib.crc32(data))
    line.ask(Command.PUT_END)
    line.ask(Command.INPUTS, OFFSET.pack(0) + bytes(24))
    return line


def govern(line: Line, **changes: int) -> Frame:
    return line.ask(Command.GOVERN, GOVERN.pack(*{**RULES, **changes}.values()) + COSTS)


def test_governor_begins_decides_and_ends_with_its_pack(governed: Line) -> None:
    assert governed.refused(Command.DECIDE, DECIDE.pack(*NOW.values())) == Fault.BAD_REQUEST
    assert govern(governed).payload == b""
    taken = governed.ask(Command.DECIDE, DECIDE.pack(*NOW.values())).payload
    assert (DECISION.read(taken)["subnet"], len(taken)) == (1, DECISION.size + 4)
    late = governed.ask(Command.DECIDE, DECIDE.pack(*{**NOW, "deadline": 0}.values())).payload
    told = DECISION.read(late)
    assert (told["subnet"], told["select"], told["inference"], told["learn"]) == (WAIT, 0, 0, 0)
    assert len(late) == DECISION.size
    governed.ask(Command.RESET)
    assert governed.refused(Command.DECIDE, DECIDE.pack(*NOW.values())) == Fault.BAD_REQUEST


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"policy": 5}, Fault.BAD_RULES),
        ({"policy": Policy.FIXED, "fixed": 2}, Fault.BAD_RULES),
        ({"policy": Policy.ENERGY_NEUTRAL}, Fault.BAD_RULES),
        ({"policy": Policy.OWN}, Fault.UNABLE),
        ({"clock": 1}, Fault.BAD_REQUEST),
        ({"zero": 1}, Fault.BAD_REQUEST),
        ({"runs": 0}, Fault.BAD_REQUEST),
        ({"hz": 0}, Fault.BAD_REQUEST),
        ({"hz": 64_000_000}, Fault.BAD_REQUEST),
    ],
)
def test_rules_out_of_range_are_refused_and_end_the_governor_before(
    governed: Line, changes: dict[str, int], fault: Fault
) -> None:
    govern(governed)
    refused = govern(governed, **changes)
    assert (refused.command, refused.payload[0]) == (Command.ERROR | ANSWER, fault)
    assert governed.refused(Command.DECIDE, DECIDE.pack(*NOW.values())) == Fault.BAD_REQUEST


@pytest.mark.parametrize("costs", [b"", COSTS[:-1], COSTS[:8], COSTS + COSTS[:8]])
def test_table_of_costs_of_another_length_is_refused(governed: Line, costs: bytes) -> None:
    assert governed.refused(Command.GOVERN, GOVERN.pack(*RULES.values()) + costs) == Fault.BAD_REQUEST


@pytest.mark.parametrize("change", [{"input": 2}, {"input": 65_535}, {"load": 100}, {"zero": 1}])
def test_resources_out_of_range_are_refused(governed: Line, change: dict[str, int]) -> None:
    govern(governed)
    assert governed.refused(Command.DECIDE, DECIDE.pack(*{**NOW, **change}.values())) == Fault.BAD_REQUEST
    assert governed.ask(Command.DECIDE, DECIDE.pack(*NOW.values())).command == Command.DECIDE | ANSWER
