"""Read and check a recipe before torch is imported, so that its mistakes show at once.

`strict_tables` checks tables, keys and types. The rules of `method` and those below check values. Every error
names the file, the table and the key.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import chain
from pathlib import Path

from reds.data.catalog import SETS, DataSpec
from reds.data.options import SeriesOptions, SoundOptions
from reds.errors import RecipeError
from reds.experiment.board import RECIPES_OWN, Target
from reds.experiment.method import LIMITS, method_rules, shift_rules
from reds.experiment.recipe import DeviceRecipe, Recipe, SubnetRecipe, method_of
from reds.fixtures import fixtures_dir
from reds.graph import MOST_WIDER
from reds.pack.layouts import LAYOUTS
from reds.pack.model import MOST_SUBNETS
from reds.pack.validate import SUBNET_NAME_BYTES
from reds.pack.validate.name import is_name
from reds.reading import read_regular, reason, text_of
from reds.rules import Rule, first_broken
from reds.strict_tables import parse_toml
from reds.zoo import find_net, unknown_net


def load_recipe(path: Path, target: Target = RECIPES_OWN) -> Recipe:
    """Read and check a recipe file, for another board if one is named. Raises `RecipeError`."""
    try:
        text = text_of(read_regular(path))
    except ValueError as error:
        raise RecipeError(f"{path}: cannot be read: {error}") from None
    except OSError as error:
        raise RecipeError(f"{path}: cannot be read: {reason(error)}; name a TOML file") from None
    return parse_recipe(text, str(path), target)


def parse_recipe(text: str, source: str, target: Target = RECIPES_OWN) -> Recipe:
    """Return the recipe that a text describes.

    Args:
        text: The text.
        source: The file, which names the recipe.
        target: The board that the command line names instead of that of the recipe.

    Raises:
        RecipeError: The recipe cannot be used.
    """
    example = fixtures_dir() / "recipes" / "kws-dnn-s.toml"
    recipe = parse_toml(text, Recipe, source, RecipeError, str(example))
    recipe = recipe if recipe.name else replace(recipe, name=Path(source).stem)
    recipe = replace(recipe, device=target.instead_of(recipe.device))
    if not find_net(recipe.net.name):
        raise RecipeError(f"{source}: [net], name: {unknown_net(recipe.net.name)}")
    _check(chain(_rules(recipe), method_rules(method_of(recipe), recipe.augmentation)), source)
    if recipe.data.set in SETS:
        check_rows(recipe, SETS[recipe.data.set], source)
        check_shifts(recipe, SETS[recipe.data.set], source)
    return recipe


def _rules(recipe: Recipe) -> list[Rule]:
    """Return the rules on the values that only recipes have, apart from those that depend on the data."""
    data, wide = recipe.data, f"1 to {MOST_WIDER}"
    return [
        Rule("[net]", "widen", 1 <= recipe.net.widen <= MOST_WIDER, wide, recipe.net.widen),
        Rule("[data]", "set", bool(data.set), "a name or a path", data.set),
        Rule("[data]", "source", data.set in SETS or data.source == "auto", "'auto', for your own data,",
             data.source),
        *(
            Rule("[data]", key, data.set not in SETS or getattr(data, key) == default, "left out, as it is of"
                 " your own data,", getattr(data, key))
            for key, default in (("group", None), ("sounds", SoundOptions()), ("series", SeriesOptions()))
        ),
        *_subnet_rules(recipe),
        *_device_rules(recipe),
    ]  # fmt: skip


def _subnet_rules(recipe: Recipe) -> Iterator[Rule]:
    """Give the rules on subnets and their budgets."""
    subnets, place = recipe.subnet, "[[subnet]]"
    given = {key: [x for s in subnets if (x := getattr(s, key)) is not None] for key in ("budget", *LIMITS)}
    budgets, counts = given["budget"], given["macs"]
    yield Rule(place, "budget", all(0 < budget <= 1 for budget in budgets),
               "a fraction of the full net's MACs, as 0.25 for 25 %,", budgets)  # fmt: skip
    yield Rule(
        place, "budget", budgets == sorted(set(budgets)), "more than that of the subnet before", budgets
    )
    last = subnets[-1] if subnets else SubnetRecipe(0.0)
    yield Rule(place, "budget", last.budget in (None, 1.0), "1.0 as the last one, for the full net,", budgets)
    yield Rule(place, "budget", len(subnets) <= MOST_SUBNETS, f"a list of 1 to {MOST_SUBNETS}", len(subnets))
    full = {key: limit for key in LIMITS if (limit := getattr(last, key)) is not None}
    yield Rule(place, "the last one", not full, "no budget but 1.0, as it is the full net,", full)
    for i, subnet in enumerate(subnets[:-1], 1):
        kept = [key for key in ("budget", *LIMITS) if getattr(subnet, key) is not None]
        kinds = ", ".join(LIMITS)
        yield Rule(f"{place} number {i}", "budget", bool(kept), f"a number, or one of {kinds},", None)
        both = {"budget", "macs"} <= {*kept}
        yield Rule(
            f"{place} number {i}", "macs", not both, "left out, as `budget` says the MACs,", subnet.macs
        )
    yield Rule(place, "macs", all(count > 1 for count in counts), "more than 1", counts)
    for key in LIMITS:
        limits = given[key]
        yield Rule(place, key, all(limit > 0 for limit in limits), "more than 0", limits)
        yield Rule(place, key, limits == sorted(limits), "no less than that of the subnet before", limits)
    names = [budget.known_name for budget in recipe.budgets if budget.known_name is not None]
    named = all(is_name(name, SUBNET_NAME_BYTES) for name in names)
    yield Rule(place, "name", named, f"a text of 1 to {SUBNET_NAME_BYTES} printable bytes", names)
    yield Rule(place, "name", len({*names}) == len(names), "another name for each subnet", names)
    yield Rule(place, "floor", all(0 <= s.floor <= 1 for s in subnets), "0 to 1", [s.floor for s in subnets])


def _device_rules(recipe: Recipe) -> Iterator[Rule]:
    """Give the rules on the target, and on what budgets need to know of it."""
    place, device = "[device]", recipe.device or DeviceRecipe()
    for key in ("emulate", "boards"):
        value = getattr(device, key)
        yield Rule(place, "board", bool(device.board) or not value, f"a name, for `{key}`,", device.board)
    layouts = " or ".join(repr(layout.name) for layout in LAYOUTS.values())
    if recipe.device:
        known = bool(device.board or device.layout)
        yield Rule(place, "layout", known, f"{layouts}, or a `board`,", device.layout)
    for key in ("layout", "times"):
        value = getattr(device, key)
        yield Rule(place, key, not (device.board and value), "left out, as the board tells it,", value)
    timed = bool(device.times or device.board)
    for key in ("latency", "energy"):
        limited = any(getattr(subnet, key) is not None for subnet in recipe.subnet)
        expected = f"a file of measured times, or a `board`, for subnets with {key},"
        yield Rule(place, "times", timed or not limited, expected, device.times)
    energy = device.energy_per_cycle
    yield Rule(place, "energy_per_cycle", energy is None or energy > 0, "more than 0", energy)
    limited = any(subnet.energy is not None for subnet in recipe.subnet)
    yield Rule(place, "energy_per_cycle", bool(energy or device.board) or not limited,
               "a number of nanojoules, for subnets with energy,", energy)  # fmt: skip


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
