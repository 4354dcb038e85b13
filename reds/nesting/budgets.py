"""Turn the budgets of subnets into limits on costs at every width."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import floor
from typing import Any

import numpy as np

from reds.errors import BudgetError, SettingsError
from reds.graph import Graph, Widths
from reds.graph.subnets import Budget
from reds.nesting.cost import (
    Cost,
    flash_bytes,
    flash_cost,
    half_blocks_cost,
    macs_cost,
    width_grids,
)
from reds.nesting.cost.arena import arena_bytes, arena_cost
from reds.nesting.cost.axes import Grid, axes_of
from reds.nesting.cost.energy import PICOJOULES, energy_cost
from reds.nesting.cost.latency import NANOSECONDS, Latency, latency_cost, nanoseconds
from reds.nesting.limits import Limit, build_problem, raise_if_infeasible
from reds.pack.layouts import CANONICAL, Layout
from reds.pack.validate import MOST_MACS, SUBNET_NAME_BYTES
from reds.pack.validate.name import is_name
from reds.rules import is_integer, is_number
from reds.text import shown

KINDS = ("macs", "flash", "arena", "latency", "energy")
"""Fields of a budget that limit a cost."""


@dataclass(frozen=True)
class TargetProfile:
    """The device that subnets are selected for."""

    layout: Layout = CANONICAL
    """The layout of the device's kernels, which need scratch in the arena."""
    latency: Latency | None = None
    """The times measured on the device; None if there are none."""
    energy_per_cycle: float | None = None
    """Nanojoules that the device spends in a cycle of an inference; None if unknown."""

    def __post_init__(self) -> None:
        nj = self.energy_per_cycle
        if nj is not None and not (is_number(nj) and nj > 0):
            raise SettingsError(f"energy_per_cycle: nanojoules above 0 are needed, not {shown(nj)}")

    def latency_cost(self, graph: Graph, grids: Sequence[Grid]) -> Cost:
        """Return the nanoseconds of an inference. Raises `BudgetError` without times."""
        if self.latency is None:
            raise BudgetError(
                "a budget of latency or energy needs times measured on a board: name a `board`, or give the"
                " device its times"
            )
        return latency_cost(graph, grids, self.latency)

    def energy_cost(self, graph: Graph, grids: Sequence[Grid]) -> Cost:
        """Return the picojoules of an inference. Raises `BudgetError` without times or an energy."""
        if self.energy_per_cycle is None:
            raise BudgetError("an energy budget needs the energy of a cycle: give `energy_per_cycle`, in nJ")
        in_time = self.latency_cost(graph, grids)
        hz = self.latency.hz if self.latency else None
        if hz is None:
            raise BudgetError("an energy budget needs a board that counts cycles: limit the latency instead")
        return energy_cost(in_time, hz, self.energy_per_cycle)

    def costs(self, graph: Graph, widths: Widths) -> dict[str, int]:
        """Return the costs of a subnet: MACs, bytes of flash and arena, ns and pJ as far as known."""
        costs = {
            "macs": graph.macs(widths),
            "flash": sum(flash_bytes(graph.layers[i], widths) for i in graph.running(widths).layers),
            "arena": arena_bytes(graph, widths, self.layout),
        }
        if self.latency:
            costs["latency"] = nanoseconds(graph, widths, self.latency)
            if self.energy_per_cycle and self.latency.hz:
                grids = [np.array([n]) for n in widths]
                only = (0,) * len(axes_of(graph, grids).grids)
                costs["energy"] = self.energy_cost(graph, grids).evaluate(only)
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
        BudgetError: A budget limits latency or energy, and the profile lacks times or the energy of a cycle;
            or the MACs of a budget are fewer than those of one before.
        GraphError: The times belong to another network.
    """
    whole_blocks = Limit(half_blocks_cost(graph, grids), 0)
    limits: list[list[Limit]] = [[whole_blocks] if whole_blocks.cost.rows else [] for _ in budgets]

    def add(make_cost: Callable[[], Cost], scale: float, values: Sequence[float | None]) -> None:
        if any(value is not None for value in values):
            cost = make_cost()
            for i, value in enumerate(values):
                if value is not None:
                    most, share = int(value * scale + 1e-6), budgets[i].share
                    of_full = f" ({share:g} of the full net)" if share and cost.unit == "MACs" else ""
                    budget = f"subnet {i + 1}: budget {cost.format(most)}{of_full}"
                    limits[i].append(Limit(cost, most, budget, full if cost.unit == "MACs" else None))

    full = graph.whole
    macs = [b.macs if b.share is None else b.share * full for b in budgets]
    _check_ascent("MACs", macs)
    add(lambda: macs_cost(graph, grids), 1, macs)
    add(lambda: flash_cost(graph, grids), 1, [b.flash for b in budgets])
    add(lambda: arena_cost(graph, grids, profile.layout), 1, [b.arena for b in budgets])
    add(lambda: profile.latency_cost(graph, grids), NANOSECONDS, [b.latency for b in budgets])
    add(lambda: profile.energy_cost(graph, grids), PICOJOULES, [b.energy for b in budgets])
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
        BudgetError: No subnet fits a budget, or no pack holds subnets of so many MACs.
        GraphError: The step or the times do not suit the network.
    """
    given = as_budgets(budgets)
    share = given[-1].share or 0
    if share * graph.whole > MOST_MACS:
        raise BudgetError(
            f"budget {share:g} is {share * graph.whole:,.0f} MACs: a pack holds subnets of at most"
            f" {MOST_MACS:,}, a share of {floor(1000 * MOST_MACS / graph.whole) / 1000:g}"
        )
    grids = width_grids(graph, step, least, depth)
    axes = axes_of(graph, grids)
    for limits in limits_of(graph, grids, given, profile or TargetProfile()):
        if not build_problem(axes, {}, limits).fits((0,) * len(axes.grids)):
            raise_if_infeasible(axes, limits, [np.arange(len(grid)) for grid in axes.grids])


def as_budgets(budgets: Sequence[Budget | float]) -> list[Budget]:
    """Return budgets, where a bare number is a fraction of the full network's MACs.

    Raises:
        BudgetError: There are none, one is no number above 0, those of one kind do not ascend, or two
            subnets have one name.
    """
    if isinstance(budgets, str | int | float | None) or not list(budgets):
        raise BudgetError(f"budgets are {budgets!r}: give one for each subnet, as [0.25, 0.5, 1.0]")
    for budget in budgets:
        if not isinstance(budget, Budget | float | int) or isinstance(budget, bool):
            raise BudgetError(f"budget {budget!r}: a number or a reds.Budget is needed")
    converted = [b if isinstance(b, Budget) else Budget(macs=b) for b in budgets]
    for kind in KINDS:
        limits = [getattr(budget, kind) for budget in converted]
        if wrong := [limit for limit in limits if limit is not None and not _is_amount(limit)]:
            raise BudgetError(
                f"budgets, {kind}: a number above 0 and under 2^63 is needed, not {shown(wrong[0])}"
            )
    shares = [float(b) if not isinstance(b, Budget) else b.share for b in budgets]
    given = [share for share in shares if share is not None]
    if given != sorted(given) or not all(0 < share <= 1 for share in given):
        values = ", ".join(f"{share:g}" for share in given)
        raise BudgetError(f"budgets {values}: fractions of the full net's MACs, smallest first, are needed")
    for kind in KINDS[1:]:  # fractions and numbers of MACs compare once the net is known
        _check_ascent(kind, [getattr(budget, kind) for budget in converted])
    for budget in converted:
        if budget.name is not None:
            check_name(budget.name)
    check_names([name for budget in converted if (name := budget.known_name) is not None])
    return converted


def _is_amount(limit: Any) -> bool:
    """Return whether a limit is a number that costs, which are int64, can have."""
    return (is_integer(limit) or is_number(limit)) and 0 < limit < 2**63


def _check_ascent(kind: str, values: Sequence[float | None]) -> None:
    """Raise `BudgetError` if a subnet may cost less than one before, which it contains."""
    given = [value for value in values if value is not None]
    if given != sorted(given):
        falling = ", ".join(f"{value:g}" for value in given)
        raise BudgetError(f"budgets, {kind}: {falling}: none below the one before is possible: sort them")


def check_name(name: object) -> None:
    """Raise `BudgetError` unless a value can be the name of a subnet in a pack."""
    if not isinstance(name, str) or not is_name(name, SUBNET_NAME_BYTES):
        expected = f"1 to {SUBNET_NAME_BYTES} printable bytes are needed"
        raise BudgetError(f"budgets, name: {expected}, not {shown(name)}")


def check_names(names: Sequence[str]) -> None:
    """Raise `BudgetError` if two subnets would have one name, for a pack is asked for them by name."""
    for name in names:
        if names.count(name) > 1:
            raise BudgetError(f"two subnets are named {name}: let their budgets differ by more")
