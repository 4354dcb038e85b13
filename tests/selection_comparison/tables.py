"""Compare the contenders of a part: means, paired differences with their intervals, and what they cost."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reds.experiment.answers import Answers, temper
from reds.experiment.compare import Paired, paired
from reds.experiment.prepare import Prepared
from reds.experiment.recipe import Recipe
from tests.selection_comparison.train import CONTENDERS, TEST, Trained, load_result, result_path

PRIMARY = 3
"""Smallest subnets of a part whose mean decides."""
Row = dict[str, Any]


@dataclass(frozen=True)
class Judged:
    """The test results of one contender."""

    hits: NDArray[np.bool_]
    """[seeds, subnets, examples]."""
    losses: NDArray[np.float64]
    """Tempered losses, nats [seeds, subnets, examples]."""


def rows_of(part: str, prepared: Prepared, seeds: Sequence[int], out: Path) -> list[Row]:
    """Return what is kept of a part: a row for each small subnet, then one for the mean of the smallest.

    Args:
        part: A key of `CONTENDERS`.
        prepared: Its recipe and examples.
        seeds: Seeds whose trainings count.
        out: Folder of the results.
    """
    trained = {
        name: [load_result(result_path(out, part, name, seed)) for seed in seeds]
        for name in done(part, seeds, out)
    }
    labels = prepared.examples.validation[1].numpy().astype(np.uint8), prepared.test[1][:TEST]
    names = budget_names(prepared.recipe)
    small = range(len(names) - 1)
    judged = judge(trained, labels, len(small))
    shared: Row = {"part": part, "seeds": len(seeds), "examples": len(labels[1])}
    shared["seconds"] = round(sum(float(each.seconds) for of in trained.values() for each in of))
    measured = measured_means(prepared, trained) if prepared.profile.latency else {}
    rows = []
    for i in small:
        row = shared | {"subnet": names[i]}
        costs = {name: np.mean([each.costs[i] for each in of], axis=0) for name, of in trained.items()}
        row["costs"] = {name: [round(float(cost), 1) for cost in of] for name, of in costs.items()}
        row["widths"] = {name: [each.widths[i].tolist() for each in of] for name, of in trained.items()}
        row["measured_us"] = {name: round(float(of[i]), 1) for name, of in measured.items()}
        rows.append(row | compared({name: _of(each, [i]) for name, each in judged.items()}))
    chosen = list(small[:PRIMARY])
    mean = {"subnet": "mean" if len(small) == PRIMARY else f"mean of {PRIMARY} smallest"}
    return [*rows, shared | mean | compared({name: _of(each, chosen) for name, each in judged.items()})]


def done(part: str, seeds: Sequence[int], out: Path) -> list[str]:
    """Return the contenders of a part that are trained with every seed."""
    return [
        name
        for name in CONTENDERS[part]
        if all(result_path(out, part, name, seed).exists() for seed in seeds)
    ]


def measured_means(
    prepared: Prepared, trained: Mapping[str, Sequence[Trained]]
) -> dict[str, NDArray[np.float64]]:
    """Return the measured microseconds of each contender's subnets on the emulated Nano, means over seeds."""
    from tests.selection_comparison.measure import microseconds

    nets = {tuple(map(tuple, each.widths.tolist())) for of in trained.values() for each in of}
    took = dict(zip(nets, microseconds(prepared.graph, list(nets)), strict=True))
    return {
        name: np.mean([took[tuple(map(tuple, each.widths.tolist()))] for each in of], axis=0)
        for name, of in trained.items()
    }


def judge(
    trained: Mapping[str, Sequence[Trained]],
    labels: tuple[NDArray[np.uint8], NDArray[np.uint8]],
    subnets: int,
) -> dict[str, Judged]:
    """Return hits and tempered losses of the smallest subnets of each contender.

    Args:
        trained: The results of each contender, for each seed.
        labels: Labels of the validation and of the test examples.
        subnets: How many of the smallest subnets count.
    """
    answers = [
        [[Answers(getattr(each, key), of) for each in every] for every in trained.values()]
        for key, of in zip(("validation", "test"), labels, strict=True)
    ]
    of_subnets = [
        temper(*([[each.subnet(i) for each in every] for every in part] for part in answers)).losses
        for i in range(subnets)
    ]
    losses = np.stack(of_subnets, axis=2)  # [contenders, seeds, subnets, examples]
    hits = [np.array([each.hits[:subnets] for each in every]) for every in answers[1]]
    return {name: Judged(hits[k], losses[k]) for k, name in enumerate(trained)}


def compared(judged: Mapping[str, Judged]) -> Row:
    """Return means of each contender, and the first one less each other, with its interval.

    Args:
        judged: The contenders; the mean over their subnets counts.
    """
    (_, ours), *others = judged.items()

    def less(other: Judged) -> tuple[Paired, Paired]:
        pairs = (ours.hits, other.hits), (ours.losses, other.losses)
        points, nats = (paired(a.mean(1), b.mean(1)) for a, b in pairs)
        return points, nats

    differences = {name: less(other) for name, other in others}
    return {
        "accuracy": {name: round(100 * float(each.hits.mean()), 2) for name, each in judged.items()},
        "loss": {name: round(float(each.losses.mean()), 4) for name, each in judged.items()},
        "points": {name: _interval(points, 100, 2) for name, (points, _) in differences.items()},
        "nats": {name: _interval(nats, 1, 4) for name, (_, nats) in differences.items()},
    }


def budget_names(recipe: Recipe) -> list[str]:
    """Return the budgets of the subnets as tables name them: a latency, or a share of MACs."""
    return [
        f"{subnet.latency / 1000:.1f} ms" if subnet.latency else title
        for subnet, title in zip(recipe.subnet, recipe.titles, strict=True)
    ]


def _of(judged: Judged, subnets: Sequence[int]) -> Judged:
    return Judged(judged.hits[:, list(subnets)], judged.losses[:, list(subnets)])


def _interval(row: Paired, scale: float, digits: int) -> list[float]:
    """Return a difference and the ends of its interval."""
    return [round(scale * each, digits) for each in (row.nested - row.alone, row.low, row.high)]
