"""Use a board: deploy a pack, run its subnets, measure them. The same for every transport and target.

A module of `targets/` opens boards as `registry.Target` describes.
"""

import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from hil.boards.capacity import best_layouts, check_capacity, inputs_that_fit
from hil.boards.checks import (
    Ticks,
    check_count,
    check_inputs,
    check_provenance,
    check_rate,
    check_subnets,
    check_target,
    check_timed,
    no_refusal,
    refused,
)
from hil.boards.conditioning import Conditioner
from hil.boards.entry import Entry
from hil.boards.facts import UNKNOWN, BoardFacts, Identity, Provenance
from hil.boards.governing import Cost, Rules
from hil.boards.governor import Governor, Job
from hil.errors import AgentError, NotMeasurable, ProtocolError
from hil.protocol.agent import Agent, Timed
from hil.protocol.definition import LAYER_SAMPLE, MEASURE_SAMPLE, SWITCH_SAMPLE, Fault
from hil.protocol.hello import Clock, Hello
from hil.protocol.put import Pages, Stored
from hil.results.conditions import Conditions
from hil.results.memory import Memory, check_memory
from hil.results.plausible import INFERENCES
from hil.results.samples import LayerSamples, Samples, SwitchSamples, less_overhead
from hil.transports.deadline import Deadline
from hil.transports.machine import Run
from hil.transports.transport import Transport
from reds.pack.interpreter import clamp_input
from reds.pack.layouts import Layout, plan
from reds.pack.model import Model

START_SECONDS = 5.0
"""Seconds that an agent may take from its start to its first hello."""
SECONDS_PER_MAC = 2e-6
"""Ten times what the slowest board takes; used for deadlines only."""

_BATCH_MACS = 50_000_000
"""MACs of a batch, which slow boards compute in about a second, so that progress is seen."""

Outputs = NDArray[np.int8]
Advance = Callable[[int], None]


def ignore(done: int) -> None:
    """Ignore the progress of work."""


class Board:
    """One device under test. Subnets are named by their index, smallest first.

    Args:
        entry: Its entry in boards.toml.
        provenance: Whether it is hardware or emulated.
        agent: Its agent.
        hello: The answer of the agent to a hello.
        conditioner: Controls and reads the conditions of the board, None if it has none.
        identity: Identity of this device among others of its target.

    Raises:
        SetupError: The agent reports another target or provenance.
        ProtocolError: The agent of a real board names no clock that counts time.
    """

    def __init__(
        self,
        entry: Entry,
        provenance: Provenance,
        agent: Agent,
        hello: Hello,
        conditioner: Conditioner | None = None,
        identity: Identity = UNKNOWN,
    ) -> None:
        self.name = entry.name
        check_target(entry, hello, agent.transport.name)
        check_provenance(entry.name, provenance, hello)
        self._facts = BoardFacts(
            entry.name, entry.target, provenance, hello.board, hello.build, hello.clocks, identity
        )
        self._agent = agent
        self._hello = hello
        self.known_layouts = hello.layouts
        """Ids of the layouts that its agent knows."""
        self._model: Model | None = None
        self.selected = 0
        """Index of the subnet that runs."""
        self._conditioner = conditioner

    def facts(self) -> BoardFacts:
        """Return name, target, provenance and clocks."""
        return self._facts

    def conditions(self) -> Conditions | None:
        """Return the present conditions that latencies depend on, or None if the board reports none."""
        return self._conditioner.conditions() if self._conditioner else None

    @property
    def stream(self) -> Transport:
        """Return the byte stream to the agent, for another program; after it, `reset` forgets all inputs."""
        return self._agent.transport

    @property
    def shell(self) -> Run | None:
        """Return a function that runs a POSIX shell script on the board, None if the board has no shell."""
        return self._conditioner.run if self._conditioner else None

    def settle(self) -> None:
        """Wait until the board is as its entry asks. Raises `UnfitError` if it does not get there."""
        if self._conditioner:
            self._conditioner.settle()

    @property
    def room(self) -> tuple[int, int]:
        """Return the bytes that the board has for packs, and for the arena."""
        return self._hello.capacity, self._hello.arena

    def layouts(self, model: Model) -> tuple[Layout, ...]:
        """Return the layout that `deploy` uses for each layer. Raises `PackRefused` if one has none."""
        return best_layouts(self.name, model, self.known_layouts)

    def keeps_loaded(self, model: Model) -> bool:
        """Return whether the loaded pack, if there is one, stays until `deploy` has stored this one wholly.

        Raises:
            PackRefused: The pack does not fit the board.
        """
        data, loaded = self._checked(model), self._agent.pages()
        return loaded.size == 0 or self._holds(data, loaded) or loaded.keep(len(data))

    def deploy(self, model: Model, advance: Advance = ignore) -> Stored:
        """Store the pack on the board in the best layouts of its agent, unless it is stored already.

        Where both packs fit the board, the loaded one stays until this one is whole; `advance` may use it.
        Pages that both have are not sent. A stored pack of which a bit has changed is stored again.

        Args:
            model: The network.
            advance: Called with the bytes that are stored so far.

        Raises:
            PackRefused: The pack does not fit the board; nothing was sent.
            AgentError: The agent refused the pack.
        """
        data, loaded = self._checked(model), self._agent.pages()
        stored = Stored(len(model.subnets), len(data), 0, 0)
        if not self._holds(data, loaded):
            self._hello = replace(self._hello, pack=(0, 0))
            if not loaded.keep(len(data)):
                self._model = None
            try:
                stored = self._agent.put_pack(data, self._hello.max_payload, advance, loaded)
                check_subnets(self.name, model, stored.subnets)
            except AgentError:  # the loaded pack still is, if it stays
                raise
            except BaseException:
                self._model = None  # which pack is loaded is not known
                raise
            self._hello = replace(self._hello, pack=(len(data), zlib.crc32(data)))
        self._model, self.selected = model, 0
        return stored

    def _checked(self, model: Model) -> bytes:
        return check_capacity(self.name, model, self.known_layouts, *self.room)

    def _holds(self, data: bytes, loaded: Pages) -> bool:
        """Return whether a pack is the loaded one, and still is what the agent checked at its start."""
        return self._hello.pack == (len(data), zlib.crc32(data)) and loaded.has(data)

    def select(self, subnet: int) -> None:
        """Select a subnet."""
        with no_refusal(self.name):
            self._agent.select(subnet)
        self.selected = subnet

    def infer(self, x: NDArray[np.int8]) -> Outputs:
        """Run the selected subnet on inputs.

        Args:
            x: int8 [N, input] in [-127, 127].

        Returns:
            The outputs, int8 [N, output].

        Raises:
            InputsRefused: x has another shape or type than the pack takes.
        """
        return self.infer_each([self.selected], x)[0]

    def infer_each(
        self, subnets: Sequence[int], x: NDArray[np.int8], advance: Advance = ignore
    ) -> list[Outputs]:
        """Run several subnets on the same inputs, which are sent once: sending them takes longest.

        Args:
            subnets: Indices of the subnets.
            x: int8 [N, input] in [-127, 127].
            advance: Called with the number of inputs that are done.

        Returns:
            The outputs of each subnet, int8 [N, output].
        """
        model = self._check_inputs(x)
        parts: list[list[Outputs]] = [[] for _ in subnets]
        done = 0
        for batch in self.batches(subnets, x):
            self._load(batch)
            for part, subnet in zip(parts, subnets, strict=True):
                self.select(subnet)
                shape = (len(batch), model.output_size(subnet))
                with no_refusal(self.name):
                    raw = self._agent.infer(shape[0] * shape[1], self._work([subnet], len(batch)))
                part.append(np.frombuffer(raw, np.int8).reshape(shape))
            done += len(batch)
            advance(done)
        return [np.concatenate(part) for part in parts]

    def measure(self, subnet: int, n: int, clock: Clock, x: NDArray[np.int8]) -> Samples:
        """Time inferences on the board.

        Args:
            subnet: Index of the subnet.
            n: Number of samples, 1 to 65,535.
            clock: Clock of the board to use.
            x: int8 [M, input]; sample i runs x[i % M], for as many inputs as fit the board.

        Raises:
            SetupError: n is no such number.
            ProtocolError: The samples cannot be.
        """
        check_count(self.name, n)
        model = self._check_inputs(x)
        self._load(x[: self._inputs_that_fit(model)])
        with no_refusal(self.name):
            timed = self._agent.measure(subnet, clock.index, n, self._work([subnet], n))
        ticks = [int(MEASURE_SAMPLE.read(sample)["ticks"]) for sample in timed.samples]
        self._check(clock, timed, {INFERENCES: ticks})
        return self._samples(clock, less_overhead(ticks, timed.overhead))

    def measure_switch(
        self, pair: tuple[int, int], n: int, clock: Clock, x: NDArray[np.int8]
    ) -> SwitchSamples:
        """Time switches from pair[0] to pair[1], each with the first inference after it.

        Args:
            pair: Indices of the subnets before and after the switch.
            n: Number of samples, 1 to 65,535.
            clock: Clock of the board to use.
            x: Inputs, as in `measure`.

        Raises:
            SetupError: n is no such number.
            ProtocolError: The samples cannot be.
        """
        check_count(self.name, n)
        model = self._check_inputs(x)
        batch = x[: self._inputs_that_fit(model)]
        self._load(batch)
        output, work = model.output_size(pair[1]), self._work(pair, n)
        with no_refusal(self.name):
            timed = self._agent.measure_switch(pair, clock.index, n, output, work)
        ticks = [SWITCH_SAMPLE.read(sample) for sample in timed.samples]
        select, first = ([row[name] for row in ticks] for name in ("select", "first"))
        self._check(clock, timed, {"switches": select, INFERENCES: first})
        outputs = np.frombuffer(b"".join(s[SWITCH_SAMPLE.size :] for s in timed.samples), np.int8)
        return SwitchSamples(
            self._samples(clock, less_overhead(select, timed.overhead)),
            self._samples(clock, less_overhead(first, timed.overhead)),
            outputs.reshape(n, output),
            np.arange(n) % len(batch),
        )

    def profile(self, subnet: int, n: int, clock: Clock, x: NDArray[np.int8]) -> LayerSamples:
        """Time each layer of inferences on the board.

        Args:
            subnet: Index of the subnet.
            n: Number of samples, 1 to 65,535.
            clock: Clock of the board to use.
            x: Inputs, as in `measure`.

        Raises:
            SetupError: n is no such number.
            ProtocolError: The samples cannot be.
        """
        check_count(self.name, n)
        model = self._check_inputs(x)
        self._load(x[: self._inputs_that_fit(model)])
        layers = len(model.subnets[subnet].steps)
        with no_refusal(self.name):
            timed = self._agent.profile(subnet, clock.index, n, layers, self._work([subnet], n))
        each = range(0, layers * LAYER_SAMPLE.size, LAYER_SAMPLE.size)
        ticks = [[int(LAYER_SAMPLE.read(s, at)["ticks"]) for at in each] for s in timed.samples]
        sums = [sum(row) - (layers - 1) * timed.overhead for row in ticks]
        layer_ticks = {"layers": [tick for row in ticks for tick in row]}
        self._check(clock, timed, layer_ticks, summed={INFERENCES: sums})
        columns = zip(*ticks, strict=True)
        taken = (self._samples(clock, less_overhead(column, timed.overhead)) for column in columns)
        return LayerSamples(tuple(taken), timed.overhead)

    def memory(self, subnet: int, x: NDArray[np.int8]) -> Memory:
        """Measure the stack of inferences, and return the RAM of the subnet.

        Args:
            subnet: Index of the subnet.
            x: int8 [M, input]; as many as fit the board are run.

        Raises:
            NotMeasurable: The board cannot tell how deep its stack is.
            ProtocolError: The figures cannot be.
        """
        model = self._check_inputs(x)
        batch = x[: self._inputs_that_fit(model)]
        self._load(batch)
        arena = plan(model, subnet, self.layouts(model)).size
        try:
            stack, state = self._agent.memory(subnet, self._work([subnet], len(batch) + 1))
            check_memory(stack, state)
        except AgentError as error:
            if error.code == Fault.UNABLE:
                raise NotMeasurable(error.text, board=self.name) from error
            raise refused(self.name, error) from error
        except ProtocolError as error:
            raise ProtocolError(error.text, board=self.name) from error
        return Memory(arena, stack, state)

    def govern(
        self, rules: Rules, costs: Sequence[Cost], clock: Clock, job: Job, hz: int | None = None
    ) -> Governor:
        """Begin a governor on the board, which ends with the deployed pack or with the next one.

        Args:
            rules: Its rules.
            costs: Cost of a job of each subnet, smallest first.
            clock: Clock of the board that times each step.
            job: What it chooses a subnet for.
            hz: Ticks a second that a clock which counts events is taken to have.

        Raises:
            GovernorRefused: The governor refuses the rules or costs.
            SetupError: The clock counts events and no `hz` is stated, or time and another one is.
        """
        model, rate = self._check_inputs(job.x), check_rate(self.name, clock, hz)
        check_count(self.name, job.runs)
        held, work = self._inputs_that_fit(model), self._work([len(model.subnets) - 1], job.runs)
        real = self._facts.provenance is Provenance.HARDWARE
        governor = Governor(self.name, self._agent, model, job, held, clock, rate, real, work)
        governor.begin(rules, costs)
        return governor

    def reset(self) -> None:
        """Reset the agent to its state after power-on. A pack that it finds damaged is no longer deployed."""
        self._agent.reset()
        if self._agent.hello(Deadline.after(self._agent.patience.seconds)).pack != self._hello.pack:
            self._model, self._hello = None, replace(self._hello, pack=(0, 0))
        self.selected = 0

    def _samples(self, clock: Clock, ticks: tuple[int, ...]) -> Samples:
        return Samples(clock, ticks, self._facts.provenance)

    def _check(self, clock: Clock, timed: Timed, ticks: Ticks, summed: Ticks | None = None) -> None:
        real = self._facts.provenance is Provenance.HARDWARE
        check_timed(self.name, real, clock, timed.overhead, timed.seconds, ticks, summed)

    def _check_inputs(self, x: NDArray[np.int8]) -> Model:
        return check_inputs(self.name, self._model, x)

    def batches(self, subnets: Sequence[int], x: Outputs) -> Iterator[Outputs]:
        """Split inputs into batches that fit the board and take about a second."""
        model = self._check_inputs(x)
        quick = max(1, _BATCH_MACS // max(1, sum(model.subnets[s].macs for s in subnets)))
        size = min(self._inputs_that_fit(model), quick)
        for at in range(0, len(x), size):
            yield x[at : at + size]

    def _inputs_that_fit(self, model: Model) -> int:
        return inputs_that_fit(self.name, model, self._hello.input_bytes)

    def _load(self, batch: NDArray[np.int8]) -> None:
        with no_refusal(self.name):
            self._agent.inputs(len(batch), clamp_input(batch).tobytes())

    def _work(self, subnets: Sequence[int], n: int) -> float:
        """Return the seconds that n inferences of each of these subnets may take."""
        assert self._model is not None
        return n * sum(self._model.subnets[s].macs for s in subnets) * SECONDS_PER_MAC
