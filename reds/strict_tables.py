"""Read tables of TOML or JSON into dataclasses, strictly: unknown, missing or mistyped keys are errors.

A dataclass describes a table: its fields are the keys, their types the types of the values, and a field with
a default may be left out. An error names the source, the table, the key and the nearest key that exists, in
one line. Rules on values, as ranges, are the caller's.

Fields may be bool, int, float, str, a `Literal`, another dataclass, a tuple of dataclasses (an array of
tables), numbers or texts, a `Mapping` from text to one of these, and a union of these with `None`.
"""

import dataclasses
import math
from collections.abc import Mapping
from types import NoneType, UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from reds.reading import parse_toml_table, reason
from reds.spelling import did_you_mean
from reds.text import LINE, printable, shown

T = TypeVar("T")
NAMES = {bool: "true or false", int: "a whole number", float: "a number", str: "a text"}


def parse_toml(text: str, kind: type[T], source: str, error: type[Exception], example: str = "") -> T:
    """Return the dataclass that a TOML text describes.

    Args:
        text: The text of the file.
        kind: The dataclass of the top level.
        source: Name of the file, for errors.
        error: The class of errors to raise.
        example: Where to find a complete file, for the error about missing keys.

    Raises:
        Exception: An `error`: the text is no TOML, or a key is unknown, missing or of another type.
    """
    try:
        table = parse_toml_table(text.encode())
    except ValueError as mistake:
        raise error(f"{printable(source)}: not valid TOML: {reason(mistake)}") from None
    return parse_table(table, kind, source, error, example)


def parse_table(table: object, kind: type[T], source: str, error: type[Exception], example: str = "") -> T:
    """Return the dataclass that a table describes, as TOML or JSON gives it.

    Args:
        table: The table of the top level.
        kind: The dataclass of the top level.
        source: Name of the file, for errors.
        error: The class of errors to raise.
        example: Where to find a complete file, for the error about missing keys.

    Raises:
        Exception: An `error`: a key is unknown, missing or of another type.
    """
    try:
        if not isinstance(table, dict):
            raise _MistakeError(f"a table is needed, not {shown(table)}")
        value: T = _table(kind, table, "the top level")
    except _MistakeError as mistake:
        more = f"; {example} is a complete one" if example and mistake.missing else ""
        raise error(printable(f"{source}: {mistake}{more}", LINE)) from None
    return value


class _MistakeError(Exception):
    """Say what is wrong with a table, without the name of its file."""

    def __init__(self, text: str, missing: bool = False) -> None:
        self.missing = missing
        super().__init__(text)


def _table(kind: Any, table: Mapping[str, Any], where: str) -> Any:
    """Return a dataclass from a table; `where` names the table."""
    hints = get_type_hints(kind)
    for key in table:
        if key not in hints:
            raise _MistakeError(f"{where} has no key {key}: {did_you_mean(key, hints)}")
    if missing := [key for key in _needed(kind) if key not in table]:
        keys = ", ".join(_with_its_keys(key, hints[key]) for key in missing)
        raise _MistakeError(f"{where} lacks {keys}", missing=True)
    return kind(**{key: _value(hints[key], value, where, key) for key, value in table.items()})


def _needed(kind: Any) -> list[str]:
    """Return the keys without a default."""
    none = dataclasses.MISSING
    return [f.name for f in dataclasses.fields(kind) if f.default is none and f.default_factory is none]


def _usual(kind: Any) -> list[str]:
    """Return the keys without a default, or else the first one, as most tables have it."""
    return _needed(kind) or [dataclasses.fields(kind)[0].name]


def _value(kind: Any, value: Any, where: str, key: str) -> Any:
    """Return a value as its field has it; `where` names the table that holds the key."""
    origin, args = get_origin(kind), get_args(kind)
    if value is None and NoneType in args:
        return None
    if origin in (Union, UnionType):
        kinds = [each for each in args if each is not NoneType]
        kind = next((each for each in kinds if type(value) is each), kinds[0])
        return _value(kind, value, where, key)
    if dataclasses.is_dataclass(kind) and isinstance(value, dict):
        return _table(kind, value, f"[{key}]")
    if origin is tuple and isinstance(value, list):
        if args[0] in (int, float, str):
            return tuple(_value(args[0], x, f"{where}, {key}", str(i)) for i, x in enumerate(value, 1))
        if all(isinstance(x, dict) for x in value):
            return tuple(_table(args[0], x, _entry(key, i, x)) for i, x in enumerate(value, 1))
    if origin is Mapping and isinstance(value, dict):
        return {name: _value(args[1], x, f"{where}, {key}", name) for name, x in value.items()}
    if origin is Literal and value in args:
        return value
    if kind is float and type(value) in (int, float) and math.isfinite(value):
        return float(value)
    if type(value) is kind and kind is not float:
        return value
    name = "a finite number" if kind is float and isinstance(value, float) else type_name(kind)
    raise _MistakeError(f"{where}, {key}: {name} is needed, not {shown(value)}{_written(kind, key)}")


def _written(kind: Any, key: str) -> str:
    """Return how to write a table, or a list of tables, that needs one key; empty for other values."""
    many = get_origin(kind) is tuple
    table = get_args(kind)[0] if many else kind
    needed = (_usual(table) if many else _needed(table)) if dataclasses.is_dataclass(table) else []
    if len(needed) != 1:
        return ""
    return f"; write {key} = [{{ {needed[0]} = ... }}]" if many else f"; write {key}.{needed[0]} = ..."


def _entry(key: str, number: int, table: Mapping[str, Any]) -> str:
    """Name a table of an array: by its `name` if it has one, else by its number from 1."""
    name = table.get("name")
    return f"[[{key}]] {name!r}" if isinstance(name, str) else f"[[{key}]] number {number}"


def _with_its_keys(key: str, kind: Any) -> str:
    """Return a missing key; for a missing table add the keys that it needs."""
    many = get_origin(kind) is tuple
    table = get_args(kind)[0] if many else kind
    if not dataclasses.is_dataclass(table):
        return key
    return f"{f'[[{key}]]' if many else f'[{key}]'} with {' and '.join(_usual(table))}"


def type_name(kind: Any) -> str:
    """Return the name of a type of values, as errors say it."""
    if get_origin(kind) is Literal:
        return " or ".join(repr(choice) for choice in get_args(kind))
    if dataclasses.is_dataclass(kind) or get_origin(kind) is Mapping:
        return "a table"
    if kind == tuple[float, ...]:
        return "a list of numbers"
    if kind == tuple[str, ...]:
        return "a list of texts"
    return NAMES.get(kind, "a list of tables")
