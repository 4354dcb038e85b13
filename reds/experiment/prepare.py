"""Check a recipe against its data, and then fetch and draw its examples.

A recipe's mistakes show before anything is fetched, and before torch is imported, which takes seconds.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console

from reds.console import print_notes
from reds.data.catalog import SETS, Data, DataSpec
from reds.data.load import load_data
from reds.data.local_files import sha256_of
from reds.data.own import check_used
from reds.data.user_files import load_user_data
from reds.errors import BudgetError, GraphError, ModelError, RecipeError, SettingsError
from reds.experiment.board import RECIPES_OWN, Target, profile_on
from reds.experiment.recipe import Recipe
from reds.experiment.recipe_file import check_rows, check_shifts, load_recipe
from reds.graph import Graph
from reds.graph.lowering import check_packable
from reds.graph.strides import restrided
from reds.nesting.budgets import TargetProfile, check_budgets
from reds.nesting.cost import width_grids
from reds.nesting.cost.latency import load
from reds.nesting.own_gains import check_gains
from reds.pack.layouts import LAYOUTS
from reds.reading import user_path
from reds.training.progress import Progress
from reds.zoo import by_name, names_reading

IMAGENET = "imagenet:"
"""Start of `[data] set` where the folder of ImageNet follows."""

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
    board: Target | None = None
    """The board that measures what each subnet costs once it is trained; None for no board."""
    alternatives: "tuple[Checked, ...]" = ()
    """Checked recipes of the other resolutions."""


@dataclass(frozen=True)
class Prepared(Checked):
    """Hold a checked recipe with its examples."""

    data: Data = field(kw_only=True)
    examples: "Examples" = field(kw_only=True)
    threads: int = field(kw_only=True)
    """Threads of torch."""

    @property
    def variants(self) -> "list[Prepared]":
        """Return the recipe at each resolution, with the same examples."""
        others = [
            replace(self, recipe=each.recipe, graph=each.graph, profile=each.profile)
            for each in self.alternatives
        ]
        return [self, *others]

    @property
    def test(self) -> tuple[NDArray[np.int8], NDArray[Any]]:
        """Return test inputs int8 [N, input_size] and labels or values, which no choice may depend on."""
        x = self.data.test_x[:, :: self.recipe.data.every]
        return x.reshape(len(x), -1), self.data.test_y


def check_recipe(
    path: Path, recipe: Recipe | None = None, target: Target = RECIPES_OWN, console: Console | None = None
) -> Checked:
    """Check a recipe: its values, its own data, its net, its budgets and its target.

    A board that the recipe or `target` names measures what the budgets need.

    Args:
        path: The recipe file, also for errors, for paths relative to it, and for its checksum.
        recipe: A variant of the recipe in the file; by default the recipe itself.
        target: The board to build for instead of that of the file.
        console: Shows what takes long; by default nothing is shown.

    Raises:
        RedsError: The recipe, its budgets, its target or its own data cannot be used.
    """
    console = console or Console(quiet=True)
    recipe, own = recipe or load_recipe(path, target), None
    with Progress(console).step("reading the recipe and its data", brief=True):
        given = profile_of(recipe, path)
        if recipe.data.set not in SETS:
            own = _own_data(recipe, path, console)
        spec = own.set if own else SETS[recipe.data.set]
        if spec.task == "anomalies" and recipe.data.every > 1:
            raise RecipeError(f"{path}: [data] every leaves out rows that the net has to give: remove it")
        if spec.task != "classes" and recipe.alternative:
            raise RecipeError(
                f"{path}: [[alternative]] needs classes, and [data] task is {spec.task}: remove one"
            )
        check_rows(recipe, spec, str(path))
        check_shifts(recipe, spec, str(path))
    sha256 = sha256_of(path)

    def checked(variant: Recipe) -> Checked:
        board, selection = board_of(variant, path), variant.selection
        with _naming(path):
            graph = graph_of(variant, spec)
            check_packable(graph)
            profile = _measured_profile(variant, graph, board, console) if board else given
            check_budgets(graph, variant.budgets, selection.step, selection.least, profile, selection.blocks)
            check_gains(graph, selection)
        return Checked(variant, sha256, own, graph, profile, board)

    first, *others = map(checked, recipe.variants)
    return replace(first, alternatives=tuple(others))


def _own_data(recipe: Recipe, path: Path, console: Console) -> Data:
    """Return the data that a recipe names by a path relative to its own."""
    name = recipe.data.set
    if name.startswith(IMAGENET):
        from reds.data.imagenet import load_imagenet  # needs Pillow

        check_used(Path(name), recipe.data)
        folder = _relative(name.removeprefix(IMAGENET), path, "[data], set")
        return load_imagenet(folder, recipe.seed, console=console)
    return load_user_data(_relative(name, path, "[data], set"), recipe.seed, recipe.data)


@contextmanager
def _naming(path: Path) -> Iterator[None]:
    """Name the recipe in errors about its net and its budgets."""
    try:
        yield
    except (BudgetError, GraphError, ModelError, RecipeError, SettingsError) as error:
        raise type(error)(f"{path}: {error}") from error


def _measured_profile(recipe: Recipe, graph: Graph, board: Target, console: Console) -> TargetProfile:
    grids = width_grids(graph, recipe.selection.step, recipe.selection.least, recipe.selection.blocks)
    energy = recipe.device.energy_per_cycle if recipe.device else None
    return profile_on(board, graph, grids, recipe.budgets, energy, console)


def board_of(recipe: Recipe, path: Path) -> Target | None:
    """Return the board that a recipe names, None if it names none; `path` is the recipe's file."""
    device = recipe.device
    if device is None or device.board is None:
        return None
    boards = _relative(device.boards, path, "[device], boards") if device.boards else None
    return Target(device.board, device.emulate, boards)


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
    shared = {each.name: getattr(checked, each.name) for each in fields(Checked)}
    return Prepared(**shared, data=data, examples=examples, threads=threads)


def graph_of(recipe: Recipe, spec: DataSpec) -> Graph:
    """Return the full net of a recipe, with an output for each class of the data.

    Raises:
        RecipeError: The net reads inputs of another shape than the data have.
    """
    graph = restrided(by_name(recipe.net.name, spec.outputs), recipe.net.strides)
    graph = graph.widened(recipe.net.widen)
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
    """Return the target of a recipe that names no board, with its times.

    Args:
        recipe: The recipe.
        path: The file that it was read from; times are read relative to its folder.

    Raises:
        LatencyError: The times cannot be read.
        RecipeError: No file can have the name of the times.
    """
    device = recipe.device
    if device is None or device.board is not None:
        return TargetProfile()
    layout = next(layout for layout in LAYOUTS.values() if layout.name == device.layout)
    times = load(_relative(device.times, path, "[device], times")) if device.times else None
    return TargetProfile(layout, times, device.energy_per_cycle)


def _relative(text: str, recipe: Path, key: str) -> Path:
    """Return the path that a key of a recipe names, relative to the recipe's folder."""
    try:
        return recipe.parent / user_path(text)
    except ValueError as error:
        raise RecipeError(f"{recipe}: {key}: {error}") from None
