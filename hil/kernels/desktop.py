"""Times on this machine, ours beside LiteRT and torch: taken in turns within one run, since none repeats."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations
from statistics import median

from hil.boards.board import Board
from hil.kernels.nano import Say, some_input
from hil.kernels.tables import Cell, Table
from reds.graph import Graph, Widths
from reds.pack.model import Model
from reds.zoo import by_name
from reds.zoo.random_weights import uniform_widths, with_random_weights

Timer = Callable[[int], list[float]]
"""n inferences in a row, each in us."""
ROUNDS, EACH = 15, 40
"""Everybody gets so many turns, and so many inferences in each; the first of a turn is not counted."""
SWITCHES = 200


@dataclass(frozen=True)
class Peer:
    """Somebody else's way to run a net.

    `timer(chain, widths)` prepares a net of these group widths; `load(chain, widths)`, where there is
    such a thing, gives the us that it takes to load that net anew.
    """

    name: str
    timer: Callable[[Graph, Widths], Timer]
    load: Callable[[Graph, Widths], float] | None = None


def measure(
    board: Board, names: Sequence[str], peers: Sequence[Peer], lacking: Sequence[str], say: Say
) -> list[Table]:
    """The table of inferences and the table of switches."""
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
            times.append((f"{name} {subnet}", board.layout(model).name, model.subnets[s].macs, mine, *beside))
        loads = [p.load(graph, subnets["25%"]) for p in peers if p.load]
        switches.append((name, worst_switch(board, model), *loads))
    heads = [head for p in peers for head in (f"{p.name}, us", f"ours : {p.name}")]
    loading = [f"{p.name} loads 25%, us" for p in peers if p.load]
    return [
        Table("Inference, this machine, one thread, batch 1, medians",
              ("net", "layout", "MACs", "ours, us", *heads), tuple(times), tuple(lacking)),
        Table("Switch, this machine, medians", ("net", "worst pair, ns", *loading), tuple(switches),
              ("0 ns: no more than reading the clock takes.",)),
    ]  # fmt: skip


def ours(board: Board, model: Model, subnet: int) -> Timer:
    """Inferences timed by the agent itself."""
    (clock,), x = board.facts().clocks, some_input(model)
    return lambda n: list(board.measure(subnet, n, clock, x).microseconds)


def worst_switch(board: Board, model: Model) -> float:
    """ns of the costliest ordered pair, each pair's median."""
    (clock,), x = board.facts().clocks, some_input(model)
    pairs = permutations(range(len(model.subnets)), 2)
    taken = (board.measure_switch(pair, SWITCHES, clock, x).select.microseconds for pair in pairs)
    return max(1000 * median(each) for each in taken)


def in_turns(timers: Mapping[str, Timer]) -> dict[str, float]:
    """The median of each timer; what disturbs the machine disturbs all of them."""
    taken: dict[str, list[float]] = {name: [] for name in timers}
    for _ in range(ROUNDS):
        for name, timer in timers.items():
            taken[name] += timer(EACH + 1)[1:]
    return {name: median(values) for name, values in taken.items()}
