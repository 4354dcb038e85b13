"""Read and check a recipe before torch is imported, so that its mistakes show at once.

`strict_toml` checks tables, keys and types. The rules below check values. Every error names the file, the
table and the key.
"""

from pathlib import Path
from typing import NamedTuple

from reds.data.catalog import SETS, DataSpec
from reds.errors import RecipeError
from reds.experiment.recipe import Recipe
from reds.fixtures import fixtures_dir
from reds.strict_toml import parse_toml
from reds.zoo import KNOWN_NAMES, find_net

LIMITS = ("flash", "arena", "latency")
"""Keys of a subnet's budgets beside MACs."""


class Rule(NamedTuple):
    """Say what a value of a recipe has to be."""

    where: str
    """Table and key."""
    holds: bool
    expected: str
    found: object
    """The value in the recipe; None if the key is missing."""


def load_recipe(path: Path) -> Recipe:
    """Read and check a recipe file. Raises `RecipeError`."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise RecipeError(f"{path}: cannot be read: {reason}; name a TOML file") from None
    return parse_recipe(text, str(path))


def parse_recipe(text: str, source: str) -> Recipe:
    """Return the recipe that a text describes; `source` names it in errors. Raises `RecipeError`."""
    example = fixtures_dir() / "recipes" / "kws-dnn-s.toml"
    recipe = parse_toml(text, Recipe, source, RecipeError, str(example))
    _check(_rules(recipe), source)
    if recipe.data.set in SETS:
        check_rows(recipe, SETS[recipe.data.set], source)
        check_shifts(recipe, SETS[recipe.data.set], source)
    return recipe


def _rules(recipe: Recipe) -> list[Rule]:
    """Return the rules on the values of a recipe, apart from those that depend on its data."""
    name, data, selection, joint = recipe.name, recipe.data, recipe.selection, recipe.joint
    mixup = recipe.augmentation.mixup
    return [
        Rule("the top level, name", 0 < len(name.encode()) <= 31 and name == Path(name).name,
             "1 to 31 bytes that can name a file", name),
        Rule("the top level, seed", 0 <= recipe.seed < 2**31, "0 to 2^31 - 1", recipe.seed),
        Rule("[net], name", find_net(recipe.net.name) is not None, f"one of {KNOWN_NAMES}", recipe.net.name),
        Rule("[data], set", bool(data.set), "a name or a path", data.set),
        Rule("[data], source", data.set in SETS or data.source == "auto", "'auto', for your own data,",
             data.source),
        Rule("[augmentation], mixup", 0 <= mixup <= 1, "0 to 1", mixup),
        Rule("[selection], step", selection.step >= 1, "1 or more", selection.step),
        Rule("[selection], least", selection.least >= 1, "1 or more", selection.least),
        Rule("[joint], distil", 0 <= joint.distil <= 1, "0 to 1", joint.distil),
        *_training_rules(recipe),
        *_subnet_rules(recipe),
    ]  # fmt: skip


def _training_rules(recipe: Recipe) -> list[Rule]:
    rules = []
    for options in filter(None, (recipe.full, recipe.joint, recipe.rounding)):
        table = options.table
        rules += [
            Rule(f"{table}, epochs", options.epochs >= 1, "1 or more", options.epochs),
            Rule(f"{table}, batch", options.batch >= 2, "2 or more", options.batch),
            Rule(f"{table}, rate", options.rate > 0, "more than 0", options.rate),
            Rule(f"{table}, weight_decay", options.weight_decay >= 0, "0 or more", options.weight_decay),
            Rule(f"{table}, smoothing", 0 <= options.smoothing < 1, "0 to less than 1", options.smoothing),
            Rule(f"{table}, dropout", 0 <= options.dropout < 1, "0 to less than 1", options.dropout),
        ]
    return rules


def _subnet_rules(recipe: Recipe) -> list[Rule]:
    budgets = [subnet.budget for subnet in recipe.subnet]
    floors = [subnet.floor for subnet in recipe.subnet]
    ascending = budgets == sorted(set(budgets)) and budgets[-1:] == [1.0] and budgets[0] > 0
    full = {
        key: limit for key in LIMITS for s in recipe.subnet[-1:] if (limit := getattr(s, key)) is not None
    }
    times = recipe.device.times if recipe.device else None
    latencies = [subnet.latency for subnet in recipe.subnet if subnet.latency is not None]
    rules = [
        Rule("[[subnet]], budget", ascending,
             "ascending fractions of the full net's MACs, the last one 1.0", budgets),
        Rule("[[subnet]], the last one", not full, "no budget but MACs, as it is the full net,", full),
        Rule("[device], times", bool(times) or not latencies,
             "a file of measured times, for subnets with a latency,", times),
        Rule("[[subnet]], floor", all(0 <= floor <= 1 for floor in floors), "0 to 1", floors),
    ]  # fmt: skip
    for key in LIMITS:
        given = [limit for subnet in recipe.subnet if (limit := getattr(subnet, key)) is not None]
        rules.append(Rule(f"[[subnet]], {key}", all(n > 0 for n in given), "more than 0", given))
    return rules


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
    _check([Rule("[data], every", 1 <= every <= rows, f"1 to {rows}", every)], source)


def check_shifts(recipe: Recipe, spec: DataSpec, source: str) -> None:
    """Check that a recipe shifts examples by less than their size.

    Args:
        recipe: The recipe.
        spec: Its data set.
        source: Name of the recipe file, for errors.

    Raises:
        RecipeError: The recipe shifts by more rows or columns than an example has.
    """
    (rows, columns, _), shift = spec.shape, recipe.augmentation
    _check(
        [
            Rule("[augmentation], shift_rows", 0 <= shift.shift_rows < rows, f"0 to {rows - 1}",
                 shift.shift_rows),
            Rule("[augmentation], shift_columns", 0 <= shift.shift_columns < columns, f"0 to {columns - 1}",
                 shift.shift_columns),
        ],
        source,
    )  # fmt: skip


def _check(rules: list[Rule], source: str) -> None:
    """Raise `RecipeError` for the first rule that does not hold."""
    for rule in rules:
        if not rule.holds:
            found = "" if rule.found is None else f", not {rule.found!r}"
            raise RecipeError(f"{source}: {rule.where}: {rule.expected} is needed{found}")
