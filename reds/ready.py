"""What a recipe trains and is tested on, read and checked before anything is trained."""

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile

import numpy as np
from numpy.typing import NDArray
from rich.console import Console

from reds.budget import check_budgets
from reds.data.examples import Examples
from reds.data.home import sha256_of
from reds.data.load import load_data
from reds.data.sets import SETS, Data
from reds.recipe import Recipe
from reds.recipe_file import load_recipe
from reds.train import chain_of, deterministic


@dataclass(frozen=True)
class Ready:
    """A recipe that can be trained, and its examples."""

    recipe: Recipe
    recipe_sha256: str
    data: Data
    examples: Examples
    test: tuple[NDArray[np.int8], NDArray[np.uint8]]
    """Test inputs [N, input_size] and labels [N], to be read once everything is chosen."""


def ready(path: Path, out: Path, console: Console) -> Ready:
    """Read a recipe, fetch its examples and make sure that `out` can be written; from here on the same bits.

    What the recipe says wrong is found before anything is fetched. Raises `RecipeError`, `BudgetError`,
    `DataError` and `OSError`, each with one line for the user.
    """
    recipe = load_recipe(path)
    budgets, how = [subnet.budget for subnet in recipe.subnet], recipe.selection
    check_budgets(chain_of(recipe), budgets, how.step, how.least)
    data = load_data(recipe, console)
    out.mkdir(parents=True, exist_ok=True)
    with TemporaryFile(dir=out):  # a folder that cannot be written fails now, not after the training
        pass
    deterministic()
    examples = Examples(SETS[recipe.data.set], data, recipe.data, recipe.augmentation)
    test = data.test_x[:, :: recipe.data.every].reshape(len(data.test_x), -1), data.test_y
    return Ready(recipe, sha256_of(path), data, examples, test)
