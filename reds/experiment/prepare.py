"""Read and check everything that a recipe needs, so that its mistakes show before anything is trained."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console

from reds.console import print_notes
from reds.data.catalog import SETS, Data, DataSpec
from reds.data.examples import Examples
from reds.data.load import load_data
from reds.data.local_files import sha256_of
from reds.data.user_files import load_user_data
from reds.errors import BudgetError, GraphError, ModelError, RecipeError
from reds.experiment.recipe import Recipe, method_of
from reds.experiment.recipe_file import check_rows, check_shifts, load_recipe
from reds.files import ensure_writable
from reds.graph import Graph
from reds.graph.lowering import check_packable
from reds.nesting.budgets import TargetProfile, check_budgets
from reds.nesting.cost.latency import load
from reds.pack.layouts import LAYOUTS
from reds.reading import user_path
from reds.training.torch_setup import make_repeatable
from reds.zoo import RESIZABLE, by_name


@dataclass(frozen=True)
class Prepared:
    """Hold a checked recipe with its examples and its target."""

    recipe: Recipe
    recipe_sha256: str
    data: Data
    examples: Examples
    profile: TargetProfile

    @property
    def graph(self) -> Graph:
        """Return the full net."""
        return graph_of(self.recipe, self.data.set)

    @property
    def test(self) -> tuple[NDArray[np.int8], NDArray[np.uint8]]:
        """Return test inputs int8 [N, input_size] and labels uint8 [N], which no choice may depend on."""
        x = self.data.test_x[:, :: self.recipe.data.every]
        return x.reshape(len(x), -1), self.data.test_y


def read_and_prepare(path: Path, out: Path, console: Console) -> Prepared:
    """Read a recipe, fetch its examples, check that `out` can be written, and make torch repeatable.

    Args:
        path: The recipe file; its mistakes are reported before anything is fetched.
        out: Folder of the results; it is made if it does not exist.
        console: Shows downloads.

    Raises:
        RedsError: The recipe, its budgets, its times or its data cannot be used.
        OSError: `out` cannot be written.
    """
    return prepare_recipe(load_recipe(path), path, out, console)


def prepare_recipe(recipe: Recipe, path: Path, out: Path, console: Console) -> Prepared:
    """Prepare a recipe that is read already, or a variant of it.

    Args:
        recipe: The recipe.
        path: The file that it was read from, for errors, paths relative to it, and its checksum.
        out: Folder of the results; it is made if it does not exist.
        console: Shows downloads.

    Raises:
        RedsError: The budgets, times or data of the recipe cannot be used.
        OSError: `out` cannot be written.
    """
    profile, selection = profile_of(recipe, path), recipe.selection
    own = None
    if recipe.data.set not in SETS:
        source = _relative(recipe.data.set, path, "[data], set")
        own = load_user_data(source, recipe.seed, recipe.data)
    spec = own.set if own else SETS[recipe.data.set]
    check_rows(recipe, spec, str(path))
    try:
        graph = graph_of(recipe, spec)
        check_packable(graph)
        check_budgets(graph, method_of(recipe).budgets, selection.step, selection.least, profile)
    except (BudgetError, GraphError, ModelError, RecipeError) as error:
        raise type(error)(f"{path}: {error}") from error
    check_shifts(recipe, spec, str(path))
    data = own or load_data(recipe.data, recipe.seed, console)
    print_notes(data.notes, console)
    ensure_writable(out)
    make_repeatable()
    examples = Examples(data, recipe.data, recipe.augmentation)
    return Prepared(recipe, sha256_of(path), data, examples, profile)


def graph_of(recipe: Recipe, spec: DataSpec) -> Graph:
    """Return the full net of a recipe, with an output for each class of the data.

    Raises:
        RecipeError: The net reads inputs of another shape than the data have.
    """
    graph = by_name(recipe.net.name, len(spec.classes))
    shape = spec.thinned(recipe.data.every)
    if not graph.reads(shape):
        source = graph.tensors[0].height, graph.tensors[0].width, graph.full[0]
        expected, found = ("x".join(map(str, sides)) for sides in (source, shape))
        names = " or ".join(f"{net}-{found}" for net in RESIZABLE)
        raise RecipeError(
            f"[net], name: {recipe.net.name} reads {expected} (rows, columns, units), [data] gives {found}:"
            f" write {names}"
        )
    return graph


def profile_of(recipe: Recipe, path: Path) -> TargetProfile:
    """Return the target of a recipe, with its measured times.

    Args:
        recipe: The recipe.
        path: The file that it was read from; times are read relative to its folder.

    Raises:
        LatencyError: The times cannot be read.
        RecipeError: No file can have the name of the times.
    """
    if recipe.device is None:
        return TargetProfile()
    layout = next(layout for layout in LAYOUTS.values() if layout.name == recipe.device.layout)
    times = recipe.device.times
    return TargetProfile(layout, load(_relative(times, path, "[device], times")) if times else None)


def _relative(text: str, recipe: Path, key: str) -> Path:
    """Return the path that a key of a recipe names, relative to the recipe's folder."""
    try:
        return recipe.parent / user_path(text)
    except ValueError as error:
        raise RecipeError(f"{recipe}: {key}: {error}") from None
