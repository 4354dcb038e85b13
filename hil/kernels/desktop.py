"""Time inferences on this machine, ours beside LiteRT and torch, in turns: no such time repeats."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations
from pathlib import Path

from hil.boards.board import Board
from hil.kernels.nano import Say, some_input
from hil.kernels.tables import Cell, Table
from hil.protocol.hello import Clock
from hil.results.statistics.quantiles import median
from reds.graph import Graph, Widths
from reds.pack import layouts
from reds.pack.model import Model
from reds.zoo import by_name
from reds.zoo.random_weights import uniform_widths, with_random_weights

Timer = Callable[[int], list[float]]
"""Returns the times of n successive inferences in microseconds."""
ROUNDS, EACH = 15, 40
"""Number of turns, and of inferences in each turn; the first inference of a turn is discarded."""
SWITCHES = 200
AVX2_ONLY = Path(__file__).with_name("avx2_only.c")
"""Linked into an agent, so that it runs without AVX-512 and AVX-VNNI."""


@dataclass(frozen=True)
class Peer:
    """Another program that runs nets.

    Attributes:
        timer: Prepares a net with these group widths for timing.
        load: Returns the microseconds of loading such a net, None if nothing is loaded.
    """

    name: str
    timer: Callable[[Graph, Widths], Timer]
    load: Callable[[Graph, Widths], float] | None = None


def measure(
    board: Board, names: Sequence[str], peers: Sequence[Peer], notes: Sequence[str], say: Say
) -> list[Table]:
    """Time nets on this machine.

    Args:
        board: The desktop.
        names: Nets of the bench.
        peers: Programs that run the same nets.
        notes: Sentences for below the table, such as about missing peers.
        say: Called with the present step.

    Returns:
        The table of inferences and the table of switches.
    """
    times: list[tuple[Cell, ...]] = []
    switches: list[tuple[Cell, ...]] = []
    for name in names:
        graph = by_name(name)
        model, subnets = with_random_weights(name, graph), uniform_widths(graph)
        board.deploy(model)
        for s, (subnet, widths) in enumerate(subnets.items()):
            say(f"{name} {subnet}")
            timers = {"ours": ours(board, model, s)} | {p.name: p.timer(graph, widths) for p in peers}
            medians = in_turns(timers)
            mine = medians.pop("ours")
            beside = [cell for other in medians.values() for cell in (other, mine / other)]
            layout, macs = layouts.names(board.layouts(model)), model.subnets[s].macs
            times.append((f"{name} {subnet}", layout, macs, mine, *beside))
        loads = [p.load(graph, subnets["25%"]) for p in peers if p.load]
        switches.append((name, worst_switch(board, model), *loads))
    heads = [head for p in peers for head in (f"{p.name}, us", f"ours : {p.name}")]
    loading = [f"{p.name} loads 25%, us" for p in peers if p.load]
    return [
        Table("Inference, this machine, one thread, batch 1, medians",
              ("net", "layout", "MACs", "ours, us", *heads), tuple(times), tuple(notes)),
        Table("Switch, this machine, medians", ("net", "worst pair, ns", *loading), tuple(switches),
              ("0 ns: not more than reading the clock.",)),
    ]  # fmt: skip


def time_clock(board: Board) -> Clock:
    """Return the first clock of a real board that counts time."""
    return next(clock for clock in board.facts().clocks if clock.hz)


def ours(board: Board, model: Model, subnet: int) -> Timer:
    """Return the timer of our agent, which times itself."""
    clock, x = time_clock(board), some_input(model)
    return lambda n: list(board.measure(subnet, n, clock, x).microseconds)


def worst_switch(board: Board, model: Model) -> float:
    """Return the largest median of all ordered pairs of subnets, in nanoseconds."""
    clock, x = time_clock(board), some_input(model)
    pairs = permutations(range(len(model.subnets)), 2)
    taken = (board.measure_switch(pair, SWITCHES, clock, x).select.microseconds for pair in pairs)
    return max(1000 * median(each) for each in taken)


def turns(timers: Mapping[str, Timer]) -> dict[str, list[list[float]]]:
    """Return the times of each timer, turn by turn; a disturbance of the machine hits all of them.

    The first inference of a turn is discarded, as it finds cold caches.
    """
    taken: dict[str, list[list[float]]] = {name: [] for name in timers}
    for _ in range(ROUNDS):
        for name, timer in timers.items():
            taken[name].append(timer(EACH + 1)[1:])
    return taken


def in_turns(timers: Mapping[str, Timer]) -> dict[str, float]:
    """Return the median of each timer."""
    return {name: median([us for turn in taken for us in turn]) for name, taken in turns(timers).items()}
