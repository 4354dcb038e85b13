"""Rules on the values of settings: recipes and arguments name the places of values each in their own way."""

import math
from collections.abc import Iterable, Iterator, Mapping
from numbers import Integral
from types import NoneType, UnionType
from typing import Any, NamedTuple, get_args, get_origin, get_type_hints

from reds.errors import SettingsError
from reds.strict_tables import type_name
from reds.text import shown


class Rule(NamedTuple):
    """Say what a value has to be; recipes and `reds.compress` name its place each in their own way."""

    table: str
    """Table of a recipe, as `[full]`."""
    key: str
    holds: bool
    expected: str
    found: object
    """Value of the key; None if it is missing."""

    @property
    def text(self) -> str:
        """Return the sentence for a rule that does not hold, without its place."""
        return f"{self.expected} is needed{'' if self.found is None else f', not {shown(self.found)}'}"


def first_broken(rules: Iterable[Rule]) -> Rule | None:
    """Return the first rule that does not hold; no later rule is evaluated."""
    return next((rule for rule in rules if not rule.holds), None)


def type_rules(table: str, options: Any) -> Iterator[Rule]:
    """Give the rule that each field of a dataclass has its type; `table` names the dataclass."""
    for key, kind in get_type_hints(type(options)).items():
        value = getattr(options, key)
        if isinstance(kind, UnionType):
            if value is None:
                continue
            (kind,) = (each for each in get_args(kind) if each is not NoneType)
        if get_origin(kind) is Mapping:
            continue  # whoever uses a table checks it
        yield Rule(table, key, _has_type(value, kind), type_name(kind), value)


def is_whole(value: object) -> bool:
    """Return whether a value is a whole number."""
    return isinstance(value, int) and not isinstance(value, bool)


def is_number(value: object) -> bool:
    """Return whether a value is a finite number."""
    return is_whole(value) or (isinstance(value, float) and math.isfinite(value))


def is_integer(value: object) -> bool:
    """Return whether a value is a whole number of Python or numpy. JSON holds Python's only."""
    return isinstance(value, Integral) and not isinstance(value, bool)


def seed_rule(seed: object) -> Rule:
    """Return the rule that an argument `seed` is a seed."""
    holds = is_integer(seed) and 0 <= seed < 2**31  # type: ignore[operator]
    return Rule("", "seed", holds, "a whole number, 0 to 2^31 - 1,", seed)


def check_kind(argument: str, value: object, kind: Any, remedy: str) -> None:
    """Raise `SettingsError` unless an argument is of a kind.

    Args:
        argument: Its name.
        value: The argument.
        kind: A type, or several, as `isinstance` takes them.
        remedy: What to do, as `give reds.score(...).units`.
    """
    if not isinstance(value, kind):
        raise SettingsError(f"{argument}: {type(value).__name__} is given: {remedy}")


def _has_type(value: object, kind: Any) -> bool:
    checks = {
        bool: lambda x: isinstance(x, bool), str: lambda x: isinstance(x, str), int: is_whole,
        float: is_number,
    }  # fmt: skip
    return checks[kind](value) if kind in checks else isinstance(value, str) and value in get_args(kind)


def check_argument(rules: Iterable[Rule]) -> None:
    """Raise `SettingsError` for the first rule that does not hold, by the name of its key."""
    if rule := first_broken(rules):
        raise SettingsError(f"{rule.key}: {rule.text}")
