"""Check the arguments of `reds.compress` before anything is trained; every error names the argument."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from torch import nn

from reds.data.options import AugmentationOptions
from reds.elastic.net import ElasticNet, check_full
from reds.errors import SettingsError
from reds.experiment.board import Target
from reds.experiment.method import TOP, Method, limit_rules, method_rules, shift_rules
from reds.graph import MOST_WIDER, Graph
from reds.graph.subnets import Budget
from reds.pack.model import MOST_SUBNETS
from reds.reading import user_path
from reds.rules import Rule, first_broken, is_number, is_whole, type_rules
from reds.strict_tables import type_name

ARGUMENTS = {
    "[augmentation]": "augmentation.", "[selection]": "selection.", "[[subnet]]": "budgets, ", TOP: "",
    "[full]": "training.", "[joint]": "training.", "[int8]": "training.",
}  # fmt: skip
"""The argument that holds the settings of each table of a recipe."""


def check_kinds(**given: tuple[object, type]) -> None:
    """Raise `SettingsError` unless each argument, given with its type, has that type."""
    for argument, (value, kind) in given.items():
        if not isinstance(value, kind):
            found = type(value).__name__
            raise SettingsError(f"{argument}: {found} is given, make a reds.{kind.__name__} of it")


def check_net(net: object) -> None:
    """Raise `SettingsError` unless the argument `net` is a full net, a graph or a name."""
    if isinstance(net, ElasticNet):
        check_full(net)
    elif isinstance(net, nn.Module):
        kind = type(net).__name__
        raise SettingsError(f"net: {kind} is a plain torch module: call reds.from_module first")
    elif not isinstance(net, Graph | str):
        kind = type(net).__name__
        raise SettingsError(
            f"net: a net from reds.from_module, a graph or a name of reds.zoo is needed, not {kind}"
        )


def check_widen(widen: object, net: object) -> float:
    """Return the factor by which a net is widened. Raises `SettingsError` if this net cannot be."""
    _check([Rule(TOP, "widen", is_number(widen) and 1 <= widen <= MOST_WIDER,  # type: ignore[operator]
                 f"a number from 1 to {MOST_WIDER}", widen)])  # fmt: skip
    if widen != 1 and isinstance(net, ElasticNet):
        raise SettingsError(
            "widen: the net has weights already: make its module wider, and give budgets as numbers of MACs"
        )
    return float(widen)  # type: ignore[arg-type]


def budget_list(budgets: object) -> list[Budget | float]:
    """Return the argument `budgets` as a list. Raises `SettingsError` unless it has 1 to 64 budgets."""
    many = isinstance(budgets, Iterable) and not isinstance(budgets, str)
    each = list(budgets) if many else []  # type: ignore[call-overload]
    listed = bool(each) and all(isinstance(b, Budget) or is_number(b) for b in each)
    _check([
        Rule(TOP, "budgets", listed, "a list of numbers or reds.Budget", budgets),
        Rule(TOP, "budgets", len(each) <= MOST_SUBNETS, f"a list of 1 to {MOST_SUBNETS}", len(each)),
    ])  # fmt: skip
    for budget in each:
        if isinstance(budget, Budget):
            check_types("[[subnet]]", budget)
    _check(limit_rules([budget for budget in each if isinstance(budget, Budget)]))
    return each


def check_types(table: str, options: object) -> None:
    """Raise `SettingsError` unless each field of the options has its type; `table` is that of a recipe."""
    _check(type_rules(table, options))


def check_board(
    board: object, emulate: object, boards: object, energy_per_cycle: object, profile: object
) -> Target | None:
    """Return the board that the arguments name, None if they name none. Raises `SettingsError`."""
    path = boards is None or isinstance(boards, str | Path)
    nj = energy_per_cycle
    _check([
        Rule(TOP, "board", board is None or (isinstance(board, str) and board != ""), "a name", board),
        Rule(TOP, "emulate", isinstance(emulate, bool), type_name(bool), emulate),
        Rule(TOP, "boards", path, "the path of a boards file", boards),
        Rule(TOP, "board", bool(board) or not (emulate or boards or nj), "a name, for all else said of it,",
             board),
        Rule(TOP, "profile", board is None or profile is None, "left out, as the board tells it,", None),
        Rule(TOP, "energy_per_cycle", nj is None or (is_number(nj) and nj > 0),  # type: ignore[operator]
             "nanojoules above 0", nj),
    ])  # fmt: skip
    try:
        file = None if boards is None else user_path(boards)  # type: ignore[arg-type]
    except ValueError as error:
        raise SettingsError(f"boards: {error}") from None
    return Target(board, emulate is True, file) if isinstance(board, str) else None


def check_epochs(**epochs: Any) -> None:
    """Raise `SettingsError` unless each argument is a number of epochs; only `epochs` has to be 1 or more."""
    for key, count in epochs.items():
        least = 1 if key == "epochs" else 0
        expected = f"a whole number, {least} or more,"
        _check([Rule(TOP, key, is_whole(count) and count >= least, expected, count)])


def check_settings(method: Method, augmentation: AugmentationOptions) -> None:
    """Raise `SettingsError` if a setting has another type or is outside its range."""
    _check(method_rules(method, augmentation))


def check_shifts(augmentation: AugmentationOptions, shape: tuple[int, int, int]) -> None:
    """Raise `SettingsError` if examples [rows, columns, units] are shifted by their size or more."""
    _check(shift_rules(augmentation, shape))


def _check(rules: Iterable[Rule]) -> None:
    """Raise `SettingsError` for the first rule that does not hold."""
    if rule := first_broken(rules):
        raise SettingsError(f"{ARGUMENTS[rule.table]}{rule.key}: {rule.text}")
