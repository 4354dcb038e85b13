"""`reds build`: from a recipe to a pack and its card."""

from pathlib import Path
from typing import Any

from rich.console import Console

from reds import pack
from reds.experiment.build_report import tell
from reds.experiment.card import card_of, labeled_set, save_card
from reds.experiment.pipeline import Trained, float_accuracy, train_nested
from reds.experiment.prepare import Ready, ready
from reds.experiment.recipe import Recipe
from reds.experiment.training_key import key_of
from reds.quantization.range_search import hits
from reds.training.checkpoint import Checkpoint
from reds.training.progress import Progress


def build(path: Path, out: Path, console: Console) -> Path:
    """Run a recipe and write NAME.reds and NAME.json into `out`; returns the pack's path.

    Killed, the same call goes on after the last whole epoch, from NAME.training. The test examples are used
    once, after everything is chosen. Raises what `ready` does and `DivergedError`.
    """
    made_of = ready(path, out, console)
    target = out / f"{made_of.recipe.name}.reds"
    kept = checkpoint(made_of, made_of.recipe, target)
    trained = train_nested(made_of.recipe, made_of.examples, made_of.device, Progress(console), kept)
    tell(save(made_of, made_of.recipe, trained, target), console)
    kept.remove()
    return target


def checkpoint(made_of: Ready, recipe: Recipe, target: Path) -> Checkpoint:
    """Where the training of the pack at `target`, by a recipe or a part of it, is kept till it is done."""
    key = key_of(target.stem, recipe, made_of.data, made_of.device)
    return Checkpoint(target.with_suffix(".training"), key)


def save(made_of: Ready, recipe: Recipe, trained: Trained, target: Path) -> dict[str, Any]:
    """Write a trained net's pack to `target` and its card beside it; returns the card.

    `recipe` is what the net was trained by: the one read, or a part of it.
    """
    (x, y), data = made_of.test, made_of.data
    tested = [hits(trained.model, i, x, y) for i in range(len(trained.model.subnets))]
    floats = float_accuracy(trained.net, data.set, x, y)
    written = pack.save(trained.model, target)
    labeled = labeled_set(data, recipe.data.every, target.parent)
    card = card_of(recipe, made_of, trained, tested, floats, written, labeled)
    save_card(card, target.with_suffix(".json"))
    return card
