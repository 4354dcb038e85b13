"""Train a shipped recipe and baselines, and report them beside the paper: `reds reproduce`."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console

from reds.experiment.build_report import describe
from reds.experiment.compare import origin
from reds.experiment.out_folder import only_writer
from reds.experiment.prepare import Checked, check_recipe, prepare
from reds.experiment.recipe import Recipe, SubnetRecipe, method_of
from reds.experiment.recipe_file import load_recipe
from reds.experiment.reproduce.paper import BASELINES, PAPER, PaperTable
from reds.experiment.reproduce.plot import draw
from reds.experiment.reproduce.report import Contender, render
from reds.experiment.schedule import alone_phases, nested_phases
from reds.experiment.variants import Variant, Variants
from reds.files import write_atomically
from reds.fixtures import fixtures_dir
from reds.nesting.options import SelectionOptions
from reds.training.progress import Progress
from reds.training.time_left import Phase

NESTED: Mapping[str, Callable[[SelectionOptions], SelectionOptions]] = {
    "reds": lambda options: options,
    "uniform": lambda options: replace(options, order="uniform", step=1, least=1),
    "magnitude": lambda options: replace(options, importance="magnitude"),
    "random": lambda options: replace(options, importance="random"),
}
"""Selection of subnets of each nested contender. Uniform widths may be any number of units (`step` 1), so
that rounding does not keep them below their budget.
"""


def reproduce(
    name: str, seeds: Sequence[int], against: Sequence[str], out: Path, console: Console, *,
    force: bool = False, threads: int | None = None,
) -> str:  # fmt: skip
    """Train ours and some baselines with every seed, and write every pack, NAME.md and NAME.svg into `out`.

    Accuracies are int8, measured with the bit-exact interpreter on the recipe's test examples.

    Args:
        name: A key of `PAPER`.
        seeds: Seeds to train with.
        against: Baselines to train, of `BASELINES`.
        out: Folder of the results; it is made if it does not exist.
        console: Shows progress.
        force: Overwrite packs of another recipe.
        threads: Threads of torch; by default as many as the net needs.

    Returns:
        The text of NAME.md.

    Raises:
        RedsError: The data cannot be used, training diverged, or packs of another recipe are in the way.
        OSError: `out` cannot be written, or another command writes into it.
    """
    options = [f"--seeds {','.join(map(str, seeds))}", *(f"--against {each}" for each in against)]
    table, command = PAPER[name], " ".join(["reds reproduce", name, *options])
    checked = check_table(table)
    recipe, made = checked.recipe, origin(checked.recipe, checked.sha256, seeds)
    contenders = [Contender("reds"), *(Contender(each) for each in BASELINES if each in against)]
    with only_writer(out):
        prepared = prepare(checked, console, threads)
        describe(prepared, console)
        progress = Progress(console, [each for _ in seeds for each in _phases(recipe, contenders)])
        variants = Variants(prepared, out, progress, force)
        for seed in seeds:
            _train_contenders(variants, replace(recipe, seed=seed), contenders)
        text = render(table, contenders, made, command)
        write_atomically(out / f"{name}.md", text.encode())
        draw(table, contenders, made, out / f"{name}.svg")
        variants.done()
    return text


def check_table(table: PaperTable) -> Checked:
    """Return the shipped recipe with the paper's budgets. Raises `RedsError`."""
    path = fixtures_dir() / "recipes" / f"{table.recipe}.toml"
    recipe = load_recipe(path)
    subnets = tuple(SubnetRecipe(subnet.share, 0.0) for subnet in table.subnets)
    least = recipe.selection.least if table.least is None else table.least
    recipe = replace(recipe, subnet=subnets, selection=replace(recipe.selection, least=least))
    return check_recipe(path, recipe)


def _phases(recipe: Recipe, contenders: Sequence[Contender]) -> Iterator[Phase]:
    """Give the phases of all contenders of one seed."""
    method = method_of(recipe)
    for contender in contenders:
        if contender.name == "alone":
            for subnet in recipe.subnet:
                yield from alone_phases(method, subnet.name, subnet.budget)
        else:
            yield from nested_phases(method)


def _train_contenders(variants: Variants, recipe: Recipe, contenders: Sequence[Contender]) -> None:
    """Train every contender with the seed of the recipe; the first one's subnets are those trained alone."""
    ours: Variant | None = None
    for contender in contenders:
        name = f"{recipe.name}-seed{recipe.seed}-{contender.name}"
        variants.progress.console.print(f"{contender.name}, seed {recipe.seed}")
        if ours is not None and contender.name == "alone":
            contender.add(*_alone(variants, recipe, ours, name))
        else:
            selection = NESTED[contender.name](recipe.selection)
            variant = variants.nested(replace(recipe, selection=selection), name)
            ours = ours or variant
            contender.add(variant.macs, variant.hits)


def _alone(
    variants: Variants, recipe: Recipe, ours: Variant, name: str
) -> tuple[tuple[int, ...], NDArray[np.bool_]]:
    """Train each subnet of ours alone; return their MACs and test hits bool [subnets, examples]."""
    each = [variants.alone(recipe, i, subnet, f"{name}{i}") for i, subnet in enumerate(ours.subnets)]
    return ours.macs, np.concatenate([variant.hits for variant in each])
