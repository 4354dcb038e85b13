"""`reds build`: from a recipe to a pack and its card."""

import hashlib
from pathlib import Path
from tempfile import TemporaryFile

from rich.console import Console

from reds import pack
from reds.card import card_of, labelled_set, save_card
from reds.data.clips import SpeechClips
from reds.data.labelled import find_labelled
from reds.data.load import load_speech
from reds.progress import Progress
from reds.recipe import load_recipe
from reds.train import deterministic, float_accuracy, int8_accuracy, train_nested


def build(path: Path, out: Path, console: Console) -> Path:
    """Run a recipe and write NAME.reds and NAME.json into `out`; returns the pack's path.

    The test clips are read once, after everything is chosen. Raises `RecipeError`, `DataError`,
    `BudgetError`, `DivergedError` and `LabelledSetMissing`, each with one line for the user.
    """
    recipe = load_recipe(path)
    labelled = labelled_set(recipe.data.every)
    test = find_labelled({"labelled": labelled}, out)
    data = load_speech(recipe.data.source, console)
    out.mkdir(parents=True, exist_ok=True)
    with TemporaryFile(dir=out):  # a folder that cannot be written fails now, not after the training
        pass
    deterministic()
    clips = SpeechClips(data, recipe.data.every, recipe.augmentation)
    trained = train_nested(recipe, clips, Progress(console))
    tested = int8_accuracy(trained.model, *test), float_accuracy(trained.net, *test)
    target = out / f"{recipe.name}.reds"
    written = pack.save(trained.model, target)
    recipe_sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    card = card_of(recipe, recipe_sha256, trained, tested, written, labelled, data.source)
    save_card(card, target.with_suffix(".json"))
    return target
