"""Build a pack and its card from a recipe: the command `reds build`."""

from pathlib import Path

from rich.console import Console

from reds.experiment.build_report import report
from reds.experiment.pipeline import Trained, random_net, train_nested
from reds.experiment.prepare import Prepared, read_and_prepare
from reds.experiment.recipe import Recipe, method_of
from reds.experiment.result import Result, run_test
from reds.experiment.training_key import key_of
from reds.training.checkpoint import Checkpoint
from reds.training.progress import Progress


def build(path: Path, out: Path, console: Console) -> Path:
    """Run a recipe, write NAME.reds and its card NAME.json into `out`, and return the path of the pack.

    A build that was killed continues after its last whole epoch, whose state is in NAME.training. The test
    examples are used once, after everything is chosen.

    Args:
        path: The recipe file.
        out: Folder of the results; it is made if it does not exist.
        console: Shows progress and the results.

    Raises:
        RedsError: The recipe or its data cannot be used, or training diverged.
        OSError: `out` cannot be written.
    """
    prepared = read_and_prepare(path, out, console)
    recipe, target = prepared.recipe, out / f"{prepared.recipe.name}.reds"
    states = checkpoint(prepared, recipe, target)
    full = random_net(prepared.graph, prepared.examples, recipe.seed)
    method = method_of(recipe)
    trained = train_nested(full, prepared.examples, method, prepared.profile, Progress(console), states)
    result = tested_by_recipe(prepared, recipe, trained)
    result.save(target)
    report(result, console)
    states.remove()
    return target


def checkpoint(prepared: Prepared, recipe: Recipe, target: Path) -> Checkpoint:
    """Return the checkpoint of one training.

    Args:
        prepared: The recipe that was read from a file, with its data.
        recipe: The recipe of this training: the same one or a variant.
        target: The pack to be; the checkpoint lies beside it.
    """
    key = key_of(target.stem, recipe, prepared.data, prepared.profile)
    return Checkpoint(target.with_suffix(".training"), key)


def tested_by_recipe(prepared: Prepared, recipe: Recipe, trained: Trained) -> Result:
    """Test a net on the test examples of a recipe.

    Args:
        prepared: The recipe that was read from a file, with its data.
        recipe: The recipe that the net was trained with: the same one or a variant.
        trained: The net.
    """
    return run_test(
        trained, prepared.data, method_of(recipe), prepared.profile, every=recipe.data.every,
        floors=[subnet.floor for subnet in recipe.subnet],
        source={"recipe": {"name": recipe.name, "sha256": prepared.recipe_sha256}},
    )  # fmt: skip
