"""The gap that a selection says: with too little work to prove the best, how much better it may be."""

from collections.abc import Sequence
from itertools import product
from typing import get_args

import numpy as np
import pytest

from reds.graph import Widths
from reds.nesting.options import Objective, Order
from reds.nesting.select import select
from reds.nesting.solver import exact, joint
from reds.zoo.dnn import dnn
from tests.reds.support.graphs import Scores, all_widths, random_scores

GRAPH = dnn("s").resized((2, 5, 6, 4, 3))
MACS = GRAPH.macs(GRAPH.full)


def reached(scores: Scores, objective: Objective, subnets: Sequence[Widths]) -> float:
    """The sum of the importance kept; of the shares kept in every group the product, or the power mean."""
    kept = np.array([
        [np.sort(score)[::-1][:n].sum() for score, n in zip(scores, widths, strict=True)]
        for widths in subnets
    ])  # fmt: skip
    shares = kept / [score.sum() for score in scores]
    if objective == "sum":
        return float(kept.sum())
    return float(shares.prod() if objective == "product" else (shares**-4.0).mean() ** -0.25)


@pytest.mark.parametrize("objective", get_args(Objective))
@pytest.mark.parametrize(
    ("order", "budgets"), [("bottom-up", (0.4,)), ("top-down", (0.4,)), ("joint", (0.3, 0.6))]
)
def test_the_optimum_lies_between_the_value_found_and_its_gap(
    order: Order, budgets: tuple[float, ...], objective: Objective, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exact, "BEAMS", (1,))
    monkeypatch.setattr(joint, "LARGEST", 2)
    fitting = [[w for w in all_widths(GRAPH, 1) if GRAPH.macs(w) <= share * MACS] for share in budgets]
    each = [of for of in product(*fitting) if (np.diff(of, axis=0) >= 0).all()]
    gaps, missed = [], 0.0
    for seed in range(4):
        scores = random_scores(GRAPH, seed)
        chosen = select(GRAPH, scores, budgets, step=1, least=1, order=order, objective=objective)
        (gap,) = {subnet.gap for subnet in chosen}
        value = reached(scores, objective, [subnet.widths for subnet in chosen])
        best = max(reached(scores, objective, of) for of in each)
        assert value * (1 - 1e-9) <= best <= value / (1 - gap) * (1 + 1e-9)
        gaps.append(gap)
        missed = max(missed, 1 - value / best)
    assert max(gaps) < 1
    assert missed > 1e-6, "nowhere is the gap needed"
