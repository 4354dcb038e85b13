"""The key of a kept training: a training of another key is not resumed."""

import ast
import hashlib
from functools import cache
from pathlib import Path

import torch

from reds.data.sets import Data
from reds.experiment.recipe import Recipe
from reds.nesting.budgets import TargetProfile
from reds.nesting.cost.latency import times_json
from reds.training.torch_setup import processor

DECIDING = ("graph", "zoo", "elastic", "nesting", "data", "quantization", "training")
"""Rooms of `reds` whose code decides the bits of a training."""


def key_of(name: str, recipe: Recipe, data: Data, profile: TargetProfile) -> str:
    """Return what the bits of a training depend on, as a sha256 in hex.

    Args:
        name: Tells several trainings of one recipe apart.
        recipe: All its options count.
        data: Counted by the checksums of its files and by its split.
        profile: Counted by its measured times.
    """
    parts = [name, repr(recipe), repr(sorted(data.files.items())), data.split, torch.__version__, processor()]
    digest = hashlib.sha256("\n".join([*parts, code()]).encode())
    if profile.latency:
        digest.update(times_json(profile.latency))
    return digest.hexdigest()


@cache
def code() -> str:
    """Return a digest of the deciding code; comments and docstrings do not count."""
    digest = hashlib.sha256()
    home = Path(__file__).parents[1]
    for source in sorted(path for room in DECIDING for path in (home / room).rglob("*.py")):
        digest.update(without_docstrings(source.read_text(encoding="utf-8")).encode())
    return digest.hexdigest()


def without_docstrings(source: str) -> str:
    """Return the syntax tree of a module as text, less every string that stands as a statement."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list):
            kept = [s for s in body if not (isinstance(s, ast.Expr) and isinstance(s.value, ast.Constant))]
            node.body = kept or [ast.Pass()]  # type: ignore[attr-defined]  # every such node has a body
    return ast.dump(tree)
