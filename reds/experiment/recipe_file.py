"""Read and check a recipe before torch is imported, so that its mistakes show at once.

`strict_tables` checks tables, keys and types. The rules of `method` and those below check values. Every error
names the file, the table and the key.
"""

from collections.abc import Iterable
from dataclasses import replace
from itertools import chain
from pathlib import Path

from reds.data.catalog import SETS, DataSpec
from reds.data.options import SeriesOptions, SoundOptions
from reds.errors import RecipeError
from reds.experiment.method import LIMITS, method_rules, shift_rules
from reds.experiment.recipe import Recipe, method_of
from reds.fixtures import fixtures_dir
from reds.pack.model import MOST_SUBNETS
from reds.reading import read_regular, reason, text_of
from reds.rules import Rule, first_broken
from reds.strict_tables import parse_toml
from reds.zoo import find_net, unknown_net


def load_recipe(path: Path) -> Recipe:
    """Read and check a recipe file. Raises `RecipeError`."""
    try:
        text = text_of(read_regular(path))
    except ValueError as error:
        raise RecipeError(f"{path}: cannot be read: {error}") from None
    except OSError as error:
        raise RecipeError(f"{path}: cannot be read: {reason(error)}; name a TOML file") from None
    return parse_recipe(text, str(path))


def parse_recipe(text: str, source: str) -> Recipe:
    """Return the recipe that a text describes; `source`, its file, names it. Raises `RecipeError`."""
    example = fixtures_dir() / "recipes" / "kws-dnn-s.toml"
    recipe = parse_toml(text, Recipe, source, RecipeError, str(example))
    recipe = recipe if recipe.name else replace(recipe, name=Path(source).stem)
    if not find_net(recipe.net.name):
        raise RecipeError(f"{source}: [net], name: {unknown_net(recipe.net.name)}")
    _check(chain(_rules(recipe), method_rules(method_of(recipe), recipe.augmentation)), source)
    if recipe.data.set in SETS:
        check_rows(recipe, SETS[recipe.data.set], source)
        check_shifts(recipe, SETS[recipe.data.set], source)
    return recipe


def _rules(recipe: Recipe) -> list[Rule]:
    """Return the rules on the values that only recipes have, apart from those that depend on the data."""
    data = recipe.data
    return [
        Rule("[data]", "set", bool(data.set), "a name or a path", data.set),
        Rule("[data]", "source", data.set in SETS or data.source == "auto", "'auto', for your own data,",
             data.source),
        *(
            Rule("[data]", key, data.set not in SETS or getattr(data, key) == default, "left out, as it is of"
                 " your own data,", getattr(data, key))
            for key, default in (("group", None), ("sounds", SoundOptions()), ("series", SeriesOptions()))
        ),
        *_subnet_rules(recipe),
    ]  # fmt: skip


def _subnet_rules(recipe: Recipe) -> list[Rule]:
    budgets = [subnet.budget for subnet in recipe.subnet]
    floors = [subnet.floor for subnet in recipe.subnet]
    full = {
        key: limit for key in LIMITS for s in recipe.subnet[-1:] if (limit := getattr(s, key)) is not None
    }
    times = recipe.device.times if recipe.device else None
    latencies = [subnet.latency for subnet in recipe.subnet if subnet.latency is not None]
    return [
        Rule("[[subnet]]", "budget", all(0 < budget <= 1 for budget in budgets),
             "a fraction of the full net's MACs, as 0.25 for 25 %,", budgets),
        Rule("[[subnet]]", "budget", budgets == sorted(set(budgets)), "more than that of the subnet before",
             budgets),
        Rule("[[subnet]]", "budget", budgets[-1:] == [1.0], "1.0 as the last one, for the full net,",
             budgets),
        Rule("[[subnet]]", "budget", len(budgets) <= MOST_SUBNETS, f"a list of 1 to {MOST_SUBNETS}",
             len(budgets)),
        Rule("[[subnet]]", "the last one", not full, "no budget but MACs, as it is the full net,", full),
        Rule("[device]", "times", bool(times) or not latencies,
             "a file of measured times, for subnets with a latency,", times),
        Rule("[[subnet]]", "floor", all(0 <= floor <= 1 for floor in floors), "0 to 1", floors),
    ]  # fmt: skip


def check_rows(recipe: Recipe, spec: DataSpec, source: str) -> None:
    """Check that a recipe keeps some rows of an example.

    Args:
        recipe: The recipe.
        spec: Its data set.
        source: Name of the recipe file, for errors.

    Raises:
        RecipeError: The recipe leaves out more rows than an example has.
    """
    rows, every = spec.shape[0], recipe.data.every
    _check([Rule("[data]", "every", 1 <= every <= rows, f"1 to {rows}", every)], source)


def check_shifts(recipe: Recipe, spec: DataSpec, source: str) -> None:
    """Check that a recipe shifts examples by less than their size.

    Args:
        recipe: The recipe.
        spec: Its data set.
        source: Name of the recipe file, for errors.

    Raises:
        RecipeError: The recipe shifts by more rows or columns than an example has.
    """
    _check(shift_rules(recipe.augmentation, spec.shape), source)


def _check(rules: Iterable[Rule], source: str) -> None:
    """Raise `RecipeError` for the first rule that does not hold."""
    if rule := first_broken(rules):
        raise RecipeError(f"{source}: {rule.table}, {rule.key}: {rule.text}")
