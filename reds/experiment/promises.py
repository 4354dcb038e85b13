"""Compare what a subnet was predicted to cost on its target with what a board measures."""

from collections.abc import Iterator, Mapping, Sequence

from reds.graph.subnets import Budget
from reds.nesting.budgets import TargetProfile
from reds.nesting.cost.energy import PICOJOULES
from reds.nesting.cost.latency import NANOSECONDS

CLOSE = 0.02
"""Largest relative difference between a predicted and a measured cost that is not pointed out."""
UNITS = ("us", "instructions", "cycles", "uJ", "arena", "flash")
"""Costs that are predicted, instructions on a board without time; arena and flash are in bytes."""


def predicted(costs: Mapping[str, int], profile: TargetProfile) -> dict[str, float]:
    """Return the costs of a subnet by unit, as far as the profile tells them.

    Args:
        costs: The costs by `TargetProfile.costs`.
        profile: The target.
    """
    found: dict[str, float] = {"arena": costs["arena"], "flash": costs["flash"]}
    if "latency" in costs and profile.latency:
        found[profile.latency.unit] = costs["latency"] / NANOSECONDS
        if profile.latency.hz:
            found["cycles"] = round(found["us"] * profile.latency.hz / 1e6)
    if "energy" in costs:
        found["uJ"] = costs["energy"] / PICOJOULES
    return {unit: found[unit] for unit in UNITS if unit in found}


def difference(before: Mapping[str, float], after: Mapping[str, float], unit: str) -> float | None:
    """Return by how much a measured cost exceeds the predicted one, relative to it; None without both."""
    if unit not in before or unit not in after or not before[unit]:
        return None
    return after[unit] / before[unit] - 1


def costs_table(
    names: Sequence[str], before: Sequence[Mapping[str, float]], measured: Sequence[Mapping[str, float]]
) -> tuple[str, list[list[str]]]:
    """Return the heads and the rows of a table of costs on the target, a row for each subnet and unit.

    Args:
        names: Names of the subnets.
        before: Predicted costs of each subnet, by unit.
        measured: Costs that a board measured; none if no board was asked.
    """
    rows = []
    for i, name in enumerate(names):
        promised, costs = before[i], measured[i] if measured else {}
        for unit in UNITS:
            if unit in promised or (unit in costs and unit != "instructions"):
                off = difference(promised, costs, unit)
                row = [name, unit, _figure(promised, unit), _figure(costs, unit)]
                rows.append([*row, "" if off is None else f"{100 * off:+.2f} %"] if measured else row[:3])
    return "subnet cost predicted" + " measured off" * bool(measured), rows


def off_notes(
    names: Sequence[str], before: Sequence[Mapping[str, float]], measured: Sequence[Mapping[str, float]]
) -> Iterator[str]:
    """Give a sentence for each measured cost that is not close to the predicted one.

    Args:
        names: Names of the subnets.
        before: Predicted costs of each subnet, by unit.
        measured: Costs that a board measured; none if no board was asked.
    """
    for name, promised, costs in zip(names, before, measured, strict=False):
        for unit in UNITS:
            off = difference(promised, costs, unit)
            if off is not None and abs(off) > CLOSE:
                figures = f"measured {_figure(costs, unit)}, predicted {_figure(promised, unit)}"
                yield f"subnet {name}: {unit}: {figures}: more than {CLOSE:.0%} off"


def over_notes(
    names: Sequence[str], budgets: Sequence[Budget], measured: Sequence[Mapping[str, float]]
) -> Iterator[str]:
    """Give a sentence for each measured cost that exceeds its budget.

    Args:
        names: Names of the subnets.
        budgets: Their budgets.
        measured: Costs that a board measured; none if no board was asked.
    """
    for name, budget, costs in zip(names, budgets, measured, strict=False):
        latency = "us" if "us" in costs else "instructions"
        for unit, most in ((latency, budget.latency), ("uJ", budget.energy), ("arena", budget.arena),
                           ("flash", budget.flash)):  # fmt: skip
            if most is not None and costs.get(unit, 0) > most:
                over = f"measured {_figure(costs, unit)}, the budget is {most:g}"
                yield f"subnet {name}: {unit}: {over}: lower the budget by the difference and build again"


def _figure(costs: Mapping[str, float], unit: str) -> str:
    return f"{costs[unit]:,.{1 if unit == 'us' else 3 if unit == 'uJ' else 0}f}" if unit in costs else ""
