"""An emulated Nano whose power is cut: in a flash operation, or between two bytes of a frame."""

import mmap
import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from types import TracebackType

import numpy as np

from hil.boards.targets.nano33ble import EMULATED_SECONDS
from hil.emulators.cortex_m4 import Emulator
from hil.emulators.qmp import Monitor
from hil.errors import DeadlineError
from hil.firmware import build
from hil.protocol import definition as wire
from hil.protocol.agent import Agent
from hil.protocol.definition import OFFSET, Command
from hil.protocol.frame import Frame, encode
from hil.protocol.put import Pages, put
from hil.transports.deadline import Deadline
from hil.transports.serial import HARDWARE_ADVICE
from reds.pack import interpreter
from reds.pack.model import Model
from tests.support.nets import inputs

CUT_IN, CUT_LEAVES = 0x10, 0x14
"""Bytes of the shared memory, as in targets/nano33ble/src/emulated/shared.h."""
CUT_DONE = 0xFFFFFFFF
NEVER = 1 << 30
SECONDS = 60.0
PAGE, SLOT = 4096, 0x60000 // 2 - 20
_CHUNK = 4092
_WORD = struct.Struct("<I")


class CutNano(Emulator):
    """An emulated Nano with a monitor, which resets it: the flash stays, the RAM is lost."""

    def __init__(self) -> None:
        self._monitor = Monitor()
        super().__init__(build.agent(build.EMULATED))
        self._monitor.greet(Deadline.after(SECONDS))
        self.transport = self.open(HARDWARE_ADVICE)
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

    def agent(self) -> Agent:
        """Return a client of its agent, once it answers."""
        agent = Agent(self.transport, "nano", EMULATED_SECONDS)
        agent.hello(Deadline.after(SECONDS))
        return agent

    def cut_in_operation(self, update: bytes, operation: int, leaves: int) -> None:
        """Send an update, and cut the power in an operation of the flash, counted from 1.

        `leaves` says what is left of it: 0 nothing, 1 all of it, else any bits by this seed.
        """
        self._arm(operation, leaves)
        self.transport.write(update, Deadline.after(SECONDS))
        deadline = Deadline.after(SECONDS)
        while self._get(CUT_IN) != CUT_DONE:
            self._answered(deadline)
        self._arm(0, 0)

    def operations(self, update: bytes) -> int:
        """Do an update, and return how many operations of the flash it takes."""
        self._arm(NEVER, 0)
        self._serve(update)
        done = NEVER - self._get(CUT_IN)
        self._arm(0, 0)
        return done

    def cut_after_bytes(self, update: bytes, size: int) -> None:
        """Send so many bytes of an update, wait for the answers to their frames, and cut the power."""
        self._serve(update[:size])
        self._monitor.ask("system_reset", Deadline.after(SECONDS))

    def _serve(self, stream: bytes) -> None:
        self.transport.write(stream, Deadline.after(SECONDS))
        missing, deadline = stream.count(0), Deadline.after(SECONDS)
        while missing > 0:
            missing -= self._answered(deadline)

    def _answered(self, deadline: Deadline) -> int:
        """Return how many answers end within a moment."""
        try:
            return self.transport.read(deadline.at_most(0.002)).count(0)
        except DeadlineError:
            if deadline.passed:
                raise
            return 0

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


@dataclass(frozen=True)
class Answer:
    """A pack, and what a board says that has it."""

    model: Model
    data: bytes

    def is_of(self, agent: Agent) -> bool:
        """Return whether the board has this pack, and computes what the interpreter does."""
        if agent.hello(Deadline.after(SECONDS)).pack != (len(self.data), zlib.crc32(self.data)):
            return False
        x = inputs(self.model, 2)
        agent.inputs(len(x), x.tobytes())
        for subnet in range(len(self.model.subnets)):
            agent.select(subnet)
            expected = interpreter.run(self.model, subnet, x).tobytes()
            if agent.infer(len(expected), 1.0) != expected:
                return False
        return True


def with_new_head(model: Model, seed: int) -> Model:
    """Return a model whose last layer has other weights and tables, as after a training of it alone."""
    rng, last = np.random.default_rng(seed), model.layers[-1]
    weights = rng.integers(-127, 128, last.weights.shape).astype(np.int8)
    layers = (*model.layers[:-1], replace(last, weights=weights))
    subnets = []
    for subnet in model.subnets:
        step = subnet.steps[-1]
        bias = rng.integers(-(1 << 12), 1 << 12, step.bias.shape).astype(np.int32)
        steps = (*subnet.steps[:-1], replace(step, bias=bias))
        subnets.append(replace(subnet, steps=steps, output_scale=subnet.output_scale * 1.5))
    return replace(model, layers=layers, subnets=tuple(subnets))
