"""The method from end to end, on clips and a recipe.

train the full net -> score units -> select nested subnets -> most important units first -> train all
subnets together -> int8. Everything is chosen on validation clips; no test clip comes here.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from reds import reference
from reds.chain import Chain, Widths
from reds.data.clips import SpeechClips
from reds.data.speech import COEFFICIENTS, FRAMES, SCALE, ZERO, real
from reds.elastic import ElasticNet, nest
from reds.finetune import accuracy, fit
from reds.importance import unit_scores
from reds.model import Model
from reds.nets.dnn import dnn
from reds.permute import most_important_first, permute
from reds.progress import Progress
from reds.quantize import quantise
from reds.recipe import Recipe
from reds.select import nested

SCORED_BATCHES, SCORED_CLIPS = 100, 100
"""Minibatches, and clips in each, that importance sums over (REDS, arXiv 2311.13349)."""
CALIBRATION_CLIPS = 4096
PERCENTILES = (100.0, 99.999, 99.99, 99.95, 99.9)
"""Activation ranges to choose from, on validation clips."""


@dataclass(frozen=True)
class Trained:
    """A net of one or more subnets, in float and in int8, with its validation accuracy per subnet."""

    net: ElasticNet
    model: Model
    float_validation: tuple[float, ...]
    validation: tuple[float, ...]


def deterministic() -> None:
    """One thread and deterministic kernels: the same seed gives the same bits."""
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)


def chain_of(recipe: Recipe) -> Chain:
    """The full net of a recipe."""
    return dnn(recipe.net.size, len(range(0, FRAMES, recipe.data.every)) * COEFFICIENTS)


def train_nested(recipe: Recipe, clips: SpeechClips, progress: Progress) -> Trained:
    """All subnets of a recipe in one weight set. Raises `DivergedError`, and `BudgetError` as `nested`."""
    chain, how = chain_of(recipe), recipe.selection
    full = start(chain, clips, recipe.seed)
    with progress.phase("full net", ["100%"], recipe.full.epochs) as report:
        fit(full, clips, recipe.full, recipe.seed, report)
    generator = torch.Generator().manual_seed(recipe.seed)
    scores = unit_scores(full, (clips.plain(SCORED_CLIPS, generator) for _ in range(SCORED_BATCHES)))
    budgets = [subnet.budget for subnet in recipe.subnet]
    chosen = nested(chain, scores, budgets, how.step, how.least, how.order, how.objective)
    permute(full, most_important_first(chain, scores))
    net = nest(full, [subnet.widths for subnet in chosen])
    return finish(recipe, net, clips, progress, [subnet.label for subnet in recipe.subnet])


def train_alone(
    recipe: Recipe, index: int, widths: Widths, clips: SpeechClips, progress: Progress
) -> Trained:
    """One subnet's widths as a net of its own: the same code, settings and epochs, nothing shared."""
    label = recipe.subnet[index].label
    net = start(chain_of(recipe).resized(widths), clips, recipe.seed)
    with progress.phase(f"{label} alone", [label], recipe.full.epochs) as report:
        fit(net, clips, recipe.full, recipe.seed, report)
    return finish(recipe, net, clips, progress, [label])


def start(chain: Chain, clips: SpeechClips, seed: int) -> ElasticNet:
    """A full net with random weights and the standardisation of the training clips."""
    torch.manual_seed(seed)
    net = ElasticNet(chain, [chain.full])
    net.mean.copy_(clips.mean)
    net.std.copy_(clips.std)
    return net


def finish(
    recipe: Recipe, net: ElasticNet, clips: SpeechClips, progress: Progress, labels: list[str]
) -> Trained:
    """Train the subnets of a net together and quantise it with the activation ranges best on validation."""
    with progress.phase("together", labels, recipe.joint.epochs) as report:
        floats = fit(net, clips, recipe.joint, recipe.seed + 1, report, recipe.joint.distil)
    calibration, _ = clips.plain(CALIBRATION_CLIPS, torch.Generator().manual_seed(recipe.seed))
    labelled = clips.stored, clips.validation[1].numpy()
    tried = [quantise(recipe.name, net, labels, calibration, p, SCALE, ZERO) for p in PERCENTILES]
    scores = np.array([int8_accuracy(model, *labelled) for model in tried])
    best = scores.argmax(0)  # activation scales are a subnet's own: each takes its best range
    subnets = tuple(tried[k].subnets[i] for i, k in enumerate(best))
    return Trained(net, replace(tried[0], subnets=subnets), floats, tuple(scores.max(0).tolist()))


def int8_accuracy(model: Model, x: NDArray[np.int8], y: NDArray[np.integer[Any]]) -> tuple[float, ...]:
    """Fraction of x int8 [N, input_size] that each subnet classifies as y, by the reference interpreter."""
    return tuple(float(hits(model, i, x, y).mean()) for i in range(len(model.subnets)))


def hits(model: Model, subnet: int, x: NDArray[np.int8], y: NDArray[np.integer[Any]]) -> NDArray[np.bool_]:
    """Which of x int8 [N, input_size] one subnet classifies as y [N]."""
    return np.asarray(reference.run(model, subnet, x).argmax(1) == y)


def float_accuracy(net: ElasticNet, x: NDArray[np.int8], y: NDArray[np.integer[Any]]) -> tuple[float, ...]:
    """The same of the float net before quantisation."""
    features, labels = torch.from_numpy(real(x)), torch.from_numpy(y.astype(np.int64))
    return tuple(accuracy(net, i, features, labels) for i in range(len(net.widths)))
