"""Compare rules of activation ranges, and epochs with int8 rounding, on nets trained in float.

    python -m tests.int8_gap.choices RECIPE... --epochs 3,12 --rounded 4

A net is trained in float, and then brought to int8 in every way: with the ranges of one percentile for all
subnets, with those that follow the float net best on training examples, with those that validate best, and by
the rule of `reds` after further epochs with int8 rounding.
"""

from collections.abc import Sequence
from copy import deepcopy
from pathlib import Path

import click
import numpy as np

from reds.console import plain_console
from reds.data.examples import Examples
from reds.experiment.recipe_file import load_recipe
from reds.experiment.result import Result
from reds.pack.model import Model
from reds.pack.scale import Floats
from reds.quantization.calibrate import ranges
from reds.quantization.quantize import quantize
from reds.quantization.range_search import PERCENTILES, best_ranges, calibration_part, hits, int8_scores
from reds.tables import markdown
from reds.training.rounding_aware import RoundedNet
from reds.training.trainer import train
from tests.int8_gap.__main__ import measure

Points = dict[str, Floats]
"""Test accuracy of each subnet over that in float, float64 [subnets] in points, by the way into int8."""


def over_float(model: Model, result: Result) -> Floats:
    """Return the test accuracy of each subnet over that in float, in points."""
    x = result.data.test_x[:, :: result.every].reshape(len(result.data.test_x), -1)
    right = [hits(model, i, x, result.data.test_y).mean() for i in range(len(model.subnets))]
    return np.asarray(100 * (np.array(right) - result.float_answers.hits.mean(1)))


def compared(result: Result, recipe_file: Path, rounded: int) -> Points:
    """Bring the float net of a result to int8 in every way.

    Args:
        result: A net that was trained without rounding.
        recipe_file: Its recipe.
        rounded: Epochs with int8 rounding.
    """
    recipe, net, name = load_recipe(recipe_file), result.trained.net, result.method.name
    examples = Examples(result.data, recipe.data, recipe.augmentation)
    calibration = calibration_part(net, examples, recipe.seed)
    candidates = ranges(net, calibration, PERCENTILES)
    models = [quantize(net, name=name, ranges=each, source=examples.set) for each in candidates]
    points = {f"{p:g} %": over_float(model, result) for p, model in zip(PERCENTILES, models, strict=True)}
    each = np.array(list(points.values()))
    validated = [int8_scores(m, "classes", examples.stored, examples.validation[1].numpy()) for m in models]
    points["best on validation"] = each[np.array(validated).argmax(0), range(each.shape[1])]
    points["nearest to float on training"] = over_float(result.trained.model, result)
    if rounded:
        tuned, options = deepcopy(net), recipe.joint.rounded(rounded, recipe.joint.rate / 10)
        chosen = best_ranges(net, name, candidates, examples, calibration).ranges
        train(RoundedNet(tuned, chosen), examples, options, seed=recipe.seed + 2, distil=options.distil)
        again = np.concatenate([chosen[None], ranges(tuned, calibration, PERCENTILES)])
        model = best_ranges(tuned, name, again, examples, calibration).model
        points[f"after {rounded} rounded epochs"] = over_float(model, result)
    return points


def report(names: Sequence[str], points: Sequence[Points]) -> str:
    """Return a table in Markdown: mean and worst subnet of each recipe, by the way into int8."""
    rows = [
        [way, *(f"{each[way].mean():+.2f} ({each[way].min():+.2f})" for each in points)] for way in points[0]
    ]
    return markdown(["int8 less float: mean (worst subnet)", *names], rows)


@click.command()
@click.argument("recipes", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option("--epochs", required=True, help="Epochs of the full net and of all subnets, as 3,12.")
@click.option("--rounded", default=0, help="Epochs with int8 rounding.")
@click.option("--out", default=Path("results/int8"), type=click.Path(path_type=Path), show_default=True,
              help="Folder of checkpoints.")  # fmt: skip
def main(recipes: Sequence[Path], epochs: str, rounded: int, out: Path) -> None:
    """Train recipes and print what each way into int8 costs on their test examples."""
    out.mkdir(parents=True, exist_ok=True)
    numbers = [*map(int, epochs.split(",")), 0]
    results = [measure(path, numbers, None, out, plain_console()) for path in recipes]
    points = [compared(result, path, rounded) for result, path in zip(results, recipes, strict=True)]
    print(report([result.method.name for result in results], points))


if __name__ == "__main__":
    main()
