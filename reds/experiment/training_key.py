"""Compute the key of a training, so that a checkpoint of other code, data or options is not resumed."""

import ast
import hashlib
from functools import cache
from pathlib import Path

import torch

from reds.data.catalog import Data
from reds.experiment.recipe import Recipe
from reds.nesting.budgets import TargetProfile
from reds.nesting.cost.latency import times_json
from reds.training.torch_setup import instructions, processor

DECIDING = (
    "graph", "zoo", "elastic", "nesting", "data", "quantization", "training", "pack",
    "experiment/pipeline.py", "experiment/prepare.py", "experiment/recipe.py",
)  # fmt: skip
"""Packages and modules of `reds` whose code decides the bits of a training."""


def key_of(name: str, recipe: Recipe, data: Data, profile: TargetProfile) -> str:
    """Return a sha256 in hex of everything that decides the bits of a training.

    Args:
        name: Name of the pack, which differs between trainings of one recipe.
        recipe: All its options count.
        data: The checksums of its files and its split count.
        profile: Its measured times count.
    """
    parts = [name, repr(recipe), repr(sorted(data.files.items())), data.split]
    parts += [torch.__version__, processor(), instructions()]
    digest = hashlib.sha256("\n".join([*parts, code_digest()]).encode())
    if profile.latency:
        digest.update(times_json(profile.latency))
    return digest.hexdigest()


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
    return sorted(path for part in parts for path in ([part] if part.is_file() else part.rglob("*.py")))


def without_docstrings(source: str) -> str:
    """Return the syntax tree of a module as text, without strings that stand as statements."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list):
            kept = [s for s in body if not (isinstance(s, ast.Expr) and isinstance(s.value, ast.Constant))]
            node.body = kept or [ast.Pass()]  # type: ignore[attr-defined]  # every such node has a body
    return ast.dump(tree)
