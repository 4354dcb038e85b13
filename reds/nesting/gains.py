"""Turn importance into gains: the contribution of each width of a unit group to the objective."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from reds.errors import SettingsError
from reds.graph import Graph
from reds.nesting.cost.axes import Grid
from reds.nesting.limits import Gains
from reds.nesting.options import Objective
from reds.nesting.solver.problem import Groups
from reds.pack.array_like import array_of
from reds.rules import check_kind
from reds.text import shown

POWER, LEAST_SHARE = 4, 0.01
"""`balanced` sums shares to the power of -POWER. Smaller shares count as LEAST_SHARE, to keep sums exact."""
Scores = NDArray[np.float64]


def checked_scores(graph: Graph, scores: Sequence[Scores]) -> list[Scores]:
    """Return scores as arrays.

    Raises:
        SettingsError: They are not those of a graph's units, finite and at least 0.
    """
    check_kind("graph", graph, Graph, "give the graph of a net, as net.graph")
    check_kind("scores", scores, Sequence, "give reds.score(...).units")
    try:
        arrays = [array_of(each) for each in scores]
    except ValueError as error:
        raise SettingsError(f"scores: {error}: give reds.score(...).units") from error
    expected, found = [(units,) for units in graph.full], [each.shape for each in arrays]
    if found != expected:
        raise SettingsError(
            f"scores: have the shapes {found}: one number for each unit of each group is needed, {expected}"
        )
    if not all(each.dtype.kind in "iuf" and np.isfinite(each).all() and each.min() >= 0 for each in arrays):
        raise SettingsError("scores: some are below 0 or not finite: numbers of at least 0 are needed")
    return arrays


def checked_identity(graph: Graph, identity: Sequence[float] | Scores | None) -> Scores:
    """Return the shares of identities as an array of one for each group, 0 for a group in no block.

    A block without a share given counts as two paths of one importance.

    Raises:
        SettingsError: They are not one number of 0 to 1 for each group.
    """
    inside = np.array([any(g in block.groups for block in graph.blocks) for g in range(len(graph.groups))])
    if identity is None:
        return 0.5 * inside
    try:
        shares = array_of(identity)
    except ValueError as error:
        raise SettingsError(f"identity: {error}: give reds.score(...).identity") from error
    whole = shares.shape == inside.shape and shares.dtype.kind in "iuf"
    if not whole or not ((shares >= 0) & (shares <= 1)).all():
        raise SettingsError(
            f"identity: is {shown(identity)}: one number from 0 to 1 for each of {len(inside)} groups is"
            " needed, as in reds.score(...).identity"
        )
    return np.where(inside, shares, 0.0)


def gains_of(
    scores: Sequence[Scores], kernels: Mapping[Groups, Scores], grids: Sequence[Grid], objective: Objective,
    identity: Scores,
) -> Gains:  # fmt: skip
    """Return the gain at each width of a group, and at each pair of widths with kernels between the groups.

    Args:
        scores: Importance of every unit of each group.
        kernels: For groups a and b the part of b's scores that counts only if a unit of a is kept too.
        grids: The widths of each group.
        objective: The number to maximize; gains add up to it, or to a monotone function of it.
        identity: The share of each group's importance that its block's identity has, float64 [groups].
    """
    orders = [np.argsort(-score, kind="stable") for score in scores]
    unconditional = [np.array(score) for score in scores]
    for (_, b), table in kernels.items():
        unconditional[b] -= table.sum(0)
    for score, part in zip(scores, unconditional, strict=True):
        part[part < 1e-9 * score.sum()] = 0.0  # rounding errors of units that consist of kernels only
    kept: dict[Groups, Scores] = {
        (g,): np.cumsum(part[order])
        for g, (part, order) in enumerate(zip(unconditional, orders, strict=True))
    }
    for (a, b), table in kernels.items():
        table, pair = (table, (a, b)) if a < b else (table.T, (b, a))
        sums = table[np.ix_(*(orders[g] for g in pair))].cumsum(0).cumsum(1)
        kept[pair] = kept.get(pair, 0) + sums  # layers may join two groups in both directions
    gains: dict[Groups, Scores] = {}
    for groups, sums in kept.items():
        gain = np.pad(sums, [(1, 0)] * sums.ndim)[np.ix_(*(grids[g] for g in groups))]
        if objective != "sum":
            # A group without importance is as good at any width.
            share = np.maximum(gain, 1e-300) / max(sums.flat[-1], 1e-300)
            share += identity[list(groups)].max() * (1 - share)
            balanced = objective == "balanced"
            gain = -(np.maximum(share, LEAST_SHARE) ** -POWER) if balanced else np.log(share)
        gains[groups] = gain
    return gains


def gap_of(value: float, bound: float, objective: Objective) -> float:
    """Return the share of the objective that a better choice may add at most.

    Args:
        value: The sum of gains reached.
        bound: A bound on the sum of gains.
        objective: The number to maximize.
    """
    if value >= bound:
        return 0.0
    if objective == "product":
        return float(-np.expm1(value - bound))
    return 1 - value / bound if objective == "sum" else float(1 - (bound / value) ** (1 / POWER))
