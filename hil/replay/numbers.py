"""Read settings that are written as `key=number,key=number`, exactly."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from reds.spelling import did_you_mean
from reds.text import printable

_NUMBER = re.compile(r"[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]{1,2})?", re.ASCII)
_MOST_DIGITS = 40


@dataclass(frozen=True)
class Key:
    """A number that may be set.

    Attributes:
        least: Smallest value.
        most: Largest value.
        whole: Whether only whole numbers are allowed.
    """

    least: Fraction
    most: Fraction
    whole: bool = False

    @classmethod
    def of(cls, least: str, most: str, whole: bool = False) -> "Key":
        """Return a key with bounds that are written as text, so that they are exact."""
        return cls(Fraction(least), Fraction(most), whole)

    def __str__(self) -> str:
        kind = "a whole number" if self.whole else "a number"
        return f"{kind} from {float(self.least):,.15g} to {float(self.most):,.15g}"


def read_numbers(text: str, keys: Mapping[str, Key]) -> dict[str, Fraction]:
    """Return the numbers that a text sets, an empty text sets none.

    Args:
        text: The settings, as `seed=1,mw=2.5`.
        keys: Known keys.

    Raises:
        ValueError: A key is unknown or is set twice, or a value is no number within its bounds.
    """
    found: dict[str, Fraction] = {}
    for part in text.split(",") if text else ():
        name, _, value = (side.strip() for side in part.partition("="))
        if name not in keys:
            raise ValueError(f"unknown key {printable(name)!r}; {did_you_mean(name, keys)}")
        if name in found:
            raise ValueError(f"{name} is set twice; write it once")
        key = keys[name]
        number = Fraction(value) if len(value) <= _MOST_DIGITS and _NUMBER.fullmatch(value) else None
        if number is None or not key.least <= number <= key.most or (key.whole and number.denominator != 1):
            raise ValueError(f"{name} is {printable(value)!r}; write {key}")
        found[name] = number
    return found
