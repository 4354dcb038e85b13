"""`reds build`: from a recipe to a pack and its card."""

import hashlib
from pathlib import Path

from rich.console import Console

from reds import pack
from reds.card import card_of, save_card
from reds.progress import Progress
from reds.ready import ready
from reds.train import float_accuracy, int8_accuracy, train_nested


def build(path: Path, out: Path, console: Console) -> Path:
    """Run a recipe and write NAME.reds and NAME.json into `out`; returns the pack's path.

    The test clips are used once, after everything is chosen. Raises what `ready` does and `DivergedError`.
    """
    made_of = ready(path, out, console)
    recipe = made_of.recipe
    trained = train_nested(recipe, made_of.clips, Progress(console))
    tested = int8_accuracy(trained.model, *made_of.test), float_accuracy(trained.net, *made_of.test)
    target = out / f"{recipe.name}.reds"
    written = pack.save(trained.model, target)
    recipe_sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    card = card_of(recipe, recipe_sha256, trained, tested, written, made_of.labelled, made_of.data)
    save_card(card, target.with_suffix(".json"))
    return target
