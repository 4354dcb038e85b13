"""Where the shipped data lies: the checkout's `fixtures/`, or the same folder inside an installed wheel."""

from importlib.util import find_spec
from pathlib import Path


def fixtures_dir() -> Path:
    """Folder with the shipped recipes, packs and labeled clips.

    Raises `FileNotFoundError` if neither a checkout nor a wheel holds it.
    """
    spec = find_spec("hil")  # locates the package without importing it: the method knows no device
    wheel = [Path(place) / "_data" / "fixtures" for place in (spec and spec.submodule_search_locations) or ()]
    for folder in (*wheel, Path(__file__).resolve().parents[1] / "fixtures"):
        if folder.is_dir():
            return folder
    raise FileNotFoundError("no fixtures folder: reinstall reds-hil, or run from a checkout of it")
