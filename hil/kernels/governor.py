"""Count the instructions of decisions on the emulated Nano: what a governor costs, by policy and subnets."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from hil.boards.board import Board
from hil.boards.governing import NO_DEADLINE, Cost, Resources, Rules
from hil.boards.governor import Job
from hil.kernels.nano import some_input
from hil.kernels.tables import Table
from hil.protocol.definition import Policy
from reds.graph import Graph
from reds.graph.builder import Builder
from reds.zoo.random_weights import with_random_weights

SUBNETS = (1, 4, 10, 64)
"""Numbers of subnets whose decisions are counted."""
SHARE = 1000
"""A decision takes 0.1 % of the time of an inference of so many times its instructions."""
_POLICIES = tuple(policy for policy in Policy if policy != Policy.OWN)
_DECISIONS = 100
_SLOW_HZ = 10_000
"""Instructions a second that are assumed: so few that inferences take longer than stated, and are learned."""
_STEP = 1000
"""Microseconds and nanojoules between the costs of two subnets."""


@dataclass(frozen=True)
class Deciding:
    """Most instructions of any decision: to choose, to select the subnet, and to learn from its inference."""

    choose: int
    select: int
    learn: int

    @property
    def all(self) -> int:
        """Return the instructions of a decision with all its parts."""
        return self.choose + self.select + self.learn


def measure(board: Board, policy: Policy, subnets: int) -> Deciding:
    """Count the decisions of a policy over resources that are drawn with a fixed seed.

    Args:
        board: The emulated Nano.
        policy: The policy.
        subnets: Number of subnets of the pack, at most 64.
    """
    graph = _graph()
    widths = {f"{units}": (graph.full[0], units, graph.full[2]) for units in range(65 - subnets, 65)}
    model = with_random_weights("governed", graph, widths)
    board.deploy(model)
    instructions = next(clock for clock in board.facts().clocks if clock.name == "instructions")
    energy = {"period_us": _STEP, "horizon_us": 10 * _STEP, "target_nj": subnets * _STEP, "reserve_nj": 1}
    rules = Rules(policy, subnets - 1, margin_percent=10, patience=2, hot_celsius=70, **energy)
    costs = [Cost(_STEP * (i + 1), _STEP * (i + 1)) for i in range(subnets)]
    governor = board.govern(rules, costs, instructions, Job(some_input(model)), _SLOW_HZ)
    taken = [governor.decide(now, 0) for now in _drawn(subnets)]
    return Deciding(*(max(getattr(each, part) for each in taken) for part in ("choose", "select", "learn")))


def table(board: Board, say: Callable[[str], None]) -> Table:
    """Return the table of all policies and numbers of subnets."""
    rows = []
    for policy in _POLICIES:
        for subnets in SUBNETS:
            name = policy.name.lower().replace("_", " ")
            say(f"{name}, {subnets} subnets")
            found = measure(board, policy, subnets)
            rows.append(
                (name, subnets, found.choose, found.select, found.learn, found.all, found.all * SHARE)
            )
    heads = ("policy", "subnets", "choose", "select", "learn", "decision", "0.1 % of an inference of")
    return Table("Most instructions of a decision, emulated Nano 33 BLE", heads, tuple(rows))


def _drawn(subnets: int) -> Iterator[Resources]:
    """Yield resources, the ones that let a policy look at all subnets among them."""
    draw, most = np.random.default_rng(0), 2 * _STEP * subnets
    yield Resources(deadline_us=0, stored_nj=0)
    yield Resources(deadline_us=_STEP, stored_nj=2 * _STEP)
    for _ in range(_DECISIONS):
        stored, income, deadline = (int(value) for value in draw.integers(0, most, 3))
        timed = deadline if draw.random() < 0.9 else NO_DEADLINE
        yield Resources(stored, income, timed, int(draw.integers(0, 50)), int(draw.choice([20, 80])))


def _graph() -> Graph:
    """Return a small net whose hidden layer is cut to 1 to 64 units."""
    net = Builder(16)
    net.dense(net.dense(net.input, 64), 4, relu=False, norm=False)
    return net.build()
