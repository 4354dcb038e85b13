"""Check a recipe against its data, and then fetch and draw its examples.

A recipe's mistakes show before anything is fetched, and before torch is imported, which takes seconds.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from rich.console import Console

from reds.console import print_notes
from reds.data.catalog import SETS, Data, DataSpec
from reds.data.load import load_data
from reds.data.local_files import sha256_of
from reds.data.user_files import load_user_data
from reds.errors import BudgetError, GraphError, ModelError, RecipeError
from reds.experiment.recipe import Recipe, method_of
from reds.experiment.recipe_file import check_rows, check_shifts, load_recipe
from reds.graph import Graph
from reds.graph.lowering import check_packable
from reds.nesting.budgets import TargetProfile, check_budgets
from reds.nesting.cost.latency import load
from reds.pack.layouts import LAYOUTS
from reds.reading import user_path
from reds.zoo import by_name, names_reading

if TYPE_CHECKING:
    from reds.data.examples import Examples


@dataclass(frozen=True)
class Checked:
    """Hold a recipe that fits its data, its target and its net."""

    recipe: Recipe
    sha256: str
    """Checksum of the recipe's file."""
    own: Data | None
    """The user's own data; None for an official set, which is fetched later."""
    graph: Graph
    """The full net."""
    profile: TargetProfile


@dataclass(frozen=True)
class Prepared(Checked):
    """Hold a checked recipe with its examples."""

    data: Data
    examples: "Examples"
    threads: int
    """Threads of torch."""

    @property
    def test(self) -> tuple[NDArray[np.int8], NDArray[np.uint8]]:
        """Return test inputs int8 [N, input_size] and labels uint8 [N], which no choice may depend on."""
        x = self.data.test_x[:, :: self.recipe.data.every]
        return x.reshape(len(x), -1), self.data.test_y


def check_recipe(path: Path, recipe: Recipe | None = None) -> Checked:
    """Check a recipe: its values, its own data, its net, its budgets and its times.

    Args:
        path: The recipe file, also for errors, for paths relative to it, and for its checksum.
        recipe: A variant of the recipe in the file; by default the recipe itself.

    Raises:
        RedsError: The recipe, its budgets, its times or its own data cannot be used.
    """
    recipe = recipe or load_recipe(path)
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
        check_budgets(
            graph, method_of(recipe).budgets, selection.step, selection.least, profile, selection.depth
        )
    except (BudgetError, GraphError, ModelError, RecipeError) as error:
        raise type(error)(f"{path}: {error}") from error
    check_shifts(recipe, spec, str(path))
    return Checked(recipe, sha256_of(path), own, graph, profile)


def prepare(checked: Checked, console: Console, threads: int | None = None, at_once: int = 1) -> Prepared:
    """Fetch the examples of a recipe, and make torch repeatable.

    Args:
        checked: The recipe.
        console: Shows downloads.
        threads: Threads of torch; by default as many as the net needs.
        at_once: Trainings that share the CPUs of this machine.

    Raises:
        DataError: The data cannot be used.
    """
    recipe, graph = checked.recipe, checked.graph
    from reds.training.processes import first_before_others
    from reds.training.torch_setup import threads_for

    own = checked.own
    data = own or first_before_others(lambda: load_data(recipe.data, recipe.seed, console))
    print_notes(data.notes, console)

    needed = threads_for(graph.macs(graph.full) * recipe.joint.batch, at_once)
    return with_examples(checked, data, threads or needed)


def with_examples(checked: Checked, data: Data, threads: int) -> Prepared:
    """Return a checked recipe with examples to draw, and make torch repeatable.

    Args:
        checked: The recipe.
        data: Its data.
        threads: Threads of torch.
    """
    from reds.data.examples import Examples
    from reds.training.torch_setup import make_repeatable

    make_repeatable(threads)
    recipe = checked.recipe
    examples = Examples(data, recipe.data, recipe.augmentation)
    shared = (recipe, checked.sha256, checked.own, checked.graph, checked.profile)
    return Prepared(*shared, data, examples, threads)


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
        names = " or ".join(names_reading(shape))
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
