"""Run commands where the names of the cache, the temporary folder and the home are unusual."""

import random
from functools import partial
from pathlib import Path

from tests.chaos import commands
from tests.chaos.caches import judged
from tests.chaos.clean import CLEAN_SECONDS, left, prepared
from tests.chaos.commands import Command, UnavailableError
from tests.chaos.kind import Kinds, Outcome

_MARKS = (
    *(" ", ",", ":", ";", "=", "%", "#", "'", '"', "$", "&", "(", "\\", "*", "\n"),
    *("\u00e9\u4e2d", "[b]", " -o "),
)


def placed(name: str, command: Command, rng: random.Random, folder: Path) -> Outcome:
    """Run a command in a folder with an unusual name.

    Args:
        name: Name of the kind.
        command: The command.
        rng: Chooses the name, and whether the cache is warm.
        folder: An empty folder.
    """
    mark, warm = rng.choice(_MARKS), not command.keeps_paths and rng.random() < 0.7
    fault = f"{mark!a} in all paths, {'warm' if warm else 'cold'}"
    try:
        box = prepared(command, warm, folder / f"a{mark}b")
    except UnavailableError as error:
        return Outcome(name, "none", f"left out: {error}")
    ended = box.run(command.line, CLEAN_SECONDS)
    found, verdict = judged(command, box, ended)
    return Outcome(name, fault, verdict, found + left(command, box, "behind"))


_WEIGHTS = (
    (0.3, commands.DESKTOP),
    (0.3, commands.NANO),
    (0.2, commands.PI),
    (0.1, commands.TWO_WORKERS),
    (0.1, commands.BUILD),
)
KINDS: Kinds = {
    f"odd place of the {command.name}": (weight, partial(placed, f"odd place of the {command.name}", command))
    for weight, command in _WEIGHTS
}
