"""Compute the key of a training, so that a checkpoint of other code, data or options is not resumed."""

import ast
import hashlib
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from functools import cache
from pathlib import Path
from typing import Any

import torch

from reds.data.catalog import Data
from reds.experiment.recipe import Recipe
from reds.nesting.budgets import TargetProfile
from reds.nesting.cost.latency import times_json
from reds.training import processes
from reds.training.torch_setup import instructions, processor

DECIDING = (
    "graph", "zoo", "elastic", "nesting", "data", "quantization", "training", "pack",
    "experiment/pipeline.py", "experiment/prepare.py", "experiment/recipe.py",
)  # fmt: skip
"""Packages and modules of `reds` whose code decides the bits of a training."""
SHOWING = {
    "training/progress.py", "training/report.py", "training/time_left.py", "pack/inspect.py", "pack/card.py",
}  # fmt: skip
"""Modules of these packages that only show what happens, or read what is done."""


FREE = {"name", "data.source", "subnet.floor", "device.board", "device.emulate", "device.boards"}
"""Keys of a recipe that decide no bit of a training: the pack's name, where files come from, floors, and the
board, as what it tells is in the profile.
"""


def key_of(name: str, recipe: Recipe, data: Data, profile: TargetProfile) -> dict[str, str]:
    """Return everything that decides the bits of a training, by name, as text.

    Args:
        name: Name of the pack, which differs between trainings of one recipe.
        recipe: All its options count, apart from `FREE`.
        data: The checksums of its files and its split count.
        profile: Its layout, its measured times and its energy count.
    """
    key = {"pack": name, **dict(_options(recipe))}
    key |= {f"file {file}": sha256[:16] for file, sha256 in sorted(data.files.items())}
    key |= {"split": data.split, "torch": str(torch.__version__), "processor": processor()}
    key |= {"instructions": instructions(), "threads": str(torch.get_num_threads())}
    key["processes"] = str(processes.count())
    key |= {"layout": profile.layout.name, "energy of a cycle": f"{profile.energy_per_cycle}"}
    if profile.latency:
        key["times"] = hashlib.sha256(times_json(profile.latency)).hexdigest()[:16]
    return {**key, "code of reds": code_digest()[:16]}


def _options(table: Any, place: str = "", shown: str = "") -> Iterator[tuple[str, str]]:
    """Give the options in a table of a recipe and in those below it, named as errors name them.

    Args:
        table: The table.
        place: Its keys, as `FREE` has them.
        shown: Its name in brackets.
    """
    for field in fields(table):
        value, key = getattr(table, field.name), f"{place}{field.name}"
        if key in FREE:
            continue
        if is_dataclass(value):
            yield from _options(value, f"{key}.", f"[{field.name}] ")
        elif isinstance(value, tuple):
            for i, each in enumerate(value, 1):
                yield from _options(each, f"{key}.", f"[[{field.name}]] number {i} ")
        else:
            yield f"{shown}{field.name}", "not there" if value is None else f"{value}"


@cache
def code_digest() -> str:
    """Return a digest of the code in `DECIDING`; comments and docstrings do not count."""
    digest = hashlib.sha256()
    for source in deciding_modules(Path(__file__).parents[1]):
        digest.update(without_docstrings(source.read_text(encoding="utf-8")).encode())
    return digest.hexdigest()


def deciding_modules(root: Path) -> list[Path]:
    """Return the modules below `root`, the folder of `reds`, whose code decides the bits of a training."""
    parts = [root / each for each in DECIDING]
    paths = (path for part in parts for path in ([part] if part.is_file() else part.rglob("*.py")))
    return sorted(path for path in paths if path.relative_to(root).as_posix() not in SHOWING)


def without_docstrings(source: str) -> str:
    """Return the syntax tree of a module as text, without strings that stand as statements."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list):
            kept = [s for s in body if not (isinstance(s, ast.Expr) and isinstance(s.value, ast.Constant))]
            node.body = kept or [ast.Pass()]  # type: ignore[attr-defined]  # every such node has a body
    return ast.dump(tree)
