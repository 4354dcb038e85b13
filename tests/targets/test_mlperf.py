"""The agent answers the MLPerf Tiny runner, and frames beside it."""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest

from hil.boards import boards_toml, opening
from hil.boards.board import Board
from hil.boards.facts import Provenance
from hil.protocol.definition import ANSWER, Command, Fault
from hil.protocol.frame import Frame, Reader, encode
from hil.transports.deadline import Deadline
from hil.transports.terminal import Terminal
from reds import pack
from reds.pack import interpreter
from reds.pack.model import Model
from tests.support.nets import dense_model
from tests.targets.support.mlperf import READY, Runner, softmax


@pytest.fixture(scope="module")
def board() -> Iterator[Board]:
    with opening.started(boards_toml.named(None, "desktop"), Provenance.HARDWARE) as started:
        yield started


@contextmanager
def runner_at(board: Board) -> Iterator[Runner]:
    """Give the runner the board's stream; meanwhile the board sends no frames."""
    with Terminal(board.stream) as terminal:
        runner = Runner(terminal.path)
        yield runner
        runner.close()


def net(inputs: int, outputs: int = 12) -> Model:
    return pack.loads(pack.dumps(dense_model([inputs, 8, outputs], [[4, outputs], [8, outputs]], 3)), "net")


def test_the_runner_learns_the_name_and_the_benchmark_of_a_net(board: Board) -> None:
    named = []
    for inputs in (490, 3072, 27648, 640, 12):
        board.deploy(net(inputs))
        with runner_at(board) as runner:
            named.append((runner.name(), runner.model()))
    benchmarks = ["kws01", "ic01", "vww01", "ad01", "test-net"]
    assert named == [("desktop", benchmark) for benchmark in benchmarks]


@pytest.mark.parametrize(("inputs", "offset"), [(490, 0), (12, 0), (3072, 128)])
def test_results_are_the_softmax_of_each_subnet(board: Board, inputs: int, offset: int) -> None:
    model, rng = net(inputs), np.random.default_rng(1)
    board.deploy(model)
    with runner_at(board) as runner:
        for subnet in range(len(model.subnets)):
            x = rng.integers(-128, 128, inputs)
            x[:2] = -128, 127
            runner.load(((x + offset) & 255).astype(np.uint8).tobytes())
            label = runner.field(f"subnet {subnet}", r"m-subnet-\[([^]]+)]")
            results, (start, end) = runner.infer(1, 0)
            assert label == model.subnets[subnet].name
            assert results == pytest.approx(softmax(model, subnet, x.astype(np.int8)), abs=2e-9)
            assert sum(results) == pytest.approx(1, abs=1e-7)
            assert start <= end


def test_an_autoencoder_reads_real_numbers_and_gives_its_error(board: Board) -> None:
    model = net(640, 640)
    board.deploy(model)
    x = np.random.default_rng(2).normal(0, 40 * model.input_scale, 640).astype("<f4")
    x[:5] = np.inf, -np.inf, 2.5 * model.input_scale, -3.5 * model.input_scale, 0
    q = np.clip(np.rint(x / np.float64(model.input_scale)) + model.input_zero, -127, 127)
    with runner_at(board) as runner:
        runner.load(x.tobytes())
        runner.command("subnet 1")
        results, _ = runner.infer(1, 0)
    out = interpreter.run(model, 1, q.astype(np.int8)[None])[0].astype(float)
    real = (out - model.rooms(1)[-1].zero) * model.subnets[1].output_scale
    assert results == [pytest.approx(np.mean((real - (q - model.input_zero) * model.input_scale) ** 2))]


def test_laps_go_on_from_window_to_window(board: Board) -> None:
    board.deploy(net(490))
    with runner_at(board) as runner:
        runner.load(bytes(490), 26)
        laps = [runner.infer(5000, 10)[1] for _ in range(5)]
    assert all(start < end for start, end in laps)
    assert [start for start, _ in laps[1:]] == [end for _, end in laps[:-1]]


WRONG = {
    "results": "Unknown command: results",
    "x": "Unknown command: x",
    "x" * 200: "The command is too long",
    "db load": "The number of bytes is needed",
    "db load 99999999999999999999": "The number of bytes is needed",
    "db load 489": "The input of the pack has another number of bytes",
    "db 00": "No bytes are expected: db load N begins an input",
    "infer": "The number of inferences is needed, and may be followed by that of warm-ups",
    "infer 0 1": "The number of inferences is needed, and may be followed by that of warm-ups",
    "infer 1 1 1": "The number of inferences is needed, and may be followed by that of warm-ups",
    "infer 1 0": "No pack or no input is loaded",
    "subnet 2": "The pack has no subnet of this index",
    "subnet": "The index of a subnet is needed: 0 is the smallest",
}


def test_commands_that_cannot_be_served_are_refused(board: Board) -> None:
    board.deploy(net(12))
    board.deploy(net(490))  # which forgets the input of the one before
    with runner_at(board) as runner:
        answers = {command: runner.command(command) for command in WRONG}
    assert answers == {command: [f"e-[{sentence}]", READY] for command, sentence in WRONG.items()}


@pytest.mark.parametrize("between", ["\r", "\n", "\r\n", "\r\r", "\n\r\n\n", "%", "\r%"])
def test_line_ends_and_a_second_percent_sign_between_commands_are_ignored(board: Board, between: str) -> None:
    """A person's terminal sends them."""
    with runner_at(board) as runner:
        for _ in range(2):
            assert runner.command(f"{between}name") == ["m-name-dut-[desktop]", READY]
    board.reset()


@pytest.mark.parametrize("sequence", [ord("%"), ord("a"), ord("\r")])
def test_frame_whose_first_bytes_end_lines_is_no_text(board: Board, sequence: int) -> None:
    """A frame to govern of 12 bytes up to a zero begins with two carriage returns; its policy follows."""
    frame = encode(Frame(Command.GOVERN, sequence, b"\1\2%name%a%" + b"\0" * 30))
    assert frame.startswith(b"\r\r")
    reader = Reader()
    board.stream.write(frame, Deadline.after(5))
    held = b""
    while not held.endswith(b"\0"):
        held += board.stream.read(Deadline.after(5))
    reader.feed(held)
    answer = reader.next()
    assert answer is not None
    assert answer.sequence == sequence


def test_wrong_digits_end_the_load(board: Board) -> None:
    board.deploy(net(12))
    with runner_at(board) as runner:
        for digits in ("0", "0g", "zz", "00" * 3):
            runner.command("db load 12")
            runner.command(f"db {'00' * 10}")
            assert runner.command(f"db {digits}")[0].startswith("e-[Not pairs of hexadecimal digits")
            assert runner.command("db 00")[0] == "e-[No bytes are expected: db load N begins an input]"


def test_frames_and_text_alternate(board: Board) -> None:
    model = net(490)
    board.deploy(model)
    x = np.full((1, 490), 3, np.int8)
    with runner_at(board) as runner:
        assert runner.silent(0.3)
        runner.load(x.tobytes())
    for subnet in range(2):
        with runner_at(board) as runner:
            runner.command(f"\nsubnet {subnet}")
            results, _ = runner.infer(1, 0)
        board.reset()
        assert results == pytest.approx(softmax(model, subnet, x[0]), abs=2e-9)
        assert (board.infer(x + 1) == interpreter.run(model, 0, x + 1)).all()
        with runner_at(board) as runner:
            runner.load(x.tobytes())


def test_a_frame_may_follow_a_text_at_once(board: Board) -> None:
    board.stream.write(b"name%" + encode(Frame(Command.RESET, 7)), Deadline.after(5))
    held, reader = b"", Reader()
    while not held.endswith(b"\0"):
        held += board.stream.read(Deadline.after(5))
    text, _, rest = held.partition(b"m-ready\r\n")
    reader.feed(rest)
    assert text == b"m-name-dut-[desktop]\r\n"
    assert reader.next() == Frame(Command.RESET | ANSWER, 7)


def test_the_rest_of_a_damaged_frame_is_never_left_without_an_answer(board: Board) -> None:
    """Its sender waits for a frame, even if the rest reads as text with a percent sign."""
    write, reader = board.stream.write, Reader()
    for rest in (b"ab%\0", b"abc%d\0", b"a" * 300 + b"%\0", b"ab\x01cd\0"):
        write(rest, Deadline.after(5))
        held = b""
        while not held.endswith(b"\0"):
            held += board.stream.read(Deadline.after(5))
        reader.feed(held[held.rindex(b"m-ready\r\n") + 9 :] if b"m-ready" in held else held)
        answer = reader.next()
        assert answer is not None, rest
        assert (answer.command, answer.payload[0]) == (255, Fault.BAD_FRAME), rest
    board.reset()
    assert max(command for command in Command if command is not Command.ERROR) < ord(" ")
