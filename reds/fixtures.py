"""Find the shipped recipes, packs and labeled examples, in a checkout or in an installed wheel."""

from pathlib import Path


def fixtures_dir() -> Path:
    """Return the folder of the shipped recipes, packs and labeled examples.

    Raises:
        FileNotFoundError: Neither a wheel nor a checkout has the folder.
    """
    package = Path(__file__).resolve().parent
    for folder in (package / "_data" / "fixtures", package.parent / "fixtures"):
        if folder.is_dir():
            return folder
    raise FileNotFoundError("no folder with fixtures: reinstall reds-hil, or run from a checkout of it")
