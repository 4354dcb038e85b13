"""Everything that a recipe trains and is tested on, read and checked before anything is trained."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console

from reds.data.examples import Examples
from reds.data.home import sha256_of
from reds.data.load import load_data
from reds.data.own_files import load_own
from reds.data.sets import SETS, Data, DataSet
from reds.errors import BudgetError, GraphError, ModelError, RecipeError
from reds.experiment.pipeline import Method
from reds.experiment.recipe import Recipe
from reds.experiment.recipe_file import check_rows, check_shifts, load_recipe
from reds.files import ensure_writable
from reds.graph import Graph
from reds.graph.lowering import check_packable
from reds.nesting.budgets import TargetProfile, check_budgets
from reds.nesting.cost.latency import load
from reds.pack.layouts import LAYOUTS
from reds.training.torch_setup import prepare
from reds.zoo import RESIZABLE, by_name


@dataclass(frozen=True)
class Prepared:
    """A recipe that can be trained, and its examples."""

    recipe: Recipe
    recipe_sha256: str
    data: Data
    examples: Examples
    profile: TargetProfile

    @property
    def graph(self) -> Graph:
        """The full net."""
        return graph_of(self.recipe, self.data.set)

    @property
    def test(self) -> tuple[NDArray[np.int8], NDArray[np.uint8]]:
        """Test inputs [N, input_size] and labels [N], to be read once everything is chosen."""
        x = self.data.test_x[:, :: self.recipe.data.every]
        return x.reshape(len(x), -1), self.data.test_y


def read_and_prepare(path: Path, out: Path, console: Console) -> Prepared:
    """Read a recipe, fetch its examples and make sure that `out` can be written; torch then repeats its bits.

    Args:
        path: Of the recipe. Its mistakes are found before anything is fetched.
        out: Folder of the results; made if it is missing.
        console: Shows downloads.

    Raises:
        RedsError: The recipe, its budgets, times or data cannot be used.
        OSError: `out` cannot be written.
    """
    return prepare_recipe(load_recipe(path), path, out, console)


def prepare_recipe(recipe: Recipe, path: Path, out: Path, console: Console) -> Prepared:
    """Prepare a recipe that was read from `path`, or a variant of it; otherwise as `read_and_prepare`."""
    profile, how = profile_of(recipe, path.parent), recipe.selection
    own = None if recipe.data.set in SETS else load_own(path.parent / recipe.data.set, recipe.seed)
    data_set = own.set if own else SETS[recipe.data.set]
    check_rows(recipe, data_set, str(path))
    try:
        graph = graph_of(recipe, data_set)
        check_packable(graph)
        check_budgets(graph, method_of(recipe).budgets, how.step, how.least, profile)
    except (BudgetError, GraphError, ModelError, RecipeError) as error:
        raise type(error)(f"{path}: {error}") from error
    check_shifts(recipe, data_set, str(path))
    data = own or load_data(recipe.data, recipe.seed, console)
    ensure_writable(out)
    prepare()
    examples = Examples(data, recipe.data, recipe.augmentation)
    return Prepared(recipe, sha256_of(path), data, examples, profile)


def graph_of(recipe: Recipe, data_set: DataSet) -> Graph:
    """Return the full net of a recipe, with an output for each class of the data.

    Raises:
        RecipeError: The net reads inputs of another shape than the data have.
    """
    graph = by_name(recipe.net.name, len(data_set.classes))
    shape = data_set.thinned(recipe.data.every)
    if not graph.reads(shape):
        source = graph.tensors[0].height, graph.tensors[0].width, graph.full[0]
        reads, gives = ("x".join(map(str, sides)) for sides in (source, shape))
        other = " or ".join(f"{net}-{gives}" for net in RESIZABLE)
        raise RecipeError(
            f"[net], name: {recipe.net.name} reads {reads} (rows, columns, units), [data] gives {gives}:"
            f" write {other}"
        )
    return graph


def method_of(recipe: Recipe, name: str = "") -> Method:
    """Return what a recipe says of the method; the pack is called `name`, or as the recipe is."""
    return Method(
        name or recipe.name,
        tuple(subnet.limits for subnet in recipe.subnet),
        recipe.seed,
        recipe.full,
        recipe.selection,
        recipe.joint,
        recipe.rounding,
    )


def profile_of(recipe: Recipe, folder: Path) -> TargetProfile:
    """Return the target that a recipe names; times are read relative to `folder`. Raises `LatencyError`."""
    if recipe.device is None:
        return TargetProfile()
    layout = next(layout for layout in LAYOUTS.values() if layout.name == recipe.device.layout)
    return TargetProfile(layout, load(folder / recipe.device.times) if recipe.device.times else None)
