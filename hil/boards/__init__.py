"""The boards: what every board can do in board.py, then one file a target."""

import difflib
import pkgutil
from collections.abc import Iterable
from importlib import import_module
from typing import cast

from hil.boards.board import Target
from hil.errors import UnknownTarget

_NOT_TARGETS = {"board", "boardsfile", "machine"}


def targets() -> tuple[str, ...]:
    """Names of the targets there are: one for each file in this folder."""
    return tuple(m.name for m in pkgutil.iter_modules(__path__) if m.name not in _NOT_TARGETS)


def target(name: str) -> Target:
    """The module that opens boards of this target. Raises `UnknownTarget`."""
    if name not in targets():
        raise UnknownTarget(f"there is no target {name!r}{nearest(name, targets())}")
    return cast(Target, import_module(f"{__name__}.{name}"))


def nearest(word: str, known: Iterable[str]) -> str:
    """How a message goes on after an unknown word: the likeliest that was meant, and all there are."""
    known = sorted(known)
    close = difflib.get_close_matches(word, known, n=1, cutoff=0.5)
    meant = f"did you mean {close[0]!r}? " if close else ""
    return f"; {meant}there are {', '.join(known)}"
