"""Ask the agent from the host: one method for each command, each with one deadline.

A request is sent a second time only if its frame, or the frame of its answer, was damaged: the line is first
let become quiet. A measurement is never repeated because of its figures.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Self, TypeVar

from hil.errors import AgentError, DeadlineError, FrameError, ProtocolError, VersionError
from hil.protocol import definition as wire
from hil.protocol.definition import OFFSET, SAMPLES, VERSION, Command, Fault
from hil.protocol.exchange import Exchange
from hil.protocol.hello import Hello, read_hello
from hil.protocol.patience import ANSWER_SECONDS, Patience
from hil.protocol.put import Ask, Pages, Stored, put, read_pages
from hil.transports.deadline import Deadline
from hil.transports.transport import Transport

T = TypeVar("T")
LEAST_PAYLOAD = 64
"""Bytes of payload that every agent takes."""
NOTHING: frozenset[int] = frozenset()
HELLO_AGAIN_SECONDS = 0.25
"""Seconds after which an unanswered hello is sent again: the board may still be starting."""


@dataclass(frozen=True)
class Timed:
    """Raw samples of a measurement.

    Attributes:
        overhead: Ticks that reading the clock takes.
        samples: Bytes of each sample.
        seconds: Seconds from the request to the last sample, by the host's clock.
    """

    overhead: int
    samples: tuple[bytes, ...]
    seconds: float


class Agent:
    """A client of the agent at the other end of `transport`.

    Args:
        transport: Byte stream to the agent.
        board: Name of the board, for errors.
        patience: Seconds that an answer may take beyond its work.
    """

    def __init__(self, transport: Transport, board: str, patience: float = ANSWER_SECONDS) -> None:
        self.transport = transport
        self.board = board
        self.patience = Patience(patience)
        self._exchange = Exchange(transport, board)
        self._largest = LEAST_PAYLOAD  # payload of a frame, either way; the hello states more
        self._inputs = 0  # how many are loaded
        self._loaded: bytes | None = None  # what the agent holds of them, None if that is unknown

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
            ProtocolError: The answer is not a hello.
        """
        request, again = wire.HELLO_REQUEST.pack(VERSION), False
        self._exchange.synchronize(deadline)
        while True:
            once = deadline.at_most(HELLO_AGAIN_SECONDS)
            try:
                hello = read_hello(next(self._exchange.ask(Command.HELLO, request, once, again)))
                self._largest = hello.max_payload
                return hello
            except (DeadlineError, FrameError) as error:
                reason, again = error, True
            except ProtocolError as error:
                raise type(error)(f"{error.text}; upload the agent again", board=self.board) from error
            except AgentError as error:
                if error.code == Fault.VERSION:
                    raise VersionError(error.text, board=self.board) from error
                raise
            if isinstance(reason, FrameError):
                self._exchange.settle(deadline)
            if deadline.passed:
                silent = f"no hello from {self.transport.name} within {deadline.span:g} s"
                raise DeadlineError(f"{silent}; {self.transport.advice.mute}", board=self.board) from reason

    def pages(self) -> Pages:
        """Return the slots of the board's store, and the pages of its loaded pack."""
        with self._named():
            return self._within(0, 0, lambda deadline: read_pages(self._asking(deadline)))

    def put_pack(
        self, data: bytes, largest: int, advance: Callable[[int], None], loaded: Pages | None = None
    ) -> Stored:
        """Store a pack on the board; an interrupted transfer resumes where it stopped.

        Args:
            data: Bytes of the pack.
            largest: Largest payload of the agent in bytes, from its hello.
            advance: Called with the bytes that are stored so far. It may use the loaded pack if that stays.
            loaded: Pages of the loaded pack: what is the same is not sent. Without them everything is sent.

        Raises:
            AgentError: The agent refused the pack; the text has its reason.
        """
        chunk = (largest - OFFSET.size) // 4 * 4
        page, same = (loaded.page, loaded.same(data)) if loaded else (chunk, NOTHING)
        try:
            return self._put(data, chunk, page, same, advance)
        except AgentError as error:
            if error.code != Fault.BAD_PACK or not same:
                raise
        return self._put(data, chunk, page, NOTHING, advance)  # pages that differ had the same sum

    def select(self, subnet: int) -> None:
        """Select the subnet that `infer` runs."""
        self._ask(Command.SELECT, wire.SELECT.pack(subnet), 0)

    def inputs(self, count: int, data: bytes) -> None:
        """Load `count` inputs for `infer` and all measurements; sample i runs input i % count.

        They are sent in pieces that fit the largest payload of the hello, each of which is a round trip.
        Inputs that the agent holds already are not sent again.
        """
        if data == self._loaded:
            self._inputs = count
            return
        self._loaded = None
        piece = self._largest - OFFSET.size
        for offset in range(0, len(data), piece):
            self._ask(Command.INPUTS, OFFSET.pack(offset) + data[offset : offset + piece], 0)
        self._inputs, self._loaded = count, data

    def infer(self, size: int, work: float) -> bytes:
        """Run the selected subnet on the loaded inputs and return its outputs, `size` bytes in order.

        `work` is the seconds that the inferences may take.
        """
        return self._ask(Command.INFER, wire.INFER.pack(self._inputs), size, work)

    def measure(self, subnet: int, clock: int, count: int, work: float) -> Timed:
        """Time single inferences on the board.

        Args:
            subnet: Index of the subnet.
            clock: Index of the clock.
            count: Number of samples, each a MEASURE_SAMPLE.
            work: Seconds that the inferences may take.
        """
        request = wire.MEASURE.pack(subnet, clock, 0, count, self._inputs)
        return self._time(Command.MEASURE, request, count, wire.MEASURE_SAMPLE.size, work)

    def measure_switch(
        self, pair: tuple[int, int], clock: int, count: int, output: int, work: float
    ) -> Timed:
        """Time switches and the first inference after each.

        Args:
            pair: Indices of the subnets before and after the switch.
            clock: Index of the clock.
            count: Number of samples, each a SWITCH_SAMPLE and an output.
            output: Bytes of one output of the subnet after the switch.
            work: Seconds that the inferences may take.
        """
        request = wire.SWITCH.pack(*pair, clock, 0, count, self._inputs)
        return self._time(Command.SWITCH, request, count, wire.SWITCH_SAMPLE.size + output, work)

    def profile(self, subnet: int, clock: int, count: int, layers: int, work: float) -> Timed:
        """Time every layer of single inferences on the board.

        Args:
            subnet: Index of the subnet.
            clock: Index of the clock.
            count: Number of samples, each a LAYER_SAMPLE for every layer.
            layers: Number of layers of the pack.
            work: Seconds that the inferences may take.
        """
        request = wire.MEASURE.pack(subnet, clock, 0, count, self._inputs)
        return self._time(Command.PROFILE, request, count, layers * wire.LAYER_SAMPLE.size, work)

    def memory(self, subnet: int, work: float) -> tuple[int, int]:
        """Return the bytes of stack of the deepest inference on the loaded inputs, and of the runtime.

        Raises:
            AgentError: The board cannot tell; the code is `Fault.UNABLE`.
        """
        request = wire.MEMORY.pack(subnet, self._inputs)
        told = wire.MEMORY_ANSWER.read(self._ask(Command.MEMORY, request, wire.MEMORY_ANSWER.size, work))
        return int(told["stack"]), int(told["state"])

    def govern(self, request: bytes) -> None:
        """Begin a governor by a GOVERN and its COSTs.

        Raises:
            AgentError: The governor refuses them; the code is `Fault.BAD_RULES` and the text its sentence.
        """
        self._ask(Command.GOVERN, request, 0)

    def decide(self, request: bytes, outputs: Sequence[int], work: float) -> bytes:
        """Let the governor choose and run a job by a DECIDE, and return its DECISION with the output.

        Args:
            request: The DECIDE; its input is one of those loaded.
            outputs: Bytes of an output of each subnet.
            work: Seconds that the job may take.
        """
        size = wire.DECISION.size + max(outputs)

        def once(deadline: Deadline) -> bytes:
            answers = self._exchange.ask(Command.DECIDE, request, deadline)
            answer = next(answers)
            if not wire.DECISION.size <= len(answer) <= min(size, self._largest):
                raise self._broken(f"the answer to DECIDE has {len(answer)} bytes, not {size}")
            subnet = wire.DECISION.read(answer)["subnet"]
            left = outputs[subnet] + wire.DECISION.size - len(answer) if subnet < len(outputs) else 0
            more = self._pieces(Command.DECIDE, answers, left) if len(answer) == self._largest else b""
            return answer + more

        return self._within(work, len(request) + size, once)

    def reset(self) -> None:
        """Reset the agent to its state after power-on; it checks and loads a stored pack again."""
        self._loaded = None
        self._ask(Command.RESET, b"", 0)

    @contextmanager
    def _granted(self, work: float, size: int) -> Iterator[Deadline]:
        """Give a request its deadline. Raises `DeadlineError` if the answers before it were too late."""
        if self.patience.over:
            late = f"its answers were late by {self.patience.total:g} s, all together"
            raise DeadlineError(f"{late}; {self.transport.advice.mute}", board=self.board)
        with self.patience.granted(work, size) as deadline:
            yield deadline

    def _within(self, work: float, size: int, do: Callable[[Deadline], T]) -> T:
        """Do something within one deadline, and once more if a frame was damaged in either direction."""
        with self._granted(work, size) as deadline:
            try:
                return do(deadline)
            except FrameError:
                if not self._exchange.settle(deadline.at_most(self.patience.seconds)):
                    raise
                return do(deadline)

    def _ask(self, command: Command, payload: bytes, size: int, work: float = 0) -> bytes:
        carried = len(payload) + size
        return self._within(work, carried, lambda deadline: self._once(command, payload, size, deadline))

    def _time(self, command: Command, request: bytes, count: int, size: int, work: float) -> Timed:
        carried = count * size
        return self._within(
            work, carried, lambda deadline: self._timed(command, request, count, size, deadline)
        )

    def _once(self, command: Command, payload: bytes, size: int, deadline: Deadline) -> bytes:
        answers = self._exchange.ask(command, payload, deadline)
        return self._pieces(command, answers, size) if size else self._piece(command, answers, 0)

    def _pieces(self, command: Command, answers: Iterator[bytes], size: int) -> bytes:
        """Return so many bytes of an answer whose frames are full, but for the last."""
        pieces = []
        for left in range(size, 0, -self._largest):
            pieces.append(self._piece(command, answers, min(left, self._largest)))
        return b"".join(pieces)

    def _piece(self, command: Command, answers: Iterator[bytes], size: int) -> bytes:
        piece = next(answers)
        if len(piece) != size:
            raise self._broken(f"an answer to {command.name} has {len(piece)} bytes, not {size}")
        return piece

    def _put(
        self, data: bytes, chunk: int, page: int, same: frozenset[int], advance: Callable[[int], None]
    ) -> Stored:
        """Store a pack, and begin once more where it stopped if a frame was damaged.

        Each request has a deadline of its own: what `advance` does between them takes none of their time.
        """

        def ask(command: Command, payload: bytes) -> bytes:
            with self._granted(0, len(payload)) as deadline:
                return next(self._exchange.ask(command, payload, deadline))

        self._loaded = None
        try:
            with self._named():
                try:
                    return put(ask, data, chunk, page, same, advance)
                except FrameError:
                    with self._granted(0, 0) as deadline:
                        if not self._exchange.settle(deadline):
                            raise
                    return put(ask, data, chunk, page, same, advance)
        finally:
            self._loaded = None  # `advance` may have loaded inputs of the pack before

    def _asking(self, deadline: Deadline) -> Ask:
        return lambda command, payload: next(self._exchange.ask(command, payload, deadline))

    @contextmanager
    def _named(self) -> Iterator[None]:
        """Name the board in errors of answers that do not follow the protocol."""
        try:
            yield
        except ProtocolError as error:
            raise error if error.board else self._broken(error.text) from error

    def _timed(self, command: Command, request: bytes, count: int, size: int, deadline: Deadline) -> Timed:
        samples: list[bytes] = []
        overheads: set[int] = set()
        room, cut = self._largest - SAMPLES.size, b""  # bytes of a frame; the parts of a sample so far
        begun = time.monotonic()
        answers = self._exchange.ask(command, request, deadline)
        while len(samples) < count:
            payload = next(answers)
            if len(payload) < SAMPLES.size:
                short = f"an answer to {command.name} has {len(payload)} bytes"
                raise self._broken(f"{short}, fewer than {SAMPLES.size}")
            first, held, overhead = SAMPLES.read(payload).values()
            part = held * size if size <= room else min(size - len(cut), room)
            whole = len(payload) == SAMPLES.size + part and (size <= room or held == 1)
            if first != len(samples) or not 0 < held <= count - first or not whole:
                odd = f"{command.name} sent {held} samples from number {first} in {len(payload)} bytes"
                raise self._broken(f"{odd}, but number {len(samples)} is next")
            cut += payload[SAMPLES.size :]
            if len(cut) >= size:
                samples += [cut[at : at + size] for at in range(0, len(cut), size)]
                cut = b""
            overheads.add(overhead)
        if len(overheads) > 1:
            raise self._broken(f"{command.name} names {len(overheads)} overheads of one clock")
        return Timed(overheads.pop(), tuple(samples), time.monotonic() - begun)

    def _broken(self, observed: str) -> ProtocolError:
        return ProtocolError(f"{observed}; upload the agent again", board=self.board)
