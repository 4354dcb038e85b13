"""Every error that a user of `reds` can cause and mend; each is one clear line.

RedsError
├── GraphError          layers do not fit together
├── NotElasticError     a module cannot become an elastic net
├── BudgetError         no subnet fits a budget
│   └── CoupledError    tables over the widths of coupled unit groups are too large
├── LatencyError        measured times are missing or unusable
├── DataError           examples are missing, damaged or of the wrong shape
│   └── LabeledSetMissing   the labeled examples of a card are not at hand
├── DivergedError       training left the finite numbers
├── PackError           a pack cannot be used
│   └── ModelError      an integer network breaks a rule of the pack
│       └── QuantizeError   a layer does not fit the integer arithmetic
└── RecipeError         a recipe cannot be read
"""

from collections.abc import Sequence


class RedsError(Exception):
    """Base of all errors below; its text names the place and says what to try."""


class GraphError(RedsError, ValueError):
    """Layers do not fit together; the text names the layer."""


class NotElasticError(RedsError, ValueError):
    """A module cannot become an elastic net; the text names the place in its graph."""


class BudgetError(RedsError, ValueError):
    """No subnet fits a budget; the text names the budget and the smallest one that a subnet fits."""


class CoupledError(BudgetError):
    """Tables over all widths of coupled unit groups are too large.

    `groups` are indices of groups, `sizes` how many widths each may take, `names` the layers that write them.
    """

    SUPPORTED = 3
    """Groups of a stage, at most, in a chain, a tree or a residual stack."""

    def __init__(self, groups: tuple[int, ...], sizes: tuple[int, ...], names: Sequence[str] = ()) -> None:
        self.groups, self.sizes = groups, sizes
        who = ", ".join(names or [f"group {g}" for g in groups])
        many = ", more groups at once than in a chain, tree or residual stack"
        apart = many if len(groups) > self.SUPPORTED else ""
        super().__init__(
            f"{who}: their widths count together{apart}, and at this `step` the tables of"
            f" {' x '.join(map(str, sizes))} widths are too large; raise `step`"
        )


class LatencyError(RedsError, ValueError):
    """Measured times are missing or unusable; the text names their file."""


class DataError(RedsError):
    """Examples are missing, damaged or of the wrong shape; the text names the file or the array."""


class LabeledSetMissing(DataError):  # noqa: N818, it names a state of the machine, not a bug
    """The labeled examples that a card names are not at hand; the text says where they were looked for."""


class DivergedError(RedsError, ArithmeticError):
    """Training left the finite numbers; the text names the option to lower."""


class PackError(RedsError, ValueError):
    """A pack cannot be used; the text names the file and the reason."""


class ModelError(PackError):
    """An integer network breaks a rule of the pack; the text names the layer and the subnet."""


class QuantizeError(ModelError):
    """A layer cannot be expressed in the integer arithmetic; the text names the layer and the subnet."""


class RecipeError(RedsError, ValueError):
    """A recipe cannot be read; the text names the file, the table and the key."""
