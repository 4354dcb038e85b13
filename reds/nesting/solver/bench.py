"""Measure time and memory of selection on every network: `python -m reds.nesting.solver.bench`.

Each row runs in a process of its own. It selects three nested subnets of 25, 50 and 75 % of the MACs, by
random scores with a fixed seed. A second row adds a limit on the arena, half-way between the smallest
possible and the full network's.
"""

import json
import resource
import subprocess
import sys
import time
from typing import get_args

import click
import numpy as np

from reds.graph.subnets import Budget
from reds.nesting.budgets import TargetProfile
from reds.nesting.cost import width_grids
from reds.nesting.options import Objective, Order
from reds.nesting.select import select
from reds.zoo import by_name

NETS = (
    "dnn-s", "dnn-l", "cnn-s", "cnn-l", "ds-cnn-s", "ds-cnn-l", "mobilenet-0.25", "mobilenet-1.0", "resnet8",
)  # fmt: skip
SHARES = (0.25, 0.5, 0.75)
MEGABYTE = 1024
"""KiB, the unit in which Linux counts the resident set."""


def measured(net: str, with_arena: bool, step: int, order: Order, objective: Objective) -> dict[str, float]:
    """Return seconds, peak megabytes of this process, and the largest optimality gap of a network's subnets.

    Args:
        net: A name of `reds.zoo`.
        with_arena: Whether to limit the arena too.
        step: Widths are multiples of this, and at least this.
        order: The subnet that is chosen first.
        objective: The sum to maximize.
    """
    graph, profile = by_name(net), TargetProfile()
    rng = np.random.default_rng(0)
    scores = [rng.lognormal(0, 1, group.units) * group.cut for group in graph.groups]
    smallest = tuple(int(grid[0]) for grid in width_grids(graph, step, step))
    arena = sum(profile.costs(graph, widths)["arena"] for widths in (smallest, graph.full)) // 2
    budgets = [Budget(macs=share, arena=arena if with_arena else None) for share in SHARES]
    started = time.perf_counter()
    subnets = select(graph, scores, budgets, step=step, least=step, order=order, objective=objective)
    return {
        "seconds": time.perf_counter() - started,
        "megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / MEGABYTE,
        "gap": max(subnet.gap for subnet in subnets),
    }


@click.command()
@click.option("--step", default=1, help="Widths are multiples of this, and at least it.")
@click.option("--order", type=click.Choice(get_args(Order)), default="bottom-up")
@click.option("--objective", type=click.Choice(get_args(Objective)), default="balanced")
@click.option("--row", type=(str, bool), hidden=True)
def main(step: int, order: Order, objective: Objective, row: tuple[str, bool] | None) -> None:
    """Print seconds, peak memory and optimality gap of three nested subnets of every net."""
    if row:
        click.echo(json.dumps(measured(*row, step, order, objective)))
        return
    click.echo(f"{order}, {objective}, multiples of {step}\n\n| net | budgets | seconds | peak MB | gap |")
    click.echo("| --- | --- | ---: | ---: | ---: |")
    for net in NETS:
        for with_arena in (False, True):
            command = [
                sys.executable,
                "-m",
                "reds.nesting.solver.bench",
                "--step",
                str(step),
                "--order",
                order,
            ]
            command += ["--objective", objective]
            done = subprocess.run([*command, "--row", net, str(with_arena)], check=True, capture_output=True)
            result = json.loads(done.stdout)
            name = "MACs, arena" if with_arena else "MACs"
            seconds, megabytes, gap = (result[key] for key in ("seconds", "megabytes", "gap"))
            click.echo(f"| {net} | {name} | {seconds:.2f} | {megabytes:.0f} | {gap:.1e} |")


if __name__ == "__main__":
    main()
