"""Reads a recipe: whole, or refused with the file, the table, the key and the nearest key that exists."""

import dataclasses
import tomllib
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from types import UnionType
from typing import Any, Literal, get_args, get_origin, get_type_hints

from reds.data.sets import SETS, DataSet
from reds.errors import RecipeError
from reds.experiment.recipe import Recipe
from reds.fixtures import fixtures_dir
from reds.zoo import KNOWN_NAMES, find_net

Rules = list[tuple[str, object, str]]
"""Where, whether it holds, and what is needed."""


def load_recipe(path: Path) -> Recipe:
    """Read and check a recipe. Raises `RecipeError`."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise RecipeError(f"{path}: cannot be read: {getattr(error, 'strerror', None) or error}") from None
    return parse_recipe(text, str(path))


def parse_recipe(text: str, source: str) -> Recipe:
    """A recipe from its text; `source` names it in errors. Raises `RecipeError`."""
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise RecipeError(f"{source}: not valid TOML: {error}") from None
    recipe: Recipe = _table(Recipe, table, source, "the top level")
    _check(recipe, source)
    return recipe


def _table(kind: Any, table: Mapping[str, Any], source: str, where: str) -> Any:
    hints = get_type_hints(kind)
    for key in table:
        if key not in hints:
            near = get_close_matches(key, hints, 1, 0.5)
            advice = f"did you mean {near[0]}?" if near else f"it takes {', '.join(hints)}"
            raise RecipeError(f"{source}: {where} has no key {key}: {advice}")
    needed = [field.name for field in dataclasses.fields(kind) if field.default is dataclasses.MISSING]
    missing = [name for name in needed if name not in table]
    if missing:
        lacks = ", ".join(_lacking(name, hints[name]) for name in missing)
        shown = fixtures_dir() / "recipes"
        advice = f"; the recipes in {shown} have everything" if kind is Recipe else ""
        raise RecipeError(f"{source}: {where} lacks {lacks}{advice}")
    return kind(**{key: _value(hints[key], table[key], source, where, key) for key in table})


def _value(kind: Any, value: Any, source: str, where: str, key: str) -> Any:
    if get_origin(kind) is UnionType:  # what may be left out
        kind = get_args(kind)[0]
    if dataclasses.is_dataclass(kind) and isinstance(value, dict):
        return _table(kind, value, source, f"[{key}]")
    if get_origin(kind) is tuple and isinstance(value, list) and all(isinstance(x, dict) for x in value):
        each = get_args(kind)[0]
        return tuple(_table(each, x, source, f"[[{key}]] number {i}") for i, x in enumerate(value, 1))
    if get_origin(kind) is Literal and value in get_args(kind):
        return value
    if kind is float and type(value) in (int, float):
        return float(value)
    if type(value) is kind:
        return value
    raise RecipeError(f"{source}: {where}, {key}: {_says(kind)} is needed, not {value!r}")


def _lacking(key: str, kind: Any) -> str:
    """A key; of a table with all that it needs."""
    each = get_args(kind)[0] if get_origin(kind) is tuple else kind
    if not dataclasses.is_dataclass(each):
        return key
    needed = [field.name for field in dataclasses.fields(each) if field.default is dataclasses.MISSING]
    return f"{f'[{key}]' if each is kind else f'[[{key}]]'} with {' and '.join(needed)}"


def _says(kind: Any) -> str:
    if get_origin(kind) is Literal:
        return " or ".join(repr(choice) for choice in get_args(kind))
    names = {bool: "true or false", int: "a whole number", float: "a number", str: "a text"}
    return names.get(kind, "a table" if dataclasses.is_dataclass(kind) else "a list of tables")


def _check(recipe: Recipe, source: str) -> None:
    """Refuse values that are of the right type and make no sense."""
    budgets = [subnet.budget for subnet in recipe.subnet]
    timed = recipe.device is not None and recipe.device.times is not None
    rules: Rules = [
        ("the top level, name", 0 < len(recipe.name.encode()) <= 31 and recipe.name == Path(recipe.name).name,
         "1 to 31 bytes that can name a file"),
        ("the top level, seed", 0 <= recipe.seed < 2**31, "0 to 2^31 - 1"),
        ("[net], name", find_net(recipe.net.name) is not None, f"one of {KNOWN_NAMES}"),
        ("[data], set", recipe.data.set, "a name or a path"),
        ("[data], source", recipe.data.set in SETS or recipe.data.source == "auto", "'auto', for own data,"),
        ("[augmentation], mixup", 0 <= recipe.augmentation.mixup <= 1, "0 to 1"),
        ("[selection], step", recipe.selection.step >= 1, "1 or more"),
        ("[selection], least", recipe.selection.least >= 1, "1 or more"),
        ("[joint], distil", 0 <= recipe.joint.distil <= 1, "0 to 1"),
        ("[[subnet]], budget", budgets == sorted(set(budgets)) and budgets[-1:] == [1.0] and budgets[0] > 0,
         "ascending fractions of the full net, the last one 1.0"),
        ("[[subnet]], the last one", not any(s.limited for s in recipe.subnet[-1:]),
         "the full net, with no other budget,"),
        ("[device], times", timed or all(s.latency is None for s in recipe.subnet),
         "a file, for subnets with a latency,"),
        ("[[subnet]], floor", all(0 <= subnet.floor <= 1 for subnet in recipe.subnet), "0 to 1"),
    ]  # fmt: skip
    for key in ("flash", "arena", "latency"):
        given = [getattr(subnet, key) for subnet in recipe.subnet]
        rules.append((f"[[subnet]], {key}", all(n is None or n > 0 for n in given), "more than 0"))
    for how in filter(None, (recipe.full, recipe.joint, recipe.rounding)):
        table = how.table
        rules += [
            (f"{table}, epochs", how.epochs >= 1, "1 or more"),
            (f"{table}, batch", how.batch >= 2, "2 or more"),
            (f"{table}, rate", how.rate > 0, "more than 0"),
            (f"{table}, weight_decay", how.weight_decay >= 0, "0 or more"),
            (f"{table}, smoothing", 0 <= how.smoothing < 1, "0 to less than 1"),
            (f"{table}, dropout", 0 <= how.dropout < 1, "0 to less than 1"),
        ]
    _hold(rules, source)
    if recipe.data.set in SETS:
        check_rows(recipe, SETS[recipe.data.set], source)
        check_shifts(recipe, SETS[recipe.data.set], source)


def check_rows(recipe: Recipe, data_set: DataSet, source: str) -> None:
    """Raise `RecipeError` if a recipe leaves out more rows than its data have."""
    rows = data_set.shape[0]
    _hold([("[data], every", 1 <= recipe.data.every <= rows, f"1 to {rows}")], source)


def check_shifts(recipe: Recipe, data_set: DataSet, source: str) -> None:
    """Raise `RecipeError` if a recipe shifts by more rows or columns than its data have."""
    (rows, columns, _), shift = data_set.shape, recipe.augmentation
    rules: Rules = [
        ("[augmentation], shift_rows", 0 <= shift.shift_rows < rows, f"0 to {rows - 1}"),
        ("[augmentation], shift_columns", 0 <= shift.shift_columns < columns, f"0 to {columns - 1}"),
    ]
    _hold(rules, source)


def _hold(rules: Rules, source: str) -> None:
    for where, holds, wanted in rules:
        if not holds:
            raise RecipeError(f"{source}: {where}: {wanted} is needed")
