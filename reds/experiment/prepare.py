"""What a recipe trains and is tested on, read and checked before anything is trained."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console

from reds.data.examples import Examples
from reds.data.home import sha256_of
from reds.data.load import load_data
from reds.data.own_files import load_own
from reds.data.sets import SETS, Data
from reds.errors import BudgetError, GraphError, ModelError, RecipeError
from reds.experiment.pipeline import budgets_of, graph_of
from reds.experiment.recipe import Recipe
from reds.experiment.recipe_file import check_rows, check_shifts, load_recipe
from reds.files import writable
from reds.graph.lowering import check_fits
from reds.nesting.budgets import TargetProfile, check_budgets
from reds.nesting.cost.latency import load
from reds.pack.layouts import LAYOUTS
from reds.training.torch_setup import prepare


@dataclass(frozen=True)
class Ready:
    """A recipe that can be trained, and its examples."""

    recipe: Recipe
    recipe_sha256: str
    data: Data
    examples: Examples
    device: TargetProfile
    test: tuple[NDArray[np.int8], NDArray[np.uint8]]
    """Test inputs [N, input_size] and labels [N], to be read once everything is chosen."""


def ready(path: Path, out: Path, console: Console) -> Ready:
    """Read a recipe, fetch its examples and make sure that `out` can be written; from here on the same bits.

    What the recipe says wrong is found before anything is fetched. Raises `RecipeError`, `BudgetError`,
    `LatencyError`, `DataError` and `OSError`, each with one line for the user.
    """
    return prepared(load_recipe(path), path, out, console)


def prepared(recipe: Recipe, path: Path, out: Path, console: Console) -> Ready:
    """The same for a recipe read from `path`, or a variant of it."""
    device, how = device_of(recipe, path.parent), recipe.selection
    own = None if recipe.data.set in SETS else load_own(path.parent / recipe.data.set, recipe.seed)
    data_set = own.set if own else SETS[recipe.data.set]
    check_rows(recipe, data_set, str(path))
    try:
        graph = graph_of(recipe, data_set)
        check_fits(graph)
        check_budgets(graph, budgets_of(recipe), how.step, how.least, device)
    except (BudgetError, GraphError, ModelError, RecipeError) as error:
        raise type(error)(f"{path}: {error}") from error
    check_shifts(recipe, data_set, str(path))
    data = own or load_data(recipe.data, recipe.seed, console)
    writable(out)
    prepare()
    examples = Examples(data, recipe.data, recipe.augmentation)
    test = data.test_x[:, :: recipe.data.every].reshape(len(data.test_x), -1), data.test_y
    return Ready(recipe, sha256_of(path), data, examples, device, test)


def device_of(recipe: Recipe, folder: Path) -> TargetProfile:
    """Where a recipe's subnets shall run; `folder` is the recipe's. Raises `LatencyError`."""
    if recipe.device is None:
        return TargetProfile()
    layout = next(layout for layout in LAYOUTS.values() if layout.name == recipe.device.layout)
    return TargetProfile(layout, load(folder / recipe.device.times) if recipe.device.times else None)
