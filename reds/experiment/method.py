"""Hold the settings of the method and the rules on their values, for recipes and `reds.compress`."""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, NamedTuple, get_args, get_type_hints

from reds.data.options import AugmentationOptions
from reds.graph.subnets import Budget
from reds.nesting.options import SelectionOptions
from reds.pack.validate import NAME_BYTES
from reds.strict_tables import type_name
from reds.text import shown
from reds.training.options import JointOptions, RoundingOptions, TrainingOptions

TOP = "the top level"
"""Place of the keys that are in no table of a recipe."""
LIMITS = ("flash", "arena", "latency")
"""Keys of a subnet's budgets beside MACs."""


@dataclass(frozen=True)
class Method:
    """Hold everything that decides a training, except the net, the examples and the target's profile."""

    name: str
    """Name of the pack, 1 to 31 bytes."""
    budgets: tuple[Budget, ...]
    """Budget of each subnet, smallest first."""
    seed: int = 0
    full: TrainingOptions | None = field(default_factory=TrainingOptions)
    """Training of the full net before its units are scored; None if it is trained already."""
    selection: SelectionOptions = field(default_factory=SelectionOptions)
    """Scoring of units and selection of subnets."""
    joint: JointOptions = field(default_factory=JointOptions)
    """Joint training of all subnets."""
    rounding: RoundingOptions | None = None
    """Training of the last epochs with int8 rounding; None for no such epochs."""


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


def method_rules(method: Method, augmentation: AugmentationOptions) -> Iterator[Rule]:
    """Give the rules on all settings; types come first, so that ranges can be compared."""
    name, seed, selection, mixup = method.name, method.seed, method.selection, augmentation.mixup
    yield Rule(TOP, "name", _names_a_file(name), f"1 to {NAME_BYTES} bytes that can name a file", name)
    yield Rule(TOP, "seed", is_whole(seed), type_name(int), seed)
    yield Rule(TOP, "seed", 0 <= seed < 2**31, "0 to 2^31 - 1", seed)
    yield from type_rules("[augmentation]", augmentation)
    yield Rule("[augmentation]", "mixup", 0 <= mixup <= 1, "0 to 1", mixup)
    yield from type_rules("[selection]", selection)
    yield Rule("[selection]", "step", selection.step >= 1, "1 or more", selection.step)
    yield Rule("[selection]", "least", selection.least >= 1, "1 or more", selection.least)
    for options in filter(None, (method.full, method.joint, method.rounding)):
        yield from _training_rules(options)
    for key in LIMITS:
        given = [limit for budget in method.budgets if (limit := getattr(budget, key)) is not None]
        yield Rule("[[subnet]]", key, all(limit > 0 for limit in given), "more than 0", given)


def shift_rules(augmentation: AugmentationOptions, shape: tuple[int, int, int]) -> Iterator[Rule]:
    """Give the rule that examples [rows, columns, units] are shifted by less than their size."""
    for key, size in (("shift_rows", shape[0]), ("shift_columns", shape[1])):
        shift = getattr(augmentation, key)
        yield Rule("[augmentation]", key, 0 <= shift < size, f"0 to {size - 1}", shift)


def type_rules(table: str, options: Any) -> Iterator[Rule]:
    """Give the rule that each field of a dataclass has its type; `table` names the dataclass."""
    for key, kind in get_type_hints(type(options)).items():
        value = getattr(options, key)
        if isinstance(kind, UnionType):
            if value is None:
                continue
            (kind,) = (each for each in get_args(kind) if each is not NoneType)
        yield Rule(table, key, _has_type(value, kind), type_name(kind), value)


def is_whole(value: object) -> bool:
    """Return whether a value is a whole number."""
    return isinstance(value, int) and not isinstance(value, bool)


def is_number(value: object) -> bool:
    """Return whether a value is a finite number."""
    return is_whole(value) or (isinstance(value, float) and math.isfinite(value))


def _training_rules(options: TrainingOptions) -> Iterator[Rule]:
    table = options.table
    yield from type_rules(table, options)
    yield Rule(table, "epochs", options.epochs >= 1, "1 or more", options.epochs)
    yield Rule(table, "batch", options.batch >= 2, "2 or more", options.batch)
    yield Rule(table, "rate", options.rate > 0, "more than 0", options.rate)
    yield Rule(table, "weight_decay", options.weight_decay >= 0, "0 or more", options.weight_decay)
    yield Rule(table, "smoothing", 0 <= options.smoothing < 1, "0 to less than 1", options.smoothing)
    yield Rule(table, "dropout", 0 <= options.dropout < 1, "0 to less than 1", options.dropout)
    if isinstance(options, JointOptions):
        yield Rule(table, "distil", 0 <= options.distil <= 1, "0 to 1", options.distil)


def _has_type(value: object, kind: Any) -> bool:
    checks = {bool: lambda x: isinstance(x, bool), int: is_whole, float: is_number}
    return checks[kind](value) if kind in checks else isinstance(value, str) and value in get_args(kind)


def _names_a_file(name: object) -> bool:
    if not isinstance(name, str) or not name.isprintable():
        return False
    return 0 < len(name.encode()) <= NAME_BYTES and name == Path(name).name != ".."
