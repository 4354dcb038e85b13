"""`reds reproduce`: a shipped recipe against the paper, and against the baselines of its figures."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console

from reds.experiment.prepare import Prepared, prepare_recipe
from reds.experiment.recipe import Recipe, SubnetRecipe
from reds.experiment.recipe_file import load_recipe
from reds.experiment.reproduce.paper import BASELINES, PAPER, Table
from reds.experiment.reproduce.plot import draw
from reds.experiment.reproduce.report import Line, markdown
from reds.experiment.variants import Variant, Variants
from reds.files import write_atomically
from reds.fixtures import fixtures_dir
from reds.nesting.options import SelectionOptions
from reds.training.progress import Progress

NESTED: Mapping[str, Callable[[SelectionOptions], SelectionOptions]] = {
    "reds": lambda how: how,
    "uniform": lambda how: replace(how, order="uniform", step=1, least=1),
    "magnitude": lambda how: replace(how, importance="magnitude"),
    "random": lambda how: replace(how, importance="random"),
}
"""Contenders that are nested subnets, by how they select. Uniform widths may be any number of units, so that
rounding does not cost them what the budget allows.
"""


def reproduce(name: str, seeds: Sequence[int], against: Sequence[str], out: Path, console: Console) -> str:
    """Train ours and the baselines that it is held against, for every seed.

    Writes every pack, NAME.md and NAME.svg into `out`, and returns NAME.md. All accuracies are int8, by the
    reference interpreter, on the recipe's test examples. Raises as `build`.
    """
    options = [f"--seeds {','.join(map(str, seeds))}", *(f"--against {each}" for each in against)]
    table, command = PAPER[name], " ".join(["reds reproduce", name, *options])
    recipe, prepared = prepare_table(table, out, console)
    variants = Variants(prepared, out, Progress(console))
    lines = [Line("reds"), *(Line(baseline) for baseline in BASELINES if baseline in against)]
    for seed in seeds:
        ours: Variant | None = None
        for line in lines:
            named = f"{recipe.name}-seed{seed}-{line.contender}"
            console.print(f"{line.contender}, seed {seed}")
            if ours is not None and line.contender == "alone":
                line.add(*_alone(variants, replace(recipe, seed=seed), ours, named))
            else:
                how = NESTED[line.contender](recipe.selection)
                variant = variants.nested(replace(recipe, seed=seed, selection=how), named)
                ours = ours or variant
                line.add(variant.macs, variant.hits)
    text = markdown(table, lines, seeds, command)
    write_atomically(out / f"{name}.md", text.encode())
    draw(table, lines, out / f"{name}.svg")
    variants.done()
    return text


def prepare_table(table: Table, out: Path, console: Console) -> tuple[Recipe, Prepared]:
    """The recipe with the paper's budgets and all that it trains on. Raises as `read_and_prepare`."""
    path = fixtures_dir() / "recipes" / f"{table.recipe}.toml"
    recipe = load_recipe(path)
    subnets = tuple(SubnetRecipe(row.share, 0.0) for row in table.rows)
    least = recipe.selection.least if table.least is None else table.least
    recipe = replace(recipe, subnet=subnets, selection=replace(recipe.selection, least=least))
    return recipe, prepare_recipe(recipe, path, out, console)


def _alone(
    variants: Variants, recipe: Recipe, ours: Variant, name: str
) -> tuple[tuple[int, ...], NDArray[np.bool_]]:
    each = [variants.alone(recipe, i, subnet, f"{name}{i}") for i, subnet in enumerate(ours.subnets)]
    return ours.macs, np.concatenate([variant.hits for variant in each])
