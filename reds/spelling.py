"""Help with a misspelled name: the nearest known one, and all that are known."""

from collections.abc import Iterable
from difflib import get_close_matches


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return the end of an error about an unknown word: `did you mean seed? Known: name, seed`."""
    known = list(known)
    close = get_close_matches(word, known, 1, 0.5)
    guess = f"did you mean {close[0]}? Known" if close else "known"
    return f"{guess}: {', '.join(known)}"
