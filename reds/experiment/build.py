"""`reds build`: from a recipe to a pack and its card."""

from pathlib import Path

from rich.console import Console

from reds.experiment.build_report import report
from reds.experiment.pipeline import Trained, random_net, train_nested
from reds.experiment.prepare import Prepared, method_of, read_and_prepare
from reds.experiment.recipe import Recipe
from reds.experiment.result import Result, run_test
from reds.experiment.training_key import key_of
from reds.training.checkpoint import Checkpoint
from reds.training.progress import Progress


def build(path: Path, out: Path, console: Console) -> Path:
    """Run a recipe, write NAME.reds and NAME.json into `out`, and return the pack's path.

    A build that was killed goes on after the last whole epoch, which NAME.training keeps. The test examples
    are used once, after everything is chosen.

    Args:
        path: Of the recipe.
        out: Folder of the results.
        console: Shows progress and the results.

    Raises:
        RedsError: The recipe cannot be used, or training diverged.
        OSError: `out` cannot be written.
    """
    prepared = read_and_prepare(path, out, console)
    recipe, target = prepared.recipe, out / f"{prepared.recipe.name}.reds"
    kept = checkpoint(prepared, recipe, target)
    full = random_net(prepared.graph, prepared.examples, recipe.seed)
    method = method_of(recipe)
    trained = train_nested(full, prepared.examples, method, prepared.profile, Progress(console), kept)
    result = tested_by_recipe(prepared, recipe, trained)
    result.save(target)
    report(result, console)
    kept.remove()
    return target


def checkpoint(prepared: Prepared, recipe: Recipe, target: Path) -> Checkpoint:
    """Return the checkpoint of the training of `target` by a recipe or a variant of it."""
    key = key_of(target.stem, recipe, prepared.data, prepared.profile)
    return Checkpoint(target.with_suffix(".training"), key)


def tested_by_recipe(prepared: Prepared, recipe: Recipe, trained: Trained) -> Result:
    """Test a net on the recipe's test examples; `recipe` is the one it was trained by, or a variant."""
    return run_test(
        trained, prepared.data, method_of(recipe), prepared.profile, every=recipe.data.every,
        floors=[subnet.floor for subnet in recipe.subnet],
        source={"recipe": {"name": recipe.name, "sha256": prepared.recipe_sha256}},
    )  # fmt: skip
