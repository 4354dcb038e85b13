"""Measure time and memory of selection on every network and on graphs in no zoo: `reds bench-selection`.

Each row runs in a process of its own. It selects three nested subnets of 25, 50 and 75 % of the MACs, by
random scores with a fixed seed. A second row adds a limit on the arena, half-way between the smallest
possible and the full network's. Two more rows of a net with blocks may leave them out.
"""

import resource
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from itertools import product
from multiprocessing import get_context

import numpy as np

from reds.graph import Graph
from reds.graph.subnets import Budget
from reds.nesting.budgets import TargetProfile
from reds.nesting.cost import width_grids
from reds.nesting.options import Objective, Order
from reds.nesting.select import select
from reds.nesting.solver.bench_graphs import dense_net, inception, transformer, u_net
from reds.zoo import by_name

NETS = (
    "dnn-s", "dnn-l", "cnn-s", "cnn-l", "ds-cnn-s", "ds-cnn-l", "mobilenet-0.25", "mobilenet-1.0", "resnet8",
    "mobilenet-v2-1.0",
)  # fmt: skip
GRAPHS: Mapping[str, Callable[[], Graph]] = {
    "densenet-bc-40": partial(dense_net, 6),
    "densenet-bc-100": dense_net,
    "inception": inception,
    "u-net": u_net,
    "vit-ti": transformer,
    "vit-ti, stream cut": partial(transformer, cut=True),
}
"""Graphs that are in no zoo."""
SHARES = (0.25, 0.5, 0.75)
MEGABYTE = 1024
"""KiB, the unit in which Linux counts the resident set."""


def measured(
    net: str, with_arena: bool, step: int, order: Order, objective: Objective, depth: bool = False
) -> dict[str, float]:
    """Return seconds of the processor, peak megabytes of this process, and the largest gap of the subnets.

    Args:
        net: A name of `reds.zoo`, or of `GRAPHS`.
        with_arena: Whether to limit the arena too.
        step: Widths are multiples of this, and at least this.
        order: The subnet that is chosen first.
        objective: The sum to maximize.
        depth: Whether subnets may leave out blocks, whose identities have random shares of importance.
    """
    graph, profile = _graph(net), TargetProfile()
    rng = np.random.default_rng(0)
    scores = [rng.lognormal(0, 1, group.units) * group.cut for group in graph.groups]
    smallest = tuple(int(grid[0]) for grid in width_grids(graph, step, step))
    arena = sum(profile.costs(graph, widths)["arena"] for widths in (smallest, graph.full)) // 2
    budgets = [Budget(macs=share, arena=arena if with_arena else None) for share in SHARES]
    started = time.process_time()
    subnets = select(
        graph, scores, budgets, step=step, least=step, order=order, objective=objective, depth=depth,
        identity=rng.uniform(0, 1, len(scores)),
    )  # fmt: skip
    return {
        "seconds": time.process_time() - started,
        "megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / MEGABYTE,
        "gap": max(subnet.gap for subnet in subnets),
    }


def _graph(net: str) -> Graph:
    return GRAPHS[net]() if net in GRAPHS else by_name(net)


def table(step: int, order: Order, objective: Objective) -> Iterator[str]:
    """Yield the lines of a Markdown table: seconds, peak memory and gap of three nested subnets of every net.

    Args:
        step: Widths are multiples of this, and at least it.
        order: Which subnets are selected first.
        objective: How the scores of the subnets are weighed.
    """
    yield f"{order}, {objective}, multiples of {step}\n"
    yield "| net | budgets | seconds | peak MB | gap |"
    yield "| --- | --- | ---: | ---: | ---: |"
    with ProcessPoolExecutor(1, get_context("spawn"), max_tasks_per_child=1) as one_each:
        for net, depth, with_arena in product((*NETS, *GRAPHS), (False, True), (False, True)):
            if depth and not _graph(net).blocks:
                continue
            at = one_each.submit(measured, net, with_arena, step, order, objective, depth).result()
            name = "MACs" + ", arena" * with_arena + ", blocks" * depth
            yield f"| {net} | {name} | {at['seconds']:.2f} | {at['megabytes']:.0f} | {at['gap']:.1e} |"
