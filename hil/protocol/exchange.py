"""Exchange requests and answers as frames over a transport, under a deadline.

An answer counts only if it has the sequence number of its request. Late answers are dropped.
"""

import random
from collections.abc import Iterator

from hil.errors import AgentError, DeadlineError, FrameError, LinkError
from hil.protocol import definition as wire
from hil.protocol.definition import ANSWER, Command, Fault
from hil.protocol.frame import Frame, Reader, encode
from hil.transports.deadline import Deadline
from hil.transports.transport import Transport
from reds.text import printable

QUIET_SECONDS = 0.25
"""Seconds without a byte after which noise is over."""


class Exchange:
    """One request at a time to the agent at the other end of `transport`. `board` is named in errors."""

    def __init__(self, transport: Transport, board: str) -> None:
        self.transport = transport
        self.board = board
        self._reader = Reader()
        self._sequence = random.randrange(255)  # so that late answers to an earlier host match no request

    def ask(
        self, command: Command, payload: bytes, deadline: Deadline, again: bool = False
    ) -> Iterator[bytes]:
        """Send a request, then yield the payload of each answer.

        Args:
            command: The command.
            payload: Payload of the request.
            deadline: When the last answer must have arrived.
            again: Repeat the request before this one, whose late answer then counts too.

        Raises:
            DeadlineError: An answer did not arrive in time, whatever else arrived.
            FrameError: A frame was damaged in either direction.
            AgentError: The agent refused the request.
        """
        if not again:
            self._sequence = self._sequence % 255 + 1  # 0 is the answer to a frame that cannot be read
        self._write(encode(Frame(command, self._sequence, payload)), deadline)
        while True:
            yield self._answer(command, deadline)

    def synchronize(self, deadline: Deadline) -> None:
        """End a partial frame that the agent may still hold."""
        self._write(b"\0", deadline)

    def settle(self, deadline: Deadline) -> bool:
        """Drop what arrives until the line is quiet, and end partial frames; False if the deadline passes."""
        try:
            self.synchronize(deadline)
            while True:
                self.transport.read(deadline.at_most(QUIET_SECONDS))
        except DeadlineError:
            self._reader = Reader()
            return not deadline.passed
        except LinkError as error:
            raise self._lost(error) from error

    def _answer(self, command: Command, deadline: Deadline) -> bytes:
        while True:
            try:
                frame = self._reader.next()
            except FrameError as error:
                raise FrameError(
                    f"in the answer to {command.name}, {error.text}; {self.transport.advice.lost}",
                    board=self.board,
                ) from error
            if frame is None:
                self._reader.feed(self._read(command, deadline))
            elif frame.command == Command.ERROR | ANSWER and frame.sequence in (0, self._sequence):
                raise self._refusal(command, frame.payload)
            elif frame.command == command | ANSWER and frame.sequence == self._sequence:
                return frame.payload

    def _refusal(self, command: Command, payload: bytes) -> AgentError | FrameError:
        code, text = 0, "no reason given"
        if payload:
            code = wire.ERROR.read(payload)["code"]
            text = printable(payload[wire.ERROR.size :].decode(errors="replace"))
        if code == Fault.BAD_FRAME:
            unread = f"the agent could not read {command.name}: {text}; {self.transport.advice.lost}"
            return FrameError(unread, board=self.board)
        return AgentError(f"the agent refused {command.name}: {text}", code=code, board=self.board)

    def _read(self, command: Command, deadline: Deadline) -> bytes:
        try:
            return self.transport.read(deadline)
        except DeadlineError as error:
            late = f"no answer to {command.name} within {deadline.span:g} s"
            raise DeadlineError(f"{late}; {self.transport.advice.mute}", board=self.board) from error
        except LinkError as error:
            raise self._lost(error) from error

    def _write(self, data: bytes, deadline: Deadline) -> None:
        try:
            self.transport.write(data, deadline)
        except DeadlineError as error:
            raise DeadlineError(f"{error.text}; {self.transport.advice.mute}", board=self.board) from error
        except LinkError as error:
            raise self._lost(error) from error

    def _lost(self, error: LinkError) -> LinkError:
        return LinkError(f"{error.text}; {self.transport.advice.lost}", board=self.board)
