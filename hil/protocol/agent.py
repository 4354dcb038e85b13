"""The host end of the agent protocol: one method a command, each under a deadline.

An answer counts only with the sequence of its request; late ones are dropped. A damaged frame, either
way, is asked for once more; nothing else is ever repeated, least of all a measurement that turned out bad.
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
"""An unanswered hello is asked again: the board may still be starting."""


@dataclass(frozen=True)
class Timed:
    """Raw samples: ticks that reading the clock itself takes, and for each sample the bytes that came."""

    overhead: int
    samples: tuple[bytes, ...]


class Agent:
    """Talks to the agent behind `transport`; `board` names it in errors.

    `patience` is the seconds that a request which does not run the network may take.
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
        """Let go of the transport."""
        self.transport.close()

    def hello(self, deadline: Deadline) -> Hello:
        """Ask who is there until somebody answers.

        Raises `DeadlineError` if nobody does, `VersionError` if the agent speaks another version.
        """
        self._write(b"\0", deadline)  # ends whatever half a frame the line still holds
        while True:
            try:
                request, once = wire.HELLO_REQUEST.pack(VERSION), min(HELLO_AGAIN_SECONDS, deadline.left)
                hello = read_hello(next(self._exchange(Command.HELLO, request, once)))
                self._largest = hello.max_payload
                return hello
            except (DeadlineError, FrameError) as error:
                reason: Exception = error
            except VersionError as error:
                raise VersionError(f"{self.board}: {error}; upload the agent again") from error
            except AgentError as error:
                if error.code == Fault.VERSION:
                    raise VersionError(str(error)) from error
                if error.code != Fault.BAD_FRAME:
                    raise
                reason = error
            if deadline.passed:
                silent = f"{self.board}: no hello from {self.transport.name} within {deadline.span:g} s"
                raise DeadlineError(f"{silent}; {self.transport.advice.mute}") from reason

    def put_pack(self, data: bytes, largest: int, advance: Callable[[int], None]) -> int:
        """Store a pack on the board, going on where an interrupted transfer ended.

        `largest` is the hello's largest payload; `advance` is told the bytes stored so far. Returns the
        number of subnets. Raises `AgentError` with the agent's reason if it refuses the pack.
        """
        return self._again(lambda: self._put(data, (largest - OFFSET.size) // 4 * 4, advance))

    def select(self, subnet: int) -> None:
        """Make a subnet the one that `infer` runs."""
        self._ask(Command.SELECT, wire.SELECT.pack(subnet), 0)

    def inputs(self, count: int, data: bytes) -> None:
        """Load `count` inputs for `infer`, `measure` and `measure_switch`; sample i runs input i % count.

        They travel in pieces of what the agent takes, which its hello has said.
        """
        piece = self._largest - OFFSET.size
        for offset in range(0, len(data), piece):
            self._ask(Command.INPUTS, OFFSET.pack(offset) + data[offset : offset + piece], 0)
        self._inputs = count

    def infer(self, size: int, seconds: float) -> bytes:
        """Run the selected subnet on the loaded inputs: `size` bytes of outputs, in order."""
        return self._ask(Command.INFER, wire.INFER.pack(self._inputs), size, seconds)

    def measure(self, subnet: int, clock: int, count: int, seconds: float) -> Timed:
        """`count` samples of one inference, a MEASURE_SAMPLE each; each chunk of them may take `seconds`."""
        request = wire.MEASURE.pack(subnet, clock, 0, count, self._inputs)
        size = wire.MEASURE_SAMPLE.size
        return self._again(lambda: self._timed(Command.MEASURE, request, count, size, seconds))

    def measure_switch(
        self, pair: tuple[int, int], clock: int, count: int, output: int, seconds: float
    ) -> Timed:
        """`count` samples of a switch, a SWITCH_SAMPLE and the `output` bytes of the first inference each."""
        request = wire.SWITCH.pack(*pair, clock, 0, count, self._inputs)
        size = wire.SWITCH_SAMPLE.size + output
        return self._again(lambda: self._timed(Command.SWITCH, request, count, size, seconds))

    def reset(self) -> None:
        """Put the agent back to where it is after power-on; a stored pack is checked and loaded again."""
        self._ask(Command.RESET, b"", 0)

    def _ask(self, command: Command, payload: bytes, size: int, seconds: float | None = None) -> bytes:
        return self._again(lambda: self._once(command, payload, size, seconds))

    def _again(self, work: Callable[[], T]) -> T:
        """Do it; once more if a frame was damaged on its way there or back."""
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
            what = f"{command.name} was answered by {len(answer)} bytes, not {size}"
            raise ProtocolError(f"{self.board}: {what}; upload the agent again")
        return answer

    def _exchange(self, command: Command, payload: bytes, seconds: float) -> Iterator[bytes]:
        """Send a request, then yield its answers' payloads, each due `seconds` after the one before."""
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
                raise FrameError(f"{self.board}: in the answer to {command.name}, {error}") from error
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
            due = f"{command.name} within {deadline.span:g} s"
            raise DeadlineError(f"{self.board}: no answer to {due}; {self.transport.advice.mute}") from error
        except LinkError as error:
            raise LinkError(f"{self.board}: {error}; {self.transport.advice.lost}") from error

    def _write(self, data: bytes, deadline: Deadline) -> None:
        try:
            self.transport.write(data, deadline)
        except DeadlineError as error:
            raise DeadlineError(f"{self.board}: {error}; {self.transport.advice.mute}") from error
        except LinkError as error:
            raise LinkError(f"{self.board}: {error}; {self.transport.advice.lost}") from error

    def _refusal(self, command: Command, payload: bytes) -> AgentError:
        code, text = 0, "no reason given"
        if payload:
            code, text = wire.ERROR.read(payload)["code"], payload[wire.ERROR.size :].decode(errors="replace")
        return AgentError(f"{self.board}: the agent refused {command.name}: {text}", code)

    def _put(self, data: bytes, chunk: int, advance: Callable[[int], None]) -> int:
        begin = wire.PUT_BEGIN.pack(len(data), zlib.crc32(data))
        offset = OFFSET.read(self._once(Command.PUT_BEGIN, begin, OFFSET.size))["offset"]
        while offset < len(data):
            advance(offset)
            piece = OFFSET.pack(offset) + data[offset : offset + chunk]
            reached = OFFSET.read(self._once(Command.PUT_DATA, piece, OFFSET.size))["offset"]
            if not offset < reached <= len(data):
                raise ProtocolError(f"{self.board}: storing the pack went from byte {offset} to {reached}")
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
                raise ProtocolError(f"{self.board}: {len(payload)} bytes hold no samples")
            first, held, overhead = SAMPLES.read(payload).values()
            whole = len(payload) == SAMPLES.size + held * size
            if first != len(samples) or not 0 < held <= count - first or not whole:
                what = f"{len(payload)} bytes for {held} samples from {first}"
                raise ProtocolError(f"{self.board}: {command.name} gave {what}, after {len(samples)}")
            samples += [payload[at : at + size] for at in range(SAMPLES.size, len(payload), size)]
        return Timed(overhead, tuple(samples))
