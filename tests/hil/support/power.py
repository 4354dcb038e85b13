"""An emulated Nano whose power is cut: in a flash operation, or between two bytes of a frame."""

import mmap
import struct
import zlib
from collections.abc import Sequence
from dataclasses import replace
from types import TracebackType

import numpy as np

from hil.boards.governing import MAINS, NO_DEADLINE
from hil.emulators.cortex_m4 import Emulator
from hil.emulators.qmp import Monitor
from hil.errors import DeadlineError
from hil.firmware import build
from hil.protocol import definition as wire
from hil.protocol.definition import ANSWER, OFFSET, Command, Policy
from hil.protocol.frame import Frame, Reader, encode
from hil.protocol.put import Pages, put
from hil.transports.deadline import Deadline
from hil.transports.serial import HARDWARE_ADVICE
from reds.pack import dumps, interpreter
from reds.pack.model import Model
from tests.support.nets import inputs

CUT_IN, CUT_LEAVES = 0x10, 0x14
"""Bytes of the shared memory, as in targets/nano33ble/src/emulated/shared.h."""
CUT_DONE = 0xFFFFFFFF
NEVER = 1 << 30
SECONDS = 60.0
PAGE, SLOT = 512, 0x60000 // 2 - 20
_CHUNK = 4092
_WORD = struct.Struct("<I")


class CutNano(Emulator):
    """An emulated Nano with a monitor, which resets it: the flash stays, the RAM is lost."""

    def __init__(self) -> None:
        self._monitor = Monitor()
        super().__init__(build.agent(build.EMULATED))
        self._monitor.greet(Deadline.after(SECONDS))
        self.transport = self.open(HARDWARE_ADVICE)
        self._reader = Reader()
        with (self.folder / "memory").open("r+b") as file:
            self._memory = mmap.mmap(file.fileno(), 4096)

    def launch(self, arguments: Sequence[str], files: Sequence[int] = ()) -> None:
        """Start QEMU with the monitor."""
        super().launch([*arguments, *self._monitor.arguments], [*files, self._monitor.theirs])

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.transport.close()
        self._memory.close()
        super().__exit__(kind, error, trace)
        self._monitor.close()

    def cut_in_operation(self, update: bytes, operation: int, leaves: int) -> None:
        """Send an update, and cut the power in an operation of the flash, counted from 1.

        `leaves` says what is left of it: 0 nothing, 1 all of it, else any bits by this seed.
        """
        self._arm(operation, leaves)
        self.transport.write(update, Deadline.after(SECONDS))
        deadline = Deadline.after(SECONDS)
        while self._get(CUT_IN) != CUT_DONE:
            self._answers(deadline)
        self._arm(0, 0)

    def operations(self, update: bytes) -> int:
        """Do an update, and return how many operations of the flash it takes."""
        self._arm(NEVER, 0)
        self.ask(update)
        done = NEVER - self._get(CUT_IN)
        self._arm(0, 0)
        return done

    def cut_after_bytes(self, update: bytes, size: int) -> None:
        """Send so many bytes of an update, wait for the answers to their frames, and cut the power."""
        self.ask(update[:size])
        self._monitor.ask("system_reset", Deadline.after(SECONDS))

    def ask(self, stream: bytes, sequence: int = 1) -> list[Frame]:
        """Send frames of a sequence number, and return the answers to them, not those to frames before."""
        self.transport.write(stream, Deadline.after(SECONDS))
        asked = sum(map(bool, stream.split(b"\0")[:-1]))
        found, deadline = list[Frame](), Deadline.after(SECONDS)
        while len(found) < asked:
            found += [frame for frame in self._answers(deadline) if frame.sequence == sequence]
        return found

    def _answers(self, deadline: Deadline) -> list[Frame]:
        """Return the answers that end within a moment."""
        try:
            self._reader.feed(self.transport.read(deadline.at_most(0.002)))
        except DeadlineError:
            if deadline.passed:
                raise
        return list(iter(self._reader.next, None))

    def _arm(self, operation: int, leaves: int) -> None:
        _WORD.pack_into(self._memory, CUT_LEAVES, leaves)
        _WORD.pack_into(self._memory, CUT_IN, operation)

    def _get(self, at: int) -> int:
        return int(_WORD.unpack_from(self._memory, at)[0])


def update_of(data: bytes, loaded: bytes) -> bytes:
    """Return the frames by which a host stores a pack over a loaded one."""
    frames: list[bytes] = []

    def ask(command: Command, payload: bytes) -> bytes:
        frames.append(encode(Frame(command, 1, payload)))
        if command == Command.PUT_END:
            return wire.PUT_END_ANSWER.pack(0)
        if command == Command.PUT_BEGIN:
            return OFFSET.pack(0)
        if command == Command.PUT_COPY:
            return OFFSET.pack(sum(wire.PUT_COPY.read(payload).values()))
        return OFFSET.pack(OFFSET.read(payload)["offset"] + len(payload) - OFFSET.size)

    pages = range(0, len(loaded), PAGE)
    before = Pages(SLOT, PAGE, len(loaded), tuple(zlib.adler32(loaded[at : at + PAGE]) for at in pages))
    put(ask, data, _CHUNK, PAGE, before.same(data), lambda done: None)
    return b"".join(frames)


def governed(update: bytes, model: Model) -> bytes:
    """Return the frames of an update, between which a governor runs the loaded model."""
    rules = wire.GOVERN.pack(Policy.FIXED, 0, 0, 1, 0, 1, 0, 1, 64_000_000, 0, 0, 0, 0)
    costs = b"".join(wire.COST.pack(us, 0) for us in range(1, len(model.subnets) + 1))
    begin = encode(Frame(Command.INPUTS, 1, OFFSET.pack(0) + inputs(model, 1).tobytes()))
    begin += encode(Frame(Command.GOVERN, 1, rules + costs))
    decide = encode(Frame(Command.DECIDE, 1, wire.DECIDE.pack(MAINS, 0, NO_DEADLINE, 0, 0, 20, 0)))
    return begin + b"".join(decide + raw + b"\0" for raw in update.split(b"\0")[:-1]) + decide


def question(model: Model) -> bytes:
    """Return frames of the sequence number 2 that ask which pack is loaded, and for its outputs.

    A zero byte comes first: a part of a frame from before the cut may still be on the line.
    """
    x = inputs(model, 2).tobytes()
    requests = [(Command.HELLO, wire.HELLO_REQUEST.pack(wire.VERSION)), (Command.INPUTS, OFFSET.pack(0) + x)]
    for subnet in range(len(model.subnets)):
        requests += [(Command.SELECT, wire.SELECT.pack(subnet)), (Command.INFER, wire.INFER.pack(2))]
    return b"\0" + b"".join(encode(Frame(command, 2, payload)) for command, payload in requests)


def are_of(model: Model, answers: Sequence[Frame]) -> bool:
    """Return whether these are the answers of a board that has the model."""
    data, x = dumps(model), inputs(model, 2)
    hello = wire.HELLO.read(answers[0].payload)
    outputs = [frame.payload for frame in answers if frame.command == Command.INFER | ANSWER]
    expected = [interpreter.run(model, subnet, x).tobytes() for subnet in range(len(model.subnets))]
    return (hello["pack_size"], hello["pack_crc"]) == (len(data), zlib.crc32(data)) and outputs == expected


def with_new_head(model: Model, seed: int) -> Model:
    """Return a model whose last layer has other weights and tables, as after a training of it alone."""
    rng, last = np.random.default_rng(seed), model.layers[-1]
    weights = rng.integers(-127, 128, last.weights.shape).astype(np.int8)
    layers = (*model.layers[:-1], replace(last, weights=weights))
    subnets = []
    for subnet in model.subnets:
        step = subnet.steps[-1]
        bias = rng.integers(-(1 << 12), 1 << 12, step.bias.shape).astype(np.int32)
        multiplier = rng.permutation(step.multiplier)
        steps = (*subnet.steps[:-1], replace(step, bias=bias, multiplier=multiplier, zero=step.zero + 1))
        subnets.append(replace(subnet, steps=steps, output_scale=subnet.output_scale * 1.5))
    return replace(model, layers=layers, subnets=tuple(subnets))
