"""`reds build`: from a recipe to a pack and its card."""

from pathlib import Path

from rich.console import Console

from reds import pack
from reds.card import card_of, save_card
from reds.progress import Progress
from reds.ready import Ready, ready
from reds.recipe import Recipe
from reds.train import Trained, float_accuracy, int8_accuracy, train_nested


def build(path: Path, out: Path, console: Console) -> Path:
    """Run a recipe and write NAME.reds and NAME.json into `out`; returns the pack's path.

    The test clips are used once, after everything is chosen. Raises what `ready` does and `DivergedError`.
    """
    made_of = ready(path, out, console)
    trained = train_nested(made_of.recipe, made_of.clips, Progress(console))
    target = out / f"{made_of.recipe.name}.reds"
    save(made_of, made_of.recipe, trained, target)
    return target


def save(made_of: Ready, recipe: Recipe, trained: Trained, target: Path) -> int:
    """Write a trained net's pack to `target` and its card beside it; returns the pack's bytes.

    `recipe` is what the net was trained by: the one read, or a part of it.
    """
    tested = int8_accuracy(trained.model, *made_of.test), float_accuracy(trained.net, *made_of.test)
    written = pack.save(trained.model, target)
    card = card_of(recipe, made_of.recipe_sha256, trained, tested, written, made_of.labelled, made_of.data)
    save_card(card, target.with_suffix(".json"))
    return len(written)
