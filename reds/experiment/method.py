"""Hold the settings of the method and the rules on their values, for recipes and `reds.compress`."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from reds.data.options import AugmentationOptions
from reds.graph import Graph
from reds.graph.subnets import Budget
from reds.nesting.options import SelectionOptions
from reds.pack.validate import NAME_BYTES
from reds.reading import names_a_file
from reds.rules import Rule, is_whole, type_rules
from reds.strict_tables import type_name
from reds.training.options import JointOptions, RoundingOptions, TrainingOptions
from reds.training.rules import training_rules

TOP = "the top level"
"""Place of the keys that are in no table of a recipe."""
LIMITS = ("macs", "flash", "arena", "latency", "energy")
"""Keys of a subnet's budgets beside its share of the MACs."""


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


def method_rules(method: Method, augmentation: AugmentationOptions) -> Iterator[Rule]:
    """Give the rules on all settings; types come first, so that ranges can be compared."""
    name, seed, selection, mixup = method.name, method.seed, method.selection, augmentation.mixup
    yield Rule(
        TOP, "name", names_a_file(name, NAME_BYTES), f"1 to {NAME_BYTES} bytes that can name a file", name
    )
    yield Rule(TOP, "seed", is_whole(seed), type_name(int), seed)
    yield Rule(TOP, "seed", 0 <= seed < 2**31, "0 to 2^31 - 1", seed)
    yield from type_rules("[augmentation]", augmentation)
    yield Rule("[augmentation]", "mixup", 0 <= mixup <= 1, "0 to 1", mixup)
    yield from type_rules("[selection]", selection)
    yield Rule("[selection]", "step", selection.step >= 1, "1 or more", selection.step)
    yield Rule("[selection]", "least", selection.least >= 1, "1 or more", selection.least)
    for options in filter(None, (method.full, method.joint, method.rounding)):
        yield from training_rules(options, least_batch=2)  # for norms
    yield from limit_rules(method.budgets)


def limit_rules(budgets: Sequence[Budget]) -> Iterator[Rule]:
    """Give the rule that every limit is above 0."""
    for key in LIMITS:
        given = [limit for budget in budgets if (limit := getattr(budget, key)) is not None]
        yield Rule("[[subnet]]", key, all(limit > 0 for limit in given), "more than 0", given)


def block_notes(options: SelectionOptions, graph: Graph) -> list[str]:
    """Return a note if blocks may be left out, and the net has none."""
    if not options.blocks or graph.blocks:
        return []
    return ["depth: no residual block of this net can be left out, so its subnets differ in widths alone"]


def shift_rules(augmentation: AugmentationOptions, shape: tuple[int, int, int]) -> Iterator[Rule]:
    """Give the rule that examples [rows, columns, units] are shifted by less than their size."""
    for key, size in (("shift_rows", shape[0]), ("shift_columns", shape[1])):
        shift = getattr(augmentation, key)
        yield Rule("[augmentation]", key, 0 <= shift < size, f"0 to {size - 1}", shift)
