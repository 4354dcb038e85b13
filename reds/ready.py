"""What a recipe trains and is tested on, read and checked before anything is trained."""

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console

from reds.budget import check_budgets
from reds.card import labelled_set
from reds.data.clips import SpeechClips
from reds.data.home import sha256_of
from reds.data.labelled import find_labelled
from reds.data.load import load_speech
from reds.data.speech import SpeechData
from reds.recipe import Recipe
from reds.recipe_file import load_recipe
from reds.train import chain_of, deterministic


@dataclass(frozen=True)
class Ready:
    """A recipe that can be trained, and its clips."""

    recipe: Recipe
    recipe_sha256: str
    data: SpeechData
    clips: SpeechClips
    labelled: dict[str, Any]
    """What the card says of the test clips."""
    test: tuple[NDArray[np.int8], NDArray[np.uint8]]
    """Their inputs [N, input_size] and labels [N], to be read once everything is chosen."""


def ready(path: Path, out: Path, console: Console) -> Ready:
    """Read a recipe, fetch its clips and make sure that `out` can be written; from here on the same bits.

    What the recipe says wrong is found before any clip is fetched. Raises `RecipeError`, `BudgetError`,
    `LabelledSetMissing`, `DataError` and `OSError`, each with one line for the user.
    """
    recipe = load_recipe(path)
    budgets, how = [subnet.budget for subnet in recipe.subnet], recipe.selection
    check_budgets(chain_of(recipe), budgets, how.step, how.least)
    labelled = labelled_set(recipe.data.every)
    test = find_labelled({"labelled": labelled}, out)
    data = load_speech(recipe.data.source, console)
    out.mkdir(parents=True, exist_ok=True)
    with TemporaryFile(dir=out):  # a folder that cannot be written fails now, not after the training
        pass
    deterministic()
    clips = SpeechClips(data, recipe.data.every, recipe.augmentation)
    return Ready(recipe, sha256_of(path), data, clips, labelled, test)
