"""Measure the accuracy that nesting costs, against the same widths trained alone: `reds compare`.

A subnet trained alone runs through the same code as a net with one subnet: the same recipe, examples,
augmentation, optimizer, seed and epochs.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console

from reds.errors import RecipeError
from reds.experiment.answers import temper
from reds.experiment.build_report import describe
from reds.experiment.out_folder import only_writer
from reds.experiment.prepare import Checked, prepare
from reds.experiment.recipe import Recipe
from reds.experiment.spread.run_all import Workers, local_workers, run_all
from reds.experiment.variants import Training
from reds.tables import markdown

TEMPERED = (
    "Tempered loss, nats: the cross-entropy of the logits divided by a temperature, fitted on validation"
    " examples, that all subnets of a row share. It tells small subnets apart better than accuracy does."
)
RESAMPLES = 10_000
"""Bootstrap samples of each interval."""


@dataclass(frozen=True)
class Paired:
    """Hold two means and the 95 % interval of their difference: accuracies as fractions, or losses."""

    nested: float
    alone: float
    low: float
    """Lower end of the interval of nested - alone."""
    high: float
    """Upper end of the interval."""

    @property
    def points(self) -> str:
        """Return the difference of accuracies and its interval in percentage points, as text."""
        return f"{100 * (self.nested - self.alone):+.2f} ({100 * self.low:+.2f} to {100 * self.high:+.2f})"

    @property
    def nats(self) -> str:
        """Return the difference of losses and its interval, as text."""
        return f"{self.nested - self.alone:+.3f} ({self.low:+.3f} to {self.high:+.3f})"


def compare(
    checked: Checked, seeds: Sequence[int], out: Path, console: Console, *, force: bool = False,
    threads: int | None = None, workers: Workers = 1,
) -> str:  # fmt: skip
    """Train nested and alone with every seed, write all packs and cards into `out`, and return a report.

    Accuracies are int8, measured with the bit-exact interpreter on the recipe's test examples.

    Args:
        checked: The recipe.
        seeds: Seeds to train with.
        out: Folder of the packs; it is made if it does not exist.
        console: Shows progress.
        force: Overwrite packs of another recipe.
        threads: Threads of torch; by default as many as the net needs.
        workers: Where the trainings run; 1 for this process, one after the other.

    Returns:
        The report in Markdown.

    Raises:
        RecipeError: The recipe has alternatives, or its net does not tell classes apart.
        RedsError: The data cannot be used, training diverged, packs of another recipe are in the way, or Ray
            cannot be used.
        OSError: `out` cannot be written, or another command writes into it.
    """
    recipe = checked.recipe
    if checked.alternatives:
        raise RecipeError(
            f"{recipe.name}: it has alternatives, and one resolution is compared: write its strides into"
            " [net]"
        )
    if recipe.data.task != "classes":
        raise RecipeError(
            f"{recipe.name}: [data] task is {recipe.data.task}, and answers of classes are compared: build it"
            " with `reds build`"
        )
    trainings = [trainings_of_seed(recipe, seed) for seed in seeds]
    with only_writer(out):
        prepared = prepare(checked, console, threads, local_workers(workers))
        describe(prepared, console)
        every = [training for of_seed in trainings for training in of_seed]
        done = run_all(prepared, every, out, console, force=force, workers=workers)
    variants = [[done[training.name] for training in of_seed] for of_seed in trainings]
    sizes = [(nested.size, sum(each.size for each in others)) for nested, *others in variants]
    rows, losses = [], []
    for i in range(len(recipe.subnet)):
        alone = [of_seed[1 + i] for of_seed in variants]
        test = [[nested.test.subnet(i) for nested, *_ in variants], [each.test for each in alone]]
        validation = [
            [nested.validation.subnet(i) for nested, *_ in variants],
            [each.validation for each in alone],
        ]
        rows.append(paired(*(np.array([each.hits[0] for each in of_seeds]) for of_seeds in test)))
        losses.append(paired(*temper(validation, test).losses))
    examples = len(variants[0][0].test.labels)
    text = render(recipe.titles, rows, losses, sizes, len(seeds), examples)
    return f"{text}\n\n{origin(recipe, checked.sha256, seeds)}"


def origin(recipe: Recipe, sha256: str, seeds: Sequence[int]) -> str:
    """Return what a table was trained with: the recipe, its seeds and its epochs.

    Args:
        recipe: The recipe.
        sha256: Of the recipe's file.
        seeds: Seeds that were trained with.
    """
    phases = [f"{recipe.full.epochs} full", f"{recipe.joint.epochs} joint"]
    phases += [f"{recipe.int8.epochs} int8"] if recipe.int8 else []
    seed_list = f"seed{'s' if len(seeds) > 1 else ''} {', '.join(map(str, seeds))}"
    return f"Recipe {recipe.name} ({sha256[:12]}), epochs {' + '.join(phases)}, {seed_list}."


def trainings_of_seed(recipe: Recipe, seed: int) -> list[Training]:
    """Return the trainings of one seed: all subnets nested, then each alone."""
    nested = Training(f"{recipe.name}-seed{seed}", replace(recipe, seed=seed))
    alone = (f"{nested.name}-alone{i}" for i in range(len(recipe.subnet)))
    return [nested, *(Training(name, nested.recipe, i, nested.name) for i, name in enumerate(alone))]


def paired(nested: NDArray[np.bool_ | np.float64], alone: NDArray[np.bool_ | np.float64]) -> Paired:
    """Return both means and a 95 % interval of their difference.

    Differences are paired over seeds and examples. Seeds and examples are both samples, so both are
    resampled, independently of each other and with a fixed seed. This is the pigeonhole bootstrap (Owen,
    Annals of Applied Statistics 2007), whose intervals tend to be too wide. With few seeds the variance
    between seeds is itself a rough estimate.

    Args:
        nested: Whether the nested subnet was correct, or its losses, [seeds, examples].
        alone: The same for the subnet trained alone.
    """
    difference = nested.astype(np.float64) - alone
    rng = np.random.default_rng(0)
    seeds, n = difference.shape
    by_seed = rng.multinomial(seeds, np.full(seeds, 1 / seeds), RESAMPLES) / seeds
    means = np.empty(RESAMPLES)
    for i in range(RESAMPLES):
        by_example = np.bincount(rng.integers(n, size=n), minlength=n) / n
        means[i] = by_seed[i] @ difference @ by_example
    low, high = np.percentile(means, [2.5, 97.5])
    return Paired(float(nested.mean()), float(alone.mean()), float(low), float(high))


def render(
    names: Sequence[str], rows: Sequence[Paired], losses: Sequence[Paired], sizes: Sequence[tuple[int, int]],
    seeds: int, examples: int,
) -> str:  # fmt: skip
    """Return the report: accuracies and losses of each subnet, and bytes of one pack and of separate ones.

    Args:
        names: Names of the subnets.
        rows: Accuracies of each subnet.
        losses: Tempered losses of each subnet.
        sizes: Bytes of the nested pack and of all separate packs, for each seed.
        seeds: Number of seeds.
        examples: Number of test examples.
    """
    title = (
        f"Int8 accuracy, %, on {examples:,} test examples, mean of {seeds} seeds; difference in points with"
        " its paired 95 % interval."
    )
    cells = [
        [name, f"{100 * row.nested:.2f}", f"{100 * row.alone:.2f}", row.points]
        for name, row in zip(names, rows, strict=True)
    ]
    loss_cells = [
        [name, f"{row.nested:.3f}", f"{row.alone:.3f}", row.nats]
        for name, row in zip(names, losses, strict=True)
    ]
    heads = ["subnet", "nested", "alone", "nested - alone"]
    one, separate = np.mean(sizes, axis=0)
    bytes_ = f"One nested pack: {one:,.0f} bytes; {len(names)} separate packs: {separate:,.0f} bytes."
    return "\n\n".join([title, markdown(heads, cells), TEMPERED, markdown(heads, loss_cells), bytes_])
