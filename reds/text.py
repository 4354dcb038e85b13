"""Make text of others safe to show. Names, files and devices may hold anything; here it becomes data."""

import re
from typing import TypeGuard

LINE = 2000
"""Most characters of an error, which may hold several names and paths."""


def printable(text: str, most: int = 200) -> str:
    r"""Return a text as one line without characters that act on a terminal.

    Control characters, line breaks, marks that change the direction of text, surrogates and unassigned
    characters become escapes such as `\x1b`. All other characters stay, so a printable text is not changed.

    Args:
        text: Any text.
        most: Most characters of the result, at least 5. A longer text loses its middle, so that the remedy
            at the end of an error stays.
    """
    ends = text if len(text) <= 2 * most else text[:most] + text[-most:]
    shown = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in ends)
    if len(shown) <= most:
        return shown
    half = (most - 3) // 2
    return f"{shown[:half]}...{shown[-half:]}"


def is_printable(value: object, most: int = 200) -> TypeGuard[str]:
    """Return whether a value is a text of at most `most` characters that is shown as it is."""
    return isinstance(value, str) and printable(value, most) == value


def without_passwords(text: str) -> str:
    """Return a text in which the password of a URL is `***`. A password ends at the last `@`."""
    return re.sub(r"(?<=://)([^\s/@:]*):.*@|(?<=password=)[^\s&]+", _hidden, text)


def _hidden(found: re.Match[str]) -> str:
    return f"{found[1]}:***@" if found[1] is not None else "***"


def percent(share: float, form: str = ".1%") -> str:
    """Return a fraction in percent, with a space before the sign, as `93.1 %`."""
    return format(share, form).replace("%", " %")


def shown(value: object) -> str:
    """Return a value as errors show it; a whole number of thousands of digits has no text."""
    try:
        return printable(repr(value))
    except (ValueError, RecursionError):
        return f"a very large {type(value).__name__}"
