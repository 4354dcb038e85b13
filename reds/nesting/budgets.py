"""Turn the budgets of subnets into limits on costs at every width."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from reds.errors import BudgetError
from reds.graph import Graph, Widths
from reds.graph.subnets import Budget, subnet_name
from reds.nesting.cost import (
    Cost,
    Grid,
    flash_bytes,
    flash_cost,
    half_blocks_cost,
    macs_cost,
    width_grids,
)
from reds.nesting.cost.arena import arena_bytes, arena_cost
from reds.nesting.cost.latency import NANOSECONDS, Latency, latency_cost
from reds.nesting.limits import Limit, build_problem, raise_if_infeasible
from reds.pack.layouts import CANONICAL, Layout


@dataclass(frozen=True)
class TargetProfile:
    """The device that subnets are selected for."""

    layout: Layout = CANONICAL
    """The layout of the device's kernels, which need scratch in the arena."""
    latency: Latency | None = None
    """The times measured on the device; None if there are none."""

    def costs(self, graph: Graph, widths: Widths) -> dict[str, int]:
        """Return the costs of a subnet: MACs, bytes of flash and arena, nanoseconds if times are known."""
        costs = {
            "macs": graph.macs(widths),
            "flash": sum(flash_bytes(graph.layers[i], widths) for i in graph.running(widths).layers),
            "arena": arena_bytes(graph, widths, self.layout),
        }
        if self.latency:
            grids = [np.array([n]) for n in widths]
            costs["latency"] = latency_cost(graph, grids, self.latency).evaluate((0,) * len(grids))
        return costs


def limits_of(
    graph: Graph, grids: Sequence[Grid], budgets: Sequence[Budget], profile: TargetProfile
) -> list[list[Limit]]:
    """Return for each budget its limits, and the tighter ones of later budgets, whose subnets contain it.

    Args:
        graph: The full network.
        grids: The widths of each group.
        budgets: The budgets of the subnets, smallest first.
        profile: The device.

    Raises:
        BudgetError: A budget limits latency, and the profile has no times.
        GraphError: The times belong to another network.
    """
    whole_blocks = Limit(half_blocks_cost(graph, grids), 0)
    limits: list[list[Limit]] = [[whole_blocks] if whole_blocks.cost.tables else [] for _ in budgets]

    def add(make_cost: Callable[[], Cost], scale: float, values: Sequence[float | None]) -> None:
        if any(value is not None for value in values):
            cost = make_cost()
            for i, value in enumerate(values):
                if value is not None:
                    most = int(value * scale + 1e-6)
                    share = f" ({value:g} of the full net)" if cost.unit == "MACs" else ""
                    limits[i].append(Limit(cost, most, f"subnet {i + 1}: budget {cost.format(most)}{share}"))

    def measured_cost() -> Cost:
        if profile.latency is None:
            raise BudgetError(
                "a latency budget needs times measured on a board: give the device its `latency`"
            )
        return latency_cost(graph, grids, profile.latency)

    add(lambda: macs_cost(graph, grids), graph.macs(graph.full), [b.macs for b in budgets])
    add(lambda: flash_cost(graph, grids), 1, [b.flash for b in budgets])
    add(lambda: arena_cost(graph, grids, profile.layout), 1, [b.arena for b in budgets])
    add(measured_cost, NANOSECONDS, [b.latency for b in budgets])
    for earlier, later in list(pairwise(limits))[::-1]:
        own = {limit.cost.unit: limit for limit in earlier}
        tighter = {
            limit.cost.unit: limit
            for limit in later
            if limit.cost.unit not in own or limit.most < own[limit.cost.unit].most
        }
        earlier[:] = (own | tighter).values()
    return limits


def check_budgets(
    graph: Graph,
    budgets: Sequence[Budget | float],
    step: int,
    least: int,
    profile: TargetProfile | None = None,
    depth: bool = False,
) -> None:
    """Check that a subnet fits each budget, nested or not, before anything is trained.

    Args:
        graph: The full network.
        budgets: Smallest first; a number is a fraction of the full network's MACs.
        step: Widths are multiples of this.
        least: The fewest units that a group keeps.
        profile: The device; by default the canonical layout and no times.
        depth: Whether a subnet may leave out blocks.

    Raises:
        BudgetError: No subnet fits a budget.
        GraphError: The step or the times do not suit the network.
    """
    grids = width_grids(graph, step, least, depth)
    for limits in limits_of(graph, grids, as_budgets(budgets), profile or TargetProfile()):
        if not build_problem(grids, {}, limits).fits((0,) * len(grids)):
            raise_if_infeasible(grids, limits, [np.arange(len(grid)) for grid in grids])


def as_budgets(budgets: Sequence[Budget | float]) -> list[Budget]:
    """Return budgets, where a bare number is a fraction of the full network's MACs.

    Raises:
        BudgetError: There are none, the fractions do not ascend, one is not in (0, 1], or two give one name.
    """
    if isinstance(budgets, str | int | float | None) or not list(budgets):
        raise BudgetError(f"budgets are {budgets!r}: give one for each subnet, as [0.25, 0.5, 1.0]")
    for budget in budgets:
        if not isinstance(budget, Budget | float | int) or isinstance(budget, bool):
            raise BudgetError(f"budget {budget!r}: a number or a reds.Budget is needed")
    converted = [b if isinstance(b, Budget) else Budget(macs=b) for b in budgets]
    shares = [b.macs for b in converted if b.macs is not None]
    if shares != sorted(shares) or not all(0 < share <= 1 for share in shares):
        given = ", ".join(f"{share:g}" for share in shares)
        raise BudgetError(f"budgets {given}: fractions of the full net's MACs, smallest first, are needed")
    check_names([subnet_name(share) for share in shares])
    return converted


def check_names(names: Sequence[str]) -> None:
    """Raise `BudgetError` if two subnets would have one name, for a pack is asked for them by name."""
    for name in names:
        if names.count(name) > 1:
            raise BudgetError(f"two subnets are named {name}: let their budgets differ by more")
