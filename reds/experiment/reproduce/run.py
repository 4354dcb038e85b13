"""Train a shipped recipe and baselines, and report them beside the paper: `reds reproduce`."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console

from reds.experiment.prepare import Prepared, prepare_recipe
from reds.experiment.recipe import Recipe, SubnetRecipe
from reds.experiment.recipe_file import load_recipe
from reds.experiment.reproduce.paper import BASELINES, PAPER, PaperTable
from reds.experiment.reproduce.plot import draw
from reds.experiment.reproduce.report import Contender, render
from reds.experiment.variants import Variant, Variants
from reds.files import write_atomically
from reds.fixtures import fixtures_dir
from reds.nesting.options import SelectionOptions
from reds.training.progress import Progress

NESTED: Mapping[str, Callable[[SelectionOptions], SelectionOptions]] = {
    "reds": lambda options: options,
    "uniform": lambda options: replace(options, order="uniform", step=1, least=1),
    "magnitude": lambda options: replace(options, importance="magnitude"),
    "random": lambda options: replace(options, importance="random"),
}
"""Selection of subnets of each nested contender. Uniform widths may be any number of units (`step` 1), so
that rounding does not keep them below their budget.
"""


def reproduce(name: str, seeds: Sequence[int], against: Sequence[str], out: Path, console: Console) -> str:
    """Train ours and some baselines with every seed, and write every pack, NAME.md and NAME.svg into `out`.

    Accuracies are int8, measured with the bit-exact interpreter on the recipe's test examples.

    Args:
        name: A key of `PAPER`.
        seeds: Seeds to train with.
        against: Baselines to train, of `BASELINES`.
        out: Folder of the results; it is made if it does not exist.
        console: Shows progress.

    Returns:
        The text of NAME.md.

    Raises:
        RedsError: The data cannot be used, or training diverged.
        OSError: `out` cannot be written.
    """
    options = [f"--seeds {','.join(map(str, seeds))}", *(f"--against {each}" for each in against)]
    table, command = PAPER[name], " ".join(["reds reproduce", name, *options])
    recipe, prepared = prepare_table(table, out, console)
    variants = Variants(prepared, out, Progress(console))
    contenders = [Contender("reds"), *(Contender(each) for each in BASELINES if each in against)]
    for seed in seeds:
        ours: Variant | None = None
        for contender in contenders:
            pack_name = f"{recipe.name}-seed{seed}-{contender.name}"
            console.print(f"{contender.name}, seed {seed}")
            if ours is not None and contender.name == "alone":
                contender.add(*_alone(variants, replace(recipe, seed=seed), ours, pack_name))
            else:
                selection = NESTED[contender.name](recipe.selection)
                variant = variants.nested(replace(recipe, seed=seed, selection=selection), pack_name)
                ours = ours or variant
                contender.add(variant.macs, variant.hits)
    text = render(table, contenders, seeds, command)
    write_atomically(out / f"{name}.md", text.encode())
    draw(table, contenders, out / f"{name}.svg")
    variants.done()
    return text


def prepare_table(table: PaperTable, out: Path, console: Console) -> tuple[Recipe, Prepared]:
    """Return the shipped recipe with the paper's budgets, and its data.

    Args:
        table: The table of the paper.
        out: Folder of the results; it is made if it does not exist.
        console: Shows downloads.

    Raises:
        RedsError: The data cannot be used.
        OSError: `out` cannot be written.
    """
    path = fixtures_dir() / "recipes" / f"{table.recipe}.toml"
    recipe = load_recipe(path)
    subnets = tuple(SubnetRecipe(subnet.share, 0.0) for subnet in table.subnets)
    least = recipe.selection.least if table.least is None else table.least
    recipe = replace(recipe, subnet=subnets, selection=replace(recipe.selection, least=least))
    return recipe, prepare_recipe(recipe, path, out, console)


def _alone(
    variants: Variants, recipe: Recipe, ours: Variant, name: str
) -> tuple[tuple[int, ...], NDArray[np.bool_]]:
    """Train each subnet of ours alone; return their MACs and test hits bool [subnets, examples]."""
    each = [variants.alone(recipe, i, subnet, f"{name}{i}") for i, subnet in enumerate(ours.subnets)]
    return ours.macs, np.concatenate([variant.hits for variant in each])
