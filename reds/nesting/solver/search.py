"""Search stage by stage for a choice that beats the best one known.

A partial choice is dropped in three cases: its bound cannot beat `floor`, its costs cannot stay within the
limits, or another partial of the same open widths gains no less and costs no more. None of these loses the
best choice. A stage also keeps at most `beam` partials, and extends no more than `work` allows, those of the
highest bounds. The highest bound dropped for this reason is reported: if there is none, or if it does not
beat the result, the result is proven best.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from reds.nesting.solver.partials import Indices, Partials, concatenate
from reds.nesting.solver.problem import Choice
from reds.nesting.solver.stages import Stage, Values
from reds.nesting.solver.sweeps import backward

BATCH = 1 << 21
"""Costs of partials that are computed at a time, a limit of memory."""


@dataclass(frozen=True)
class Found:
    """The result of a search."""

    choice: Choice | None
    """The best choice above the floor, if there is one."""
    dropped: float
    """The highest bound dropped for want of beam or work; -inf if there is none."""
    work: int
    """The work left."""


@dataclass(frozen=True)
class _Search:
    """The parts of a search that stay the same from stage to stage."""

    limits: Values
    prices: Values
    floor: float
    beam: int


def search(
    stages: Sequence[Stage], limits: Values, prices: Values, floor: float, beam: int, work: int
) -> Found:
    """Search for a choice that gains more than `floor`.

    Args:
        stages: The problem.
        limits: The most that each cost may reach, [costs].
        prices: Prices on the costs, which give the bounds, [costs].
        floor: The gain to beat.
        beam: The most partials that a stage keeps.
        work: The most costs of partials that may be computed.
    """
    reduced = [stage.reduced(prices) for stage in stages]
    onward = [best.ravel() for best in backward(stages, reduced)]
    cheapest = [
        backward(stages, [np.where(np.isfinite(s.gain), -s.costs[j], -np.inf) for s in stages])
        for j in range(len(limits))
    ]
    settings = _Search(limits, prices, floor, beam)
    root = np.zeros(1, np.intp)
    partials = Partials(root, np.zeros(1), np.zeros((len(limits), 1)), np.zeros(1), root, root)
    history, dropped = list[tuple[Indices, Indices]](), -np.inf
    for i, stage in enumerate(stages):
        room = limits[:, None] + np.reshape(
            [least[i + 1] for least in cheapest], (len(limits), onward[i + 1].size)
        )
        share = work // (len(stages) - i)
        partials, lost, spent = _extend(stage, partials, onward[i + 1], room, settings, share)
        history.append((partials.parent, partials.width))
        dropped, work = max(dropped, lost), work - spent
        if not len(partials):
            return Found(None, dropped, work)
    return Found(_trace(stages, history, int(partials.gain.argmax())), dropped, work)


def _trace(stages: Sequence[Stage], history: Sequence[tuple[Indices, Indices]], last: int) -> Choice:
    """Return the choice of a partial of the last stage, from its parents and widths."""
    widths = list[int]()
    for parent, width in reversed(history):
        widths.append(int(width[last]))
        last = int(parent[last])
    by_group = dict(zip([stage.group for stage in stages], reversed(widths), strict=True))
    return tuple(by_group[g] for g in sorted(by_group))


def _extend(
    stage: Stage, partials: Partials, onward: Values, room: Values, settings: _Search, work: int
) -> tuple[Partials, float, int]:
    """Extend every partial by every width of the stage's group that may beat the floor.

    Args:
        stage: The stage.
        partials: Those of the stage before.
        onward: For each state after the stage the most that later stages add to a bound.
        room: For each cost and state after the stage the most that a partial may cost.
        settings: The parts that all stages share.
        work: The most costs that may be computed.

    Returns:
        The partials kept, the highest bound dropped, and the work spent.
    """
    limits, prices, floor = settings.limits, settings.prices, settings.floor
    n = stage.gain.shape[-1]
    gain, to = stage.gain.reshape(-1, n), stage.to.reshape(-1, n)
    costs = stage.costs.reshape(len(limits), *gain.shape)
    budget, score = float(prices @ limits), partials.gain - prices @ partials.cost
    # The arcs, pairs of a state and a width, on which the best partial of the state may beat the floor.
    best_score = np.full(len(gain), -np.inf)
    np.maximum.at(best_score, partials.state, score)
    through = stage.reduced(prices).reshape(-1, n) + onward[to] + budget
    state, width = np.nonzero(best_score[:, None] + through > floor)
    arcs_of_state = np.bincount(state, minlength=len(gain))
    first_arc = np.cumsum(arcs_of_state) - arcs_of_state
    through, gain, to, costs = (
        through[state, width],
        gain[state, width],
        to[state, width],
        costs[:, state, width],
    )

    parts, held = list[Partials](), 0
    successors, work_each = arcs_of_state[partials.state], max(len(limits), 1)
    extended, dropped = partials.affordable(successors, work // work_each)
    total = np.cumsum(successors[extended])
    batches = np.split(extended, np.flatnonzero(np.diff(total * work_each // BATCH)) + 1)
    for batch in batches:
        parent = np.repeat(batch, successors[batch])
        first = np.repeat(np.cumsum(successors[batch]) - successors[batch], successors[batch])
        arc = first_arc[partials.state[parent]] + np.arange(len(parent)) - first
        bound = score[parent] + through[arc]
        kept = bound > floor
        parent, arc, bound = parent[kept], arc[kept], bound[kept]
        cost = partials.cost[:, parent] + costs[:, arc]
        kept = (cost <= room[:, to[arc]]).all(axis=0)
        parent, arc = parent[kept], arc[kept]
        grown = Partials(
            to[arc], partials.gain[parent] + gain[arc], cost[:, kept], bound[kept], parent, width[arc]
        )
        parts.append(grown.undominated(prices))
        held += len(parts[-1])
        if held > 4 * settings.beam:
            together, lost = concatenate(parts).best(settings.beam)
            parts, held, dropped = [together], len(together), max(dropped, lost)
    together, lost = concatenate(parts).undominated(prices).best(settings.beam)
    return together, max(dropped, lost), int(total[-1]) * work_each
