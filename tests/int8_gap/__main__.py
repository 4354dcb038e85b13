"""Measure how far int8 lies under float on the test examples of recipes.

    python -m tests.int8_gap RECIPE... --epochs 3,12,4 --examples 12000 --keep docs/results/int8.jsonl

The trainings are shortened by `--epochs` and `--examples`, or are as long as the recipes say. Each training
continues where it was stopped. `make figures` makes a table of what is kept.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

import click
from rich.console import Console

from reds.console import plain_console
from reds.data.examples import Examples
from reds.experiment.build import checkpoint, tested_by_recipe
from reds.experiment.pipeline import random_net, train_nested
from reds.experiment.prepare import Prepared, check_recipe, prepare
from reds.experiment.recipe import Int8Recipe, Recipe, method_of
from reds.experiment.recipe_file import load_recipe
from reds.experiment.result import Result
from reds.experiment.schedule import nested_phases
from reds.tables import markdown
from reds.training.progress import Progress


def shortened(recipe: Recipe, epochs: Sequence[int]) -> Recipe:
    """Return a recipe with other epochs of the full net, of all subnets, and with int8 rounding."""
    full, joint, rounded = epochs
    rate = recipe.int8.rate if recipe.int8 else recipe.joint.rate / 10
    return replace(
        recipe,
        full=replace(recipe.full, epochs=full),
        joint=replace(recipe.joint, epochs=joint),
        int8=Int8Recipe(rounded, rate) if rounded else None,
    )


def with_fewer(prepared: Prepared, examples: int) -> Prepared:
    """Return a recipe with only so many of its training examples."""
    x, y = prepared.data.train_x[:, :examples], prepared.data.train_y[:examples]
    data = replace(prepared.data, train_x=x, train_y=y)
    fewer = Examples(data, prepared.recipe.data, prepared.recipe.augmentation)
    return replace(prepared, data=data, examples=fewer)


def measure(path: Path, epochs: Sequence[int], examples: int | None, out: Path, console: Console) -> Result:
    """Train a recipe and test it in int8 and in float.

    Args:
        path: The recipe.
        epochs: Epochs of the full net, of all subnets, and with int8 rounding; those of the recipe if empty.
        examples: Most training examples; by default all.
        out: Folder of checkpoints.
        console: Shows progress.
    """
    recipe = load_recipe(path)
    recipe = shortened(recipe, epochs) if epochs else recipe
    prepared = prepare(check_recipe(path, recipe), console, threads=1)
    prepared = with_fewer(prepared, examples) if examples else prepared
    method = method_of(recipe)
    name = "-".join(map(str, (recipe.name, *epochs, examples or "all")))
    states = checkpoint(prepared, recipe, out / f"{name}.reds", console)
    progress = Progress(console, nested_phases(method))
    full = random_net(prepared.graph, prepared.examples, recipe.seed)
    trained = train_nested(full, prepared.examples, method, prepared.profile, progress, states)
    return tested_by_recipe(prepared, recipe, trained, [])


def keep(file: Path, results: Sequence[Result]) -> None:
    """Put results in the place of those that a file of JSON lines holds of the same recipes."""
    new = {result.method.name: result for result in results}
    lines = file.read_text().splitlines() if file.exists() else []
    old = [each for each in map(json.loads, lines) if each["recipe"] not in new]
    rows = [
        {"recipe": name, "epochs": epochs_of(result), "training": result.data.train_x.shape[1],
         **asdict(gap)}
        for name, result in new.items() for gap in result.int8_gaps
    ]  # fmt: skip
    file.write_text("".join(json.dumps(row) + "\n" for row in [*old, *rows]))


def epochs_of(result: Result) -> list[int]:
    """Return the epochs of each phase that a result was trained with."""
    phases = result.method.full, result.method.joint, result.method.rounding
    return [phase.epochs if phase else 0 for phase in phases]


def report(results: Sequence[Result]) -> str:
    """Return a table of all subnets in Markdown."""
    rows = []
    for result in results:
        for gap, subnet in zip(result.int8_gaps, result.subnets, strict=True):
            low, high = gap.interval
            difference = f"{100 * gap.difference:+.2f} ({100 * low:+.2f} to {100 * high:+.2f})"
            accuracies = f"{100 * subnet.float_accuracy:.2f}", f"{100 * subnet.accuracy:.2f}"
            rows.append(
                [result.method.name, gap.subnet, *accuracies, f"{gap.lost}", f"{gap.gained}", difference]
            )
    return markdown(["recipe", "subnet", "float", "int8", "lost", "gained", "difference"], rows)


@click.command()
@click.argument("recipes", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option("--epochs", default="", help="Epochs of the full net, of all subnets, with rounding: 3,12,4.")
@click.option("--examples", type=int, help="Most training examples.")
@click.option("--out", default=Path("results/int8"), type=click.Path(path_type=Path), show_default=True,
              help="Folder of checkpoints.")  # fmt: skip
@click.option("--keep", "file", type=click.Path(path_type=Path), help="File of kept results, JSON lines.")
def main(recipes: Sequence[Path], epochs: str, examples: int | None, out: Path, file: Path | None) -> None:
    """Train recipes and print how far int8 lies under float on their test examples."""
    out.mkdir(parents=True, exist_ok=True)
    numbers = [int(part) for part in epochs.split(",")] if epochs else []
    results = [measure(path, numbers, examples, out, plain_console()) for path in recipes]
    print(report(results))
    if file:
        keep(file, results)


if __name__ == "__main__":
    main()
