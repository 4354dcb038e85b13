"""Train the contenders of one part: one full net for each seed, then all subnets of each contender."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from rich.console import Console
from torch import Tensor

from reds.elastic.net import ElasticNet, nest
from reds.experiment.answers import Answers
from reds.experiment.pipeline import random_net
from reds.experiment.prepare import Prepared, check_recipe, prepare
from reds.experiment.recipe import method_of
from reds.experiment.training_key import code_digest
from reds.files import atomic_file
from reds.nesting.importance import Importance, score
from reds.nesting.options import SelectionOptions
from reds.nesting.permute import most_important_first, permute
from reds.nesting.select import select
from reds.training.checkpoint import Checkpoint
from reds.training.trainer import train
from tests.int8_gap.__main__ import with_fewer

PARTS = Path(__file__).parent / "parts"
SELECTIONS: Mapping[str, Callable[[SelectionOptions], SelectionOptions]] = {
    "balanced": lambda options: options,
    "uniform": lambda options: replace(options, order="uniform"),
    "even": lambda options: replace(options, order="even"),
    "depth": lambda options: replace(options, depth=True),
    "product": lambda options: replace(options, objective="product", least=8),
}
CONTENDERS: Mapping[str, Sequence[str]] = {
    "resnet8-macs": ("balanced", "uniform", "even"),
    "resnet8-depth": ("depth", "balanced", "uniform", "even"),
    "resnet8-latency": ("balanced", "uniform", "even"),
    "mobilenet-macs": ("balanced", "uniform", "even"),
    "mobilenet-latency": ("balanced", "uniform", "even"),
    "kws-10": ("balanced", "product"),
}
"""The selections that each part compares: the first one with the others."""
SAME_RECIPE = {"resnet8-depth": "resnet8-macs"}
"""Parts that share the recipe and the trainings of another one. Others have a recipe of their name."""
TRAINING, VALIDATION, TEST = 5000, 500, 5000
"""Most examples of each part of the data."""
SCORED_BATCHES, SCORED_EXAMPLES = 20, 100
BATCH = 256
Logits = NDArray[np.float32]


@dataclass(frozen=True)
class Trained:
    """The answers of one contender's subnets with one seed."""

    widths: NDArray[np.int64]
    """Units [subnets, groups]."""
    costs: NDArray[np.int64]
    """MACs, bytes of arena, and nanoseconds or 0 [subnets, 3]."""
    validation: Logits
    """[subnets, examples, classes]."""
    test: Logits
    """[subnets, examples, classes]."""
    seconds: float
    """Of one processor, of this training alone."""


def prepared_part(part: str, console: Console) -> Prepared:
    """Return a part's recipe with its examples: the first ones, where there are many."""
    prepared = with_fewer(prepare(check_recipe(recipe_path(part)), console, threads=1), TRAINING)
    x, y = prepared.examples.validation
    prepared.examples.validation = x[:VALIDATION], y[:VALIDATION]
    return prepared


def run_part(part: str, seeds: Sequence[int], out: Path, console: Console) -> None:
    """Run the trainings of a part that `out` does not hold yet; each goes on after its last whole epoch.

    Args:
        part: A key of `CONTENDERS`.
        seeds: Seeds of the trainings.
        out: Folder of checkpoints and results.
        console: Shows what is done.
    """
    prepared = prepared_part(part, console)
    for seed in seeds:
        missing = [name for name in CONTENDERS[part] if not result_path(out, part, name, seed).exists()]
        if not missing:
            continue
        full = _full_net(prepared, seed, out)
        scores = score(full, _scored(prepared, seed), seed=seed, depth="depth" in missing)
        for name in missing:
            path = result_path(out, part, name, seed)
            done = _train(prepared, deepcopy(full), scores, SELECTIONS[name], seed, path)
            with atomic_file(path) as file:
                np.savez(file, **vars(done))
            answers = Answers(done.test, prepared.test[1][:TEST])
            accuracies = " ".join(f"{100 * each:.1f}" for each in answers.hits.mean(1))
            console.print(f"{path.stem}: test {accuracies}, {done.seconds:.0f} s of one processor")


def recipe_path(part: str) -> Path:
    """Return the recipe of a part."""
    return PARTS / f"{SAME_RECIPE.get(part, part)}.toml"


def result_path(out: Path, part: str, contender: str, seed: int) -> Path:
    """Return the file of one training's results."""
    return out / f"{recipe_path(part).stem}-seed{seed}-{contender}.npz"


def load_result(path: Path) -> Trained:
    """Read the results of one training."""
    with np.load(path) as file:
        return Trained(**{name: file[name] for name in file.files})


def _full_net(prepared: Prepared, seed: int, out: Path) -> ElasticNet:
    """Train the full net with a seed, or take the one that `out` holds."""
    recipe, examples = prepared.recipe, prepared.examples
    shared = recipe.net, recipe.data, recipe.augmentation, recipe.full, TRAINING
    key = {"full": repr(shared), "seed": str(seed), "torch": str(torch.__version__), "code": code_digest()}
    full = random_net(prepared.graph, examples, seed)
    states = Checkpoint(out / f"{recipe.net.name}-{recipe.data.set}-seed{seed}.training", key)
    train(full, examples, recipe.full, seed=seed, checkpoint=states)
    return full


def _scored(prepared: Prepared, seed: int) -> Iterator[tuple[Tensor, Tensor]]:
    generator = torch.Generator().manual_seed(seed)
    return (prepared.examples.plain(SCORED_EXAMPLES, generator) for _ in range(SCORED_BATCHES))


def _train(
    prepared: Prepared, full: ElasticNet, scores: Importance,
    selection: Callable[[SelectionOptions], SelectionOptions], seed: int, path: Path,
) -> Trained:  # fmt: skip
    """Select, train and test the subnets of one contender.

    Args:
        prepared: The part.
        full: The trained full net; it is changed in place.
        scores: Of its units.
        selection: Returns the contender's options, given the recipe's.
        seed: Seed of the training.
        path: The results to be; the checkpoint lies beside them.
    """
    started = time.process_time()
    options, examples, joint = selection(prepared.recipe.selection), prepared.examples, prepared.recipe.joint
    selected = select(
        full.graph, scores.units, method_of(prepared.recipe).budgets, step=options.step, least=options.least,
        order=options.order, objective=options.objective, profile=prepared.profile,
        depth=options.depth, identity=scores.identity,
    )  # fmt: skip
    permute(full, most_important_first(full.graph, scores.units))
    net = nest(full, selected, norms=joint.norms)
    key = {
        "joint": repr(joint),
        "subnets": repr(selected),
        "torch": str(torch.__version__),
        "code": code_digest(),
    }
    states = Checkpoint(path.with_suffix(".training"), key)
    train(net, examples, joint, seed=seed + 1, distil=joint.distil, checkpoint=states)
    states.remove()
    names = "macs", "arena", "latency"
    test = torch.from_numpy(prepared.data.set.real(prepared.test[0][:TEST]))
    return Trained(
        np.array([subnet.widths for subnet in selected]),
        np.array([[subnet.costs.get(name, 0) for name in names] for subnet in selected]),
        _logits(net, examples.validation[0]),
        _logits(net, test),
        time.process_time() - started,
    )


@torch.no_grad()
def _logits(net: ElasticNet, x: Tensor) -> Logits:
    """Return the logits of each subnet, [subnets, examples, classes]."""
    net.eval()
    parts = torch.split(x, BATCH)
    return np.stack([torch.cat([net(part, i) for part in parts]).numpy() for i in range(len(net.subnets))])
