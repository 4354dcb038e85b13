"""What every board can do, whatever carries its link and wherever it runs.

A target's module opens boards as `registry.Target` describes; the rest is here, once.
"""

import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from hil.boards.capacity import best_layout, check_capacity
from hil.boards.conditioning import Conditioner
from hil.boards.entry import Entry
from hil.boards.facts import BoardFacts, Provenance
from hil.errors import InputsRefused, PackRefused, ProtocolError, SetupError
from hil.protocol.agent import Agent
from hil.protocol.definition import MEASURE_SAMPLE, SWITCH_SAMPLE
from hil.protocol.hello import Clock, Hello
from hil.results.conditions import Conditions
from hil.results.samples import Samples, less_overhead
from reds.pack.interpreter import clamp_input
from reds.pack.layouts import Layout
from reds.pack.model import Model

START_SECONDS = 5.0
"""What an agent that was just started may take to its first hello."""
_SECONDS_PER_MAC = 2e-6
"""Ten times what the slowest board takes; sets deadlines, judges nothing."""

Outputs = NDArray[np.int8]
Advance = Callable[[int], None]


def ignore(done: int) -> None:
    """Progress that nobody looks at."""


@dataclass(frozen=True)
class SwitchSamples:
    """A switch, n times: the select itself, the first inference after it, and its outputs [n, output].

    `rows` [n] says which of the inputs each of these inferences ran on.
    """

    select: Samples
    first: Samples
    outputs: Outputs
    rows: NDArray[np.intp]


def check_kind(entry: Entry, hello: Hello, where: str) -> None:
    """Raises `SetupError` unless the agent at `where` says it runs on a board of this target."""
    if hello.board != entry.target:
        says = f"{where} says it runs on a {hello.board!r}"
        raise SetupError(f"{entry.name}: {says}, not a {entry.target}; name the port or agent of one")


class Board:
    """One device under test. Subnets are named by their index, smallest first."""

    def __init__(
        self,
        entry: Entry,
        provenance: Provenance,
        agent: Agent,
        hello: Hello,
        conditioner: Conditioner | None = None,
    ) -> None:
        self.name = entry.name
        check_kind(entry, hello, agent.transport.name)
        if hello.emulated != (provenance is Provenance.EMULATED):
            says = Provenance.EMULATED if hello.emulated else Provenance.HARDWARE
            raise SetupError(f"{self.name}: opened as {provenance}, but its agent says it is {says}")
        self._facts = BoardFacts(entry.name, entry.target, provenance, hello.board, hello.build, hello.clocks)
        self._agent = agent
        self._hello = hello
        self._model: Model | None = None
        self.selected = 0
        """Index of the subnet that runs."""
        self._conditioner = conditioner

    def facts(self) -> BoardFacts:
        """Name, target, provenance, clocks."""
        return self._facts

    def conditions(self) -> Conditions | None:
        """What its latencies depend on, as it is now; None where the board cannot say."""
        return self._conditioner.conditions() if self._conditioner else None

    def settle(self) -> None:
        """Wait until the board is as its entry asks, for a figure to be taken. Raises `UnfitError`."""
        if self._conditioner:
            self._conditioner.settle()

    def layout(self, model: Model) -> Layout:
        """The layout that `deploy` gives a model. Raises `PackRefused` if the agent has none for it."""
        return best_layout(self.name, model, self._hello.layouts)

    def deploy(self, model: Model, advance: Advance = ignore) -> None:
        """Put the pack on the board in the best layout its agent has, unless it is there already.

        `advance` is told the bytes stored so far. Raises `PackRefused` before anything is sent if the
        pack does not fit, `AgentError` if the agent refuses it.
        """
        layout = self.layout(model)
        room = self._hello.capacity, self._hello.arena
        data = check_capacity(self.name, model, layout, *room)
        stamp = len(data), zlib.crc32(data)
        if self._hello.pack != stamp:
            stored = self._agent.put_pack(data, self._hello.max_payload, advance)
            if stored != len(model.subnets):
                counts = f"{len(model.subnets)} subnets of {model.name} were sent, its agent counts {stored}"
                raise ProtocolError(f"{self.name}: {counts}; upload the agent again")
            self._hello = replace(self._hello, pack=stamp)
        self._model, self.selected = model, 0

    def select(self, subnet: int) -> None:
        """Switch to a subnet."""
        self._agent.select(subnet)
        self.selected = subnet

    def infer(self, x: NDArray[np.int8]) -> Outputs:
        """Outputs int8 [N, output] of the selected subnet on x, int8 [N, input] in [-127, 127].

        Raises `InputsRefused` if x is not what the pack takes.
        """
        return self.infer_each([self.selected], x)[0]

    def infer_each(
        self, subnets: Sequence[int], x: NDArray[np.int8], advance: Advance = ignore
    ) -> list[Outputs]:
        """`infer` for each of `subnets` on the same inputs; `advance` is told the inputs done so far.

        Inputs travel once for all subnets: on a serial line they take longer than the network does.
        """
        model = self._checked(x)
        parts: list[list[Outputs]] = [[] for _ in subnets]
        done = 0
        for batch in self._batches(model, x):
            self._load(batch)
            for part, subnet in zip(parts, subnets, strict=True):
                self.select(subnet)
                shape = (len(batch), model.output_size(subnet))
                raw = self._agent.infer(shape[0] * shape[1], self._seconds([subnet], len(batch)))
                part.append(np.frombuffer(raw, np.int8).reshape(shape))
            done += len(batch)
            advance(done)
        return [np.concatenate(part) for part in parts]

    def measure(self, subnet: int, n: int, clock: Clock, x: NDArray[np.int8]) -> Samples:
        """`n` inferences timed on the board; sample i runs x[i % M], x int8 [M, input], as many as fit."""
        model = self._checked(x)
        self._load(x[: self._held(model)])
        timed = self._agent.measure(subnet, clock.index, n, self._seconds([subnet], n))
        ticks = [int(MEASURE_SAMPLE.read(sample)["ticks"]) for sample in timed.samples]
        return self._samples(clock, less_overhead(ticks, timed.overhead))

    def measure_switch(
        self, pair: tuple[int, int], n: int, clock: Clock, x: NDArray[np.int8]
    ) -> SwitchSamples:
        """`n` switches from pair[0] to pair[1], each with its first inference; inputs as in `measure`."""
        model = self._checked(x)
        batch = x[: self._held(model)]
        self._load(batch)
        output, seconds = model.output_size(pair[1]), self._seconds(pair, n)
        timed = self._agent.measure_switch(pair, clock.index, n, output, seconds)
        ticks = [SWITCH_SAMPLE.read(sample) for sample in timed.samples]
        select, first = ([row[name] for row in ticks] for name in ("select", "first"))
        outputs = np.frombuffer(b"".join(s[SWITCH_SAMPLE.size :] for s in timed.samples), np.int8)
        return SwitchSamples(
            self._samples(clock, less_overhead(select, timed.overhead)),
            self._samples(clock, less_overhead(first, timed.overhead)),
            outputs.reshape(n, output),
            np.arange(n) % len(batch),
        )

    def reset(self) -> None:
        """Put the agent back to where it is after power-on."""
        self._agent.reset()

    def _samples(self, clock: Clock, ticks: tuple[int, ...]) -> Samples:
        return Samples(clock, ticks, self._facts.provenance)

    def _checked(self, x: NDArray[np.int8]) -> Model:
        if self._model is None:
            raise PackRefused(f"{self.name}: no pack is deployed")
        model = self._model
        if x.dtype != np.int8 or x.ndim != 2 or not len(x) or x.shape[1] != model.input_size:
            takes = f"{model.name} takes int8 [N, {model.input_size}]"
            raise InputsRefused(f"{self.name}: {takes}, got {x.dtype} {list(x.shape)}")
        return model

    def _batches(self, model: Model, x: NDArray[np.int8]) -> Iterator[NDArray[np.int8]]:
        """As many inputs at a time as the board holds, and as have outputs that fit a frame."""
        largest = max(model.output_size(s) for s in range(len(model.subnets)))
        size = min(self._held(model), self._hello.max_payload // largest)
        if size < 1:
            room = f"{self._hello.max_payload:,} bytes of its agent's frames"
            raise PackRefused(f"{self.name}: an output of {model.name} takes more than the {room}")
        for at in range(0, len(x), size):
            yield x[at : at + size]

    def _held(self, model: Model) -> int:
        """Inputs that the board holds."""
        held = self._hello.input_bytes // model.input_size
        if held < 1:
            room = f"{self._hello.input_bytes:,} bytes of its agent"
            raise PackRefused(f"{self.name}: an input of {model.name} takes more than the {room}")
        return held

    def _load(self, batch: NDArray[np.int8]) -> None:
        self._agent.inputs(len(batch), clamp_input(batch).tobytes())

    def _seconds(self, subnets: Sequence[int], n: int) -> float:
        assert self._model is not None
        return START_SECONDS + n * sum(self._model.subnets[s].macs for s in subnets) * _SECONDS_PER_MAC
