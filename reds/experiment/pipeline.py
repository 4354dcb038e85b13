"""The method from end to end, on examples and a recipe.

train the full net -> score units -> select nested subnets -> most important units first -> train all
subnets together -> int8. Everything is chosen on validation data; no test example comes here.
"""

from copy import deepcopy
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from reds.data.examples import Examples
from reds.data.sets import DataSet
from reds.elastic.net import ElasticNet, nest
from reds.errors import RecipeError
from reds.experiment.recipe import Recipe
from reds.graph import Graph, Widths
from reds.graph.subnets import Budget
from reds.nesting.budgets import TargetProfile
from reds.nesting.importance import score
from reds.nesting.permute import most_important_first, permute
from reds.nesting.select import select
from reds.pack.model import Model
from reds.quantization.calibrate import ranges
from reds.quantization.range_search import PERCENTILES, best_ranges, calibration_part
from reds.training.checkpoint import Checkpoint
from reds.training.progress import Progress
from reds.training.rounding_aware import RoundedNet
from reds.training.trainer import accuracy, train
from reds.zoo import SIZED, by_name

SCORED_BATCHES, SCORED_EXAMPLES = 100, 100
"""Minibatches, and examples in each, that importance sums over (REDS, arXiv 2311.13349)."""


@dataclass(frozen=True)
class Trained:
    """A net of one or more subnets, in float and in int8, with its validation accuracy per subnet."""

    net: ElasticNet
    model: Model
    float_validation: tuple[float, ...]
    validation: tuple[float, ...]


def graph_of(recipe: Recipe, data_set: DataSet) -> Graph:
    """The full net of a recipe, with a class for each of the data's.

    Raises `RecipeError` if it reads other inputs than the data are.
    """
    graph = by_name(recipe.net.name, len(data_set.classes))
    shape = data_set.thinned(recipe.data.every)
    source = graph.tensors[0].height, graph.tensors[0].width, graph.full[0]
    if source not in (shape, (1, 1, prod(shape))):
        reads, gives = ("x".join(map(str, sides)) for sides in (source, shape))
        other = " or ".join(f"{net}-{gives}" for net in SIZED)
        raise RecipeError(
            f"[net], name: {recipe.net.name} reads {reads} (rows, columns, units), [data] gives {gives}:"
            f" write {other}"
        )
    return graph


def budgets_of(recipe: Recipe) -> list[Budget]:
    """What each subnet of a recipe may cost."""
    return [Budget(s.budget, s.flash, s.arena, s.latency) for s in recipe.subnet]


def train_nested(
    recipe: Recipe, examples: Examples, device: TargetProfile, progress: Progress, kept: Checkpoint
) -> Trained:
    """All subnets of a recipe in one weight set, from where `kept` has it.

    Raises `DivergedError`, and `BudgetError` as `select`.
    """
    graph, how = graph_of(recipe, examples.set), recipe.selection
    full = start(graph, examples, recipe.seed)
    with progress.phase("full net", ["100%"], recipe.full.epochs) as report:
        train(full, examples, recipe.full, recipe.seed, report, kept=kept)
    generator = torch.Generator().manual_seed(recipe.seed)
    seen = (examples.plain(SCORED_EXAMPLES, generator) for _ in range(SCORED_BATCHES))
    scores = score(full, seen, how.importance, recipe.seed)
    kernels = scores.kernels if how.scored == "kernels" else {}
    chosen = select(
        graph,
        scores.units,
        budgets_of(recipe),
        how.step,
        how.least,
        how.order,
        how.objective,
        kernels,
        device,
    )
    permute(full, most_important_first(graph, scores.units))
    net = nest(full, [subnet.widths for subnet in chosen], recipe.joint.norms)
    return finish(recipe, net, examples, progress, [subnet.name for subnet in recipe.subnet], kept)


def train_alone(
    recipe: Recipe, index: int, widths: Widths, examples: Examples, progress: Progress, kept: Checkpoint
) -> Trained:
    """One subnet's widths as a net of its own: the same code, settings and epochs, nothing shared."""
    label = recipe.subnet[index].name
    net = start(graph_of(recipe, examples.set).resized(widths), examples, recipe.seed)
    with progress.phase(f"{label} alone", [label], recipe.full.epochs) as report:
        train(net, examples, recipe.full, recipe.seed, report, kept=kept)
    return finish(recipe, net, examples, progress, [label], kept)


def start(graph: Graph, examples: Examples, seed: int) -> ElasticNet:
    """A full net with random weights and the standardization of the training examples."""
    torch.manual_seed(seed)
    net = ElasticNet(graph, [graph.full])
    if len(net.mean) > 1:
        for own, moment in zip((net.mean, net.std), examples.moments(), strict=True):
            own.copy_(moment)
    return net


def finish(
    recipe: Recipe,
    net: ElasticNet,
    examples: Examples,
    progress: Progress,
    labels: list[str],
    kept: Checkpoint,
) -> Trained:
    """Train the subnets of a net together and quantize it with the activation ranges best on validation."""
    with progress.phase("together", labels, recipe.joint.epochs) as report:
        floats = train(net, examples, recipe.joint, recipe.seed + 1, report, recipe.joint.distil, kept)
    calibration = calibration_part(net, examples, recipe.seed)
    integer = best_ranges(recipe.name, net, labels, ranges(net, calibration, PERCENTILES), examples)
    if how := recipe.rounding:
        tuned = deepcopy(net)
        with progress.phase("rounded", labels, how.epochs) as report:
            rounded = RoundedNet(tuned, integer.ranges)
            train(rounded, examples, how, recipe.seed + 2, report, how.distil, kept)
        tried = np.concatenate([integer.ranges[None], ranges(tuned, calibration, PERCENTILES)])
        again = best_ranges(recipe.name, tuned, labels, tried, examples)
        integer = max(integer, again, key=lambda each: sum(each.validation))
    return Trained(net, integer.model, floats, integer.validation)


def float_accuracy(
    net: ElasticNet, data_set: DataSet, x: NDArray[np.int8], y: NDArray[np.integer[Any]]
) -> tuple[float, ...]:
    """The same by the float net, before quantization."""
    features, labels = torch.from_numpy(data_set.real(x)), torch.from_numpy(y.astype(np.int64))
    return tuple(accuracy(net, i, features, labels) for i in range(len(net.widths)))
