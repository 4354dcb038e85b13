"""Check requests to a board, the target that its agent reports, and what it answers."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager

import numpy as np
from numpy.typing import NDArray

from hil.boards.entry import Entry
from hil.boards.facts import Provenance
from hil.errors import AgentError, InputsRefused, PackRefused, ProtocolError, SetupError
from hil.protocol.hello import Clock, Hello
from hil.results.plausible import check_ticks, check_time
from reds.pack.model import Model
from reds.text import printable

MOST_SAMPLES = 0xFFFF
"""Most samples of one measurement."""

Ticks = Mapping[str, Sequence[int]]
"""Ticks of samples, by what they are of."""


def check_count(board: str, n: int) -> None:
    """Raise `SetupError` unless n is a number of samples that a board can take."""
    if isinstance(n, bool) or not isinstance(n, int | np.integer) or not 1 <= n <= MOST_SAMPLES:
        asked = printable(repr(n))
        raise SetupError(f"n is {asked}; write a whole number from 1 to {MOST_SAMPLES:,}", board=board)


def check_target(entry: Entry, hello: Hello, where: str) -> None:
    """Check that an agent runs on a board of the target that its entry names.

    Args:
        entry: The board's entry in boards.toml.
        hello: The agent's answer to a hello.
        where: Name of the transport to the agent.

    Raises:
        SetupError: The agent runs on a board of another target.
    """
    if hello.board != entry.target:
        says = f"{where} says it runs on a {hello.board!r}, not on a {entry.target}"
        raise SetupError(f"{says}; name the port or agent of a {entry.target}", board=entry.name)


def check_subnets(board: str, model: Model, counted: int) -> None:
    """Raise `ProtocolError` unless an agent counts as many subnets in a pack as it has."""
    if counted != len(model.subnets):
        has = f"{model.name} has {len(model.subnets)} subnets"
        raise ProtocolError(f"{has}, but the agent counts {counted}; upload the agent again", board=board)


def check_provenance(board: str, provenance: Provenance, hello: Hello) -> None:
    """Check that an agent runs on hardware, with a clock that counts time, or emulated, as it was opened.

    Args:
        board: Name of the board.
        provenance: Whether it was opened as hardware or emulated.
        hello: The agent's answer to a hello.

    Raises:
        SetupError: The agent reports another provenance.
        ProtocolError: The agent of a real board names no clock that counts time.
    """
    if hello.emulated != (provenance is Provenance.EMULATED):
        says = Provenance.EMULATED if hello.emulated else Provenance.HARDWARE
        remedy = "name another port, or add --emulate" if hello.emulated else "leave --emulate out"
        differs = f"opened as {provenance}, but its agent says it is {says}"
        raise SetupError(f"{differs}; {remedy}", board=board)
    if not hello.emulated and not any(clock.hz for clock in hello.clocks):
        untimed = "its agent names no clock that counts time, which every real board has"
        raise ProtocolError(f"{untimed}; upload the agent again", board=board)


def check_inputs(board: str, model: Model | None, x: NDArray[np.int8]) -> Model:
    """Return the deployed model, whose inputs x must be.

    Raises:
        PackRefused: No pack is deployed.
        InputsRefused: x has another shape or type than the pack takes.
    """
    if model is None:
        raise PackRefused("no pack is deployed; call deploy first", board=board)
    if x.dtype != np.int8 or x.ndim != 2 or not len(x) or x.shape[1] != model.input_size:
        got = f"the inputs are {x.dtype} {list(x.shape)}"
        raise InputsRefused(f"{got}, but {model.name} takes int8 [N, {model.input_size}]", board=board)
    return model


def check_rate(board: str, clock: Clock, hz: int | None) -> int:
    """Return the ticks of a clock in a second: its own, or those stated for a clock that counts events.

    Raises:
        SetupError: None are stated for such a clock, or others than a clock of time has.
    """
    if clock.hz and hz not in (None, clock.hz):
        raise SetupError(f"{clock.name} count {clock.hz:,} Hz, not {hz:,}; leave `hz` out", board=board)
    rate = clock.hz or hz
    if not rate or not 0 < rate < 2**32:
        counts = f"{clock.name} are no time"
        raise SetupError(f"{counts}; state in `hz` how many pass in a second", board=board)
    return rate


def check_timed(
    board: str,
    real: bool,
    clock: Clock,
    overhead: int,
    seconds: float,
    ticks: Ticks,
    summed: Ticks | None = None,
) -> None:
    """Raise `ProtocolError` if samples cannot be.

    Args:
        board: Name of the board.
        real: Whether its clocks count the time that the host waits.
        clock: The clock that timed the samples.
        overhead: Ticks that reading it takes.
        seconds: Seconds that the host waited for the samples.
        ticks: Raw ticks of the samples.
        summed: Sums of them, which took no time of their own.
    """
    try:
        check_ticks(clock, overhead, {**ticks, **(summed or {})})
        if real and clock.hz:
            check_time(clock, sum(map(sum, ticks.values())), seconds)
    except ProtocolError as error:
        raise ProtocolError(error.text, board=board) from error


@contextmanager
def no_refusal(board: str, but: Collection[int] = ()) -> Iterator[None]:
    """Turn a refusal into `ProtocolError`: every request is checked here, so the agent is at fault.

    Args:
        board: Name of the board.
        but: Faults of refusals that pass.
    """
    try:
        yield
    except AgentError as error:
        if error.code in but:
            raise
        raise refused(board, error) from error


def refused(board: str, error: AgentError) -> ProtocolError:
    """Return the error of a board that refuses what it should do."""
    remedy = "it has restarted or lost its pack: check its power, and run again"
    return ProtocolError(f"{error.observation}; {remedy}", board=board)
