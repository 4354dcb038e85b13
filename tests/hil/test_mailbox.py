"""Bytes reach the emulated Nano's agent through shared memory: whole, in order, under a deadline."""

import os
import pty
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hil.emulators import cortex_m4
from hil.emulators.mailbox import AT, SIZE, MailboxTransport
from hil.errors import DeadlineError, LinkError
from hil.firmware import build
from hil.protocol.agent import Agent
from hil.transports.deadline import Deadline
from hil.transports.transport import Advice
from reds import pack
from reds.pack import interpreter
from tests.support.nets import dnn_s, inputs

ADVICE = Advice("run again", "run again")


class Board:
    """The board's end of a mailbox, which reads when it is told to."""

    def __init__(self, folder: Path) -> None:
        self.memory = folder / "memory"
        self.memory.write_bytes(bytes(1 << 17))
        self._uart, self._slave = pty.openpty()
        self.transport = MailboxTransport(os.ttyname(self._slave), self.memory, ADVICE)

    def take(self, most: int = SIZE) -> bytes:
        """Read as targets/nano33ble/src/emulated/port.c does."""
        with self.memory.open("r+b", buffering=0) as memory:
            memory.seek(AT)
            written, read = struct.unpack("<II", memory.read(8))
            count = min((written - read) % (1 << 32), most)
            memory.seek(AT + 8)
            ring = memory.read(SIZE)
            memory.seek(AT + 4)
            memory.write(struct.pack("<I", (read + count) % (1 << 32)))
        return bytes(ring[(read + i) % SIZE] for i in range(count))

    def start_at(self, counter: int) -> None:
        """Set both counters, as if so many bytes had gone through."""
        with self.memory.open("r+b", buffering=0) as memory:
            memory.seek(AT)
            memory.write(struct.pack("<II", counter, counter))

    def close(self) -> None:
        self.transport.close()
        os.close(self._uart)
        os.close(self._slave)


@pytest.fixture
def board(tmp_path: Path) -> Iterator[Board]:
    board = Board(tmp_path)
    yield board
    board.close()


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Board]:
    board = Board(tmp_path_factory.mktemp("mailbox"))
    yield board
    board.close()


@given(
    start=st.integers(0, (1 << 32) - 1) | st.integers((1 << 32) - SIZE, (1 << 32) - 1),
    pieces=st.lists(st.tuples(st.binary(max_size=300), st.integers(0, 400)), max_size=8),
)
def test_bytes_arrive_whole_and_in_order(shared: Board, start: int, pieces: list[tuple[bytes, int]]) -> None:
    shared.start_at(start)
    got = b""
    for sent, taken in pieces:
        shared.transport.write(sent, Deadline.after(10))
        got += shared.take(taken)
    assert got + shared.take() == b"".join(sent for sent, _ in pieces)


def test_a_full_ring_is_a_deadline_error_and_loses_nothing_that_was_taken(board: Board) -> None:
    data = os.urandom(SIZE + 1)
    with pytest.raises(DeadlineError):
        board.transport.write(data, Deadline.after(0.05))
    assert board.take() == data[:SIZE]


def test_a_closed_mailbox_is_lost(board: Board) -> None:
    board.transport.close()
    board.transport.close()
    with pytest.raises(LinkError):
        board.transport.write(b"x", Deadline.after(1))


@pytest.mark.cross("arm-none-eabi-gcc")
@pytest.mark.qemu("qemu-system-arm")
def test_the_emulated_board_takes_more_bytes_than_its_ring_holds_and_a_second_host() -> None:
    model = dnn_s()
    x = inputs(model, 28_000 // model.input_size)
    with cortex_m4.start(build.agent(build.EMULATED)) as emulator:
        for _ in range(2):
            with Agent(emulator.open(ADVICE), "nano") as agent:
                hello = agent.hello(Deadline.after(10))
                agent.put_pack(pack.dumps(model), hello.max_payload, lambda done: None)
                for _ in range(2):
                    agent.inputs(len(x), x.tobytes())
                assert (
                    agent.infer(len(x) * model.output_size(0), 60) == interpreter.run(model, 0, x).tobytes()
                )
