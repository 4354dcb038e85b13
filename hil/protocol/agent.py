"""Ask the agent from the host: one method for each command, each with a deadline.

An answer counts only if it has the sequence number of its request. Late answers are dropped. A request is
sent a second time only if its frame, or the frame of its answer, was damaged. A measurement is never repeated
because of its figures.
"""

import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Self, TypeVar

from hil.errors import AgentError, DeadlineError, FrameError, LinkError, ProtocolError, VersionError
from hil.protocol import definition as wire
from hil.protocol.definition import ANSWER, OFFSET, SAMPLES, VERSION, Command, Fault
from hil.protocol.frame import Frame, Reader, encode
from hil.protocol.hello import Hello, read_hello
from hil.transports.deadline import Deadline
from hil.transports.transport import Transport

T = TypeVar("T")
ANSWER_SECONDS = 5.0
HELLO_AGAIN_SECONDS = 0.25
"""Seconds after which an unanswered hello is sent again: the board may still be starting."""


@dataclass(frozen=True)
class Timed:
    """Raw samples of a measurement.

    `overhead` is the ticks that reading the clock takes. `samples` holds the bytes of each sample.
    """

    overhead: int
    samples: tuple[bytes, ...]


class Agent:
    """A client of the agent at the other end of `transport`.

    Args:
        transport: Byte stream to the agent.
        board: Name of the board, for errors.
        patience: Seconds that a request may take if it does not run the network.
    """

    def __init__(self, transport: Transport, board: str, patience: float = ANSWER_SECONDS) -> None:
        self.transport = transport
        self.board = board
        self._patience = patience
        self._reader = Reader()
        self._sequence = 0
        self._largest = 0  # payload that the agent takes, by its hello
        self._inputs = 0  # how many are loaded

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the transport."""
        self.transport.close()

    def hello(self, deadline: Deadline) -> Hello:
        """Send hellos until the agent answers one, and return its answer.

        Raises:
            DeadlineError: No agent answered in time.
            VersionError: The agent speaks another version of the protocol.
        """
        self._write(b"\0", deadline)  # ends a partial frame that the stream may still hold
        while True:
            try:
                request, once = wire.HELLO_REQUEST.pack(VERSION), min(HELLO_AGAIN_SECONDS, deadline.left)
                hello = read_hello(next(self._exchange(Command.HELLO, request, once)))
                self._largest = hello.max_payload
                return hello
            except (DeadlineError, FrameError) as error:
                reason: Exception = error
            except VersionError as error:
                raise VersionError(f"{error}; upload the agent again", board=self.board) from error
            except AgentError as error:
                if error.code == Fault.VERSION:
                    raise VersionError(error.text, board=self.board) from error
                if error.code != Fault.BAD_FRAME:
                    raise
                reason = error
            if deadline.passed:
                silent = f"no hello from {self.transport.name} within {deadline.span:g} s"
                raise DeadlineError(f"{silent}; {self.transport.advice.mute}", board=self.board) from reason

    def put_pack(self, data: bytes, largest: int, advance: Callable[[int], None]) -> int:
        """Store a pack on the board; an interrupted transfer resumes where it stopped.

        Args:
            data: Bytes of the pack.
            largest: Largest payload of the agent in bytes, from its hello.
            advance: Called with the bytes that are stored so far.

        Returns:
            The number of subnets in the pack, as the agent counts them.

        Raises:
            AgentError: The agent refused the pack; the text has its reason.
        """
        return self._again(lambda: self._put(data, (largest - OFFSET.size) // 4 * 4, advance))

    def select(self, subnet: int) -> None:
        """Select the subnet that `infer` runs."""
        self._ask(Command.SELECT, wire.SELECT.pack(subnet), 0)

    def inputs(self, count: int, data: bytes) -> None:
        """Load `count` inputs for `infer`, `measure` and `measure_switch`; sample i runs input i % count.

        They are sent in pieces that fit the largest payload of the hello.
        """
        piece = self._largest - OFFSET.size
        for offset in range(0, len(data), piece):
            self._ask(Command.INPUTS, OFFSET.pack(offset) + data[offset : offset + piece], 0)
        self._inputs = count

    def infer(self, size: int, seconds: float) -> bytes:
        """Run the selected subnet on the loaded inputs and return its outputs, `size` bytes in order."""
        return self._ask(Command.INFER, wire.INFER.pack(self._inputs), size, seconds)

    def measure(self, subnet: int, clock: int, count: int, seconds: float) -> Timed:
        """Time single inferences on the board.

        Args:
            subnet: Index of the subnet.
            clock: Index of the clock.
            count: Number of samples, each a MEASURE_SAMPLE.
            seconds: Deadline of each chunk of samples.
        """
        request = wire.MEASURE.pack(subnet, clock, 0, count, self._inputs)
        size = wire.MEASURE_SAMPLE.size
        return self._again(lambda: self._timed(Command.MEASURE, request, count, size, seconds))

    def measure_switch(
        self, pair: tuple[int, int], clock: int, count: int, output: int, seconds: float
    ) -> Timed:
        """Time switches and the first inference after each.

        Args:
            pair: Indices of the subnets before and after the switch.
            clock: Index of the clock.
            count: Number of samples, each a SWITCH_SAMPLE and an output.
            output: Bytes of one output of the subnet after the switch.
            seconds: Deadline of each chunk of samples.
        """
        request = wire.SWITCH.pack(*pair, clock, 0, count, self._inputs)
        size = wire.SWITCH_SAMPLE.size + output
        return self._again(lambda: self._timed(Command.SWITCH, request, count, size, seconds))

    def reset(self) -> None:
        """Reset the agent to its state after power-on; it checks and loads a stored pack again."""
        self._ask(Command.RESET, b"", 0)

    def _ask(self, command: Command, payload: bytes, size: int, seconds: float | None = None) -> bytes:
        return self._again(lambda: self._once(command, payload, size, seconds))

    def _again(self, work: Callable[[], T]) -> T:
        """Do the work, and once more if a frame was damaged in either direction."""
        try:
            return work()
        except FrameError:
            return work()
        except AgentError as error:
            if error.code != Fault.BAD_FRAME:
                raise
            return work()

    def _once(self, command: Command, payload: bytes, size: int, seconds: float | None = None) -> bytes:
        answer = next(self._exchange(command, payload, self._patience if seconds is None else seconds))
        if len(answer) != size:
            answered = f"the answer to {command.name} has {len(answer)} bytes, not {size}"
            raise ProtocolError(f"{answered}; upload the agent again", board=self.board)
        return answer

    def _exchange(self, command: Command, payload: bytes, seconds: float) -> Iterator[bytes]:
        """Send a request, then yield the payload of each answer, due `seconds` after the one before."""
        self._sequence = self._sequence % 255 + 1  # 0 is the answer to a frame that cannot be read
        deadline = Deadline.after(seconds)
        self._write(encode(Frame(command, self._sequence, payload)), deadline)
        while True:
            yield self._answer(command, deadline)
            deadline = Deadline.after(seconds)

    def _answer(self, command: Command, deadline: Deadline) -> bytes:
        while True:
            try:
                frame = self._reader.next()
            except FrameError as error:
                raise FrameError(
                    f"in the answer to {command.name}, {error.text}", board=self.board
                ) from error
            if frame is None:
                self._reader.feed(self._read(command, deadline))
            elif frame.command == Command.ERROR | ANSWER and frame.sequence in (0, self._sequence):
                raise self._refusal(command, frame.payload)
            elif frame.command == command | ANSWER and frame.sequence == self._sequence:
                return frame.payload

    def _read(self, command: Command, deadline: Deadline) -> bytes:
        try:
            return self.transport.read(deadline)
        except DeadlineError as error:
            late = f"no answer to {command.name} within {deadline.span:g} s"
            raise DeadlineError(f"{late}; {self.transport.advice.mute}", board=self.board) from error
        except LinkError as error:
            raise self._lost(error) from error

    def _lost(self, error: LinkError) -> LinkError:
        return LinkError(f"{error.text}; {self.transport.advice.lost}", board=self.board)

    def _write(self, data: bytes, deadline: Deadline) -> None:
        try:
            self.transport.write(data, deadline)
        except DeadlineError as error:
            raise DeadlineError(f"{error.text}; {self.transport.advice.mute}", board=self.board) from error
        except LinkError as error:
            raise self._lost(error) from error

    def _refusal(self, command: Command, payload: bytes) -> AgentError:
        code, text = 0, "no reason given"
        if payload:
            code, text = wire.ERROR.read(payload)["code"], payload[wire.ERROR.size :].decode(errors="replace")
        return AgentError(f"the agent refused {command.name}: {text}", code=code, board=self.board)

    def _put(self, data: bytes, chunk: int, advance: Callable[[int], None]) -> int:
        begin = wire.PUT_BEGIN.pack(len(data), zlib.crc32(data))
        offset = OFFSET.read(self._once(Command.PUT_BEGIN, begin, OFFSET.size))["offset"]
        while offset < len(data):
            advance(offset)
            piece = OFFSET.pack(offset) + data[offset : offset + chunk]
            reached = OFFSET.read(self._once(Command.PUT_DATA, piece, OFFSET.size))["offset"]
            if not offset < reached <= len(data):
                moved = f"the agent asks for byte {reached:,} of the pack after byte {offset:,}"
                raise ProtocolError(f"{moved}; upload the agent again", board=self.board)
            offset = reached
        advance(len(data))
        answer = self._once(Command.PUT_END, b"", wire.PUT_END_ANSWER.size)
        return int(wire.PUT_END_ANSWER.read(answer)["subnets"])

    def _timed(self, command: Command, request: bytes, count: int, size: int, seconds: float) -> Timed:
        samples: list[bytes] = []
        overhead = 0
        answers = self._exchange(command, request, seconds)
        while len(samples) < count:
            payload = next(answers)
            if len(payload) < SAMPLES.size:
                short = f"an answer to {command.name} has {len(payload)} bytes, fewer than {SAMPLES.size}"
                raise ProtocolError(f"{short}; upload the agent again", board=self.board)
            first, held, overhead = SAMPLES.read(payload).values()
            whole = len(payload) == SAMPLES.size + held * size
            if first != len(samples) or not 0 < held <= count - first or not whole:
                odd = f"{command.name} sent {held} samples from number {first} in {len(payload)} bytes"
                remedy = f"number {len(samples)} is next; upload the agent again"
                raise ProtocolError(f"{odd}, but {remedy}", board=self.board)
            samples += [payload[at : at + size] for at in range(SAMPLES.size, len(payload), size)]
        return Timed(overhead, tuple(samples))
