"""Suggest the known name that a user probably meant."""

from collections.abc import Iterable
from difflib import get_close_matches

SIMILARITY = 0.5
"""The least similarity of a suggestion, from 0 to 1."""


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return `did you mean X? ` with the most similar known name, or nothing if none is similar."""
    nearest = get_close_matches(word, known, 1, SIMILARITY)
    return f"did you mean {nearest[0]}? " if nearest else ""
