"""Test that figures which cannot be are refused: in hellos, in samples, and in a run of the suite."""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hil.boards.board import Board
from hil.boards.entry import Entry
from hil.boards.facts import Provenance
from hil.boards.governing import Cost, Resources, Rules
from hil.boards.governor import Job
from hil.errors import ProtocolError, SetupError
from hil.protocol.agent import Agent
from hil.protocol.definition import CLOCK, HELLO, VERSION, Policy
from hil.protocol.hello import Clock, read_hello
from hil.results.plausible import INFERENCES, check_ticks, check_time
from hil.transports.deadline import Deadline
from hil.transports.process import ProcessTransport
from reds.pack.model import Model
from tests.hil.support.raising import raises
from tests.hil.support.suite_run import BoardsToml, Run, failed_tests, one_line_of_errors, outcomes
from tests.support.nets import inputs

Script = Callable[[str], Path]
NS = Clock(0, "ns", 1_000_000_000)
TICKS = st.integers(0, (1 << 32) - 1)
LIAR = """
import subprocess
from hil.protocol.definition import ANSWER, Command
from hil.protocol.frame import Frame, Reader, encode
agent = subprocess.Popen([{agent!r}], stdout=subprocess.PIPE)
reader = Reader()
measuring = (Command.MEASURE | ANSWER, Command.SWITCH | ANSWER, Command.PROFILE | ANSWER)
while data := os.read(agent.stdout.fileno(), 1 << 16):
    reader.feed(data)
    while frame := reader.next():
        command, sequence, payload = frame.command, frame.sequence, bytearray(frame.payload)
        {change}
        os.write(1, encode(Frame(command, sequence, bytes(payload))))
"""
"""A program that runs the real agent and changes its answers."""
CHANGES = {
    "overhead of 2^32 - 1": "if command in measuring: payload[4:8] = b'\\xff' * 4",
    "samples of 0": "if command == measuring[0]: payload[4:] = bytes(len(payload) - 4)",
    "samples of seconds": "if command == measuring[0]: payload[8:] = b'\\xff' * (len(payload) - 8)",
    "samples of 0 but one": "if command == measuring[0]: payload[4:] = bytes(len(payload) - 5) + b'\\1'",
    "layers of 0": "if command == measuring[2]: payload[4:] = bytes(len(payload) - 4)",
    "layers of seconds": "if command == measuring[2]: payload[8:] = b'\\xff' * (len(payload) - 8)",
    "a layer that stays away": "if command == measuring[2]: del payload[-4:]",
    "a stack of 4 GiB": "if command == Command.MEMORY | ANSWER: payload[:4] = b'\\xff' * 4",
    "no state": "if command == Command.MEMORY | ANSWER: payload[4:] = bytes(4)",
    "a count of inferences that stays away": "if command == Command.INFER | ANSWER: payload.pop()",
    "a wrong count of subnets": "if command == Command.PUT_END | ANSWER: payload[0] += 7",
    "a clock of 0 Hz": "if command == Command.HELLO | ANSWER: payload[64:68] = bytes(4)",
    "no clock": "if command == 0x81: payload[18:20] = bytes(2); del payload[64:]",
    "a clock of events": "if command == 0x81: payload[64:] = bytes(4) + b'instructions'",
    **{
        f"a refusal of {name} as too large": f"if command == Command.{name} | ANSWER: "
        "command, payload = 255, b'\\4no'"
        for name in ("INPUTS", "INFER", "MEASURE", "SWITCH", "PROFILE", "MEMORY")
    },
    "a refusal that acts on the terminal": "if command == Command.INFER | ANSWER: "
    "command, payload = 255, b'\\2\\x1b[2J\\n\\nno'",
    "a noise before every answer": "os.write(1, b'\\2\\2\\0') if command != 0x81 else 0",
}


def hello(*clocks: tuple[int, bytes], **told: int) -> bytes:
    """Return a hello of a desktop with these clocks and fields."""
    fields = {"version": VERSION, "flags": 0, "capacity": 9, "arena": 9, "input_bytes": 9, "max_payload": 64}
    fields |= {"clocks": len(clocks), "layouts": 1, "pack_size": 0, "pack_crc": 0} | told
    return HELLO.pack(*fields.values(), b"build", b"desktop") + b"".join(
        CLOCK.pack(hz, name) for hz, name in clocks
    )


def test_hello_of_every_clock_of_the_project_is_read() -> None:
    clocks = (0, b"instructions"), (0, b"flash_words"), (64_000_000, b"cycles"), (10**9, b"ns")
    told = read_hello(hello(*clocks))
    assert [clock.name for clock in told.clocks] == ["instructions", "flash_words", "cycles", "ns"]
    assert read_hello(hello()).clocks == ()


@pytest.mark.parametrize(
    "payload",
    [
        hello((0, b"cycles")),
        hello((0, b"ns")),
        hello((999, b"ticks")),
        hello((1000, b"instructions")),
        hello((1000, b"flash_words")),
        hello((1000, b"")),
        hello((1000, b"\x1b[2J")),
        hello((1000, "µs".encode())),
        hello((1000, b"a\0b")),
        hello((1000, b"ns"), (2000, b"ns")),
        hello(*((1000, b"%d" % n) for n in range(9))),
        hello(max_payload=63),
        hello(capacity=0),
        hello(arena=0),
        hello(input_bytes=0),
        hello(layouts=0),
        hello(pack_size=10),
        hello(flags=2),
    ],
)
def test_hello_of_a_board_that_cannot_be_is_refused(payload: bytes) -> None:
    with raises(ProtocolError):
        read_hello(payload)


@given(st.binary(max_size=200) | st.binary(max_size=80).map(lambda rest: bytes([VERSION, 0]) + rest))
def test_hello_of_arbitrary_bytes_is_read_or_refused(payload: bytes) -> None:
    with suppress(ProtocolError):
        told = read_hello(payload)
        assert "".join([told.board, told.build, *(clock.name for clock in told.clocks)]).isprintable()


@given(st.lists(TICKS, min_size=1), TICKS)
def test_overhead_above_the_longest_sample_is_refused(ticks: list[int], overhead: int) -> None:
    longest = max(ticks)
    if overhead > longest:
        with raises(ProtocolError):
            check_ticks(NS, overhead, {"switches": ticks})
    else:
        check_ticks(NS, overhead, {"switches": ticks})


def test_switch_of_no_ticks_is_taken_if_the_clock_runs() -> None:
    check_ticks(NS, 0, {"switches": [0, 0], INFERENCES: [0, 1]})
    check_ticks(NS, 42, {"switches": [42, 42], INFERENCES: [84, 42]})
    for standing in ([0, 0], [42, 42], [42, 42, 84]):
        with raises(ProtocolError):
            check_ticks(NS, standing[0], {"switches": standing, INFERENCES: standing})


def test_samples_longer_than_the_request_are_refused() -> None:
    check_time(NS, 1_000_000_000, 0.9)
    with raises(ProtocolError):
        check_time(NS, 1_000_000_000, 0.5)


LAYERS = [change for change in CHANGES if "layer" in change]
MEMORY = ["a stack of 4 GiB", "no state"]


@pytest.mark.parametrize("change", ["overhead of 2^32 - 1", *LAYERS, *MEMORY])
def test_lying_layers_and_stacks_are_refused(
    script: Script, posix_agent: Path, small: Model, change: str
) -> None:
    program = script(LIAR.format(agent=str(posix_agent), change=CHANGES[change]))
    with Agent(ProcessTransport(program), "liar") as agent:
        told = agent.hello(Deadline.after(20))
        board = Board(Entry("liar", "desktop"), Provenance.HARDWARE, agent, told)
        board.deploy(small)
        with raises(ProtocolError, board="liar"):
            if change in MEMORY:
                board.memory(0, inputs(small, 3))
            else:
                board.profile(0, 10, told.clocks[0], inputs(small, 3))


@pytest.mark.parametrize("change", list(CHANGES)[:4])
def test_lying_samples_are_refused(script: Script, posix_agent: Path, small: Model, change: str) -> None:
    program = script(LIAR.format(agent=str(posix_agent), change=CHANGES[change]))
    with Agent(ProcessTransport(program), "liar") as agent:
        told = agent.hello(Deadline.after(20))
        board = Board(Entry("liar", "desktop"), Provenance.HARDWARE, agent, told)
        board.deploy(small)
        with raises(ProtocolError, board="liar"):
            board.measure(0, 10, told.clocks[0], inputs(small, 3))


@pytest.mark.parametrize("n", [0, -1, 70_000, 1.5, True, "9", float("nan")])
def test_impossible_number_of_samples_is_refused(desktop: Board, small: Model, n: object) -> None:
    desktop.deploy(small)
    (clock,) = desktop.facts().clocks
    with raises(SetupError, board="desk"):
        desktop.measure(0, n, clock, inputs(small, 3))  # type: ignore[arg-type]
    with raises(SetupError, board="desk"):
        desktop.measure_switch((0, 1), n, clock, inputs(small, 3))  # type: ignore[arg-type]
    assert len(desktop.measure(0, int(np.int64(3)), clock, inputs(small, 3)).ticks) == 3


@pytest.mark.parametrize("change", [change for change in CHANGES if change not in (*LAYERS[1:], "no state")])
def test_lying_board_is_one_error_of_a_run_and_no_failure(
    hil: Run, script: Script, boards_toml: BoardsToml, posix_agent: Path, small_pack: Path, change: str
) -> None:
    program = script(LIAR.format(agent=str(posix_agent), change=CHANGES[change]))
    boards = boards_toml("desktop", agent=str(program))
    done = hil("--target=desktop", "--boards", boards, "--pack", small_pack)
    counts = outcomes(done.stdout)
    assert (counts.get("error"), counts.get("failed")) == (1, None), done.stdout
    assert "board: " in one_line_of_errors(done.stdout)
    assert "\x1b" not in done.stdout


def test_clock_that_tells_no_subnet_from_another_passes_no_gate(
    hil: Run, script: Script, boards_toml: BoardsToml, posix_agent: Path, small_pack: Path
) -> None:
    alike = "if command == measuring[0]: payload[4:] = bytes(4) + b'\\1\\0\\0\\0' * (len(payload) // 4 - 2)"
    program = script(LIAR.format(agent=str(posix_agent), change=alike))
    done = hil("--boards", boards_toml("desktop", agent=str(program)), "--pack", small_pack)
    assert done.returncode == pytest.ExitCode.TESTS_FAILED
    assert failed_tests(done.stdout) == {"test_smaller_is_faster"}, done.stdout


DECISIONS = {
    "a subnet that the pack lacks": "payload[0] = 2",
    "to wait, with an inference": "payload[:2] = b'\\xff\\xff'",
    "an output that is too short": "payload.pop()",
    "no output": "del payload[22:]",
    "an overhead of 2^32 - 1": "payload[18:22] = b'\\xff' * 4",
    "an inference of no time": "payload[10:14] = bytes(4)",
    "an inference of seconds": "payload[10:14] = b'\\xff' * 4",
    "half a decision": "del payload[10:]",
    "an output of a page": "payload += bytes(4000)",
    "a refusal": "command, payload = 255, b'\\2no'",
}


@pytest.mark.parametrize("change", DECISIONS)
def test_decision_that_cannot_be_is_refused(
    script: Script, posix_agent: Path, small: Model, change: str
) -> None:
    lie = f"if command == Command.DECIDE | ANSWER: {DECISIONS[change]}"
    transport = ProcessTransport(script(LIAR.format(agent=str(posix_agent), change=lie)))
    with Agent(transport, "desk", patience=1) as agent:
        hello = agent.hello(Deadline.after(10))
        board = Board(Entry("desk", "desktop"), Provenance.HARDWARE, agent, hello)
        board.deploy(small)
        costs = [Cost(1), Cost(2)]
        governor = board.govern(Rules(Policy.FIXED), costs, hello.clocks[0], Job(inputs(small, 3)))
        with raises(ProtocolError, board="desk"):
            governor.decide(Resources(), 0)
