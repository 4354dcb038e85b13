"""Make text from outside this program safe to print: from devices, packs, files and other users."""

import unicodedata

_UNPRINTABLE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Unicode categories of control, format, surrogate, private and unassigned characters, and of line breaks."""


def printable(text: str, most: int = 200) -> str:
    """Return the text in one line, with unprintable characters escaped, cut after `most` characters."""
    shown = "".join(_escaped(c) if unicodedata.category(c) in _UNPRINTABLE else c for c in text[: most + 1])
    return shown if len(shown) <= most else f"{shown[: most - 3]}..."


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode()
