"""Define the errors that a user of `reds` can fix. Each text is one line: observed, expected, remedy.

RedsError
├── GraphError          layers do not fit together
├── NotElasticError     a torch module cannot become an elastic net
├── BudgetError         no subnet fits a budget
│   └── CoupledError    the tables over widths of coupled unit groups are too large
├── BoardError          a board cannot be opened, is lost, or cannot measure what a build needs
├── LatencyError        measured times are missing or cannot be used
├── DataError           examples are missing, damaged or of the wrong shape
│   └── LabeledSetMissing   the labeled examples of a card are not on this machine
├── DivergedError       training left the finite numbers
├── LostProcessError    another process of a training has ended, or does not answer
├── ClusterError        Ray cannot be used, or lost a training
├── PackError           a pack cannot be used
│   └── ModelError      an integer network breaks a rule of the pack format
│       └── QuantizeError   a layer does not fit the integer arithmetic
├── SettingsError       an argument of `reds.compress` cannot be used
└── RecipeError         a recipe cannot be used
"""

from collections.abc import Sequence

from reds.text import LINE, printable


class RedsError(Exception):
    """Base of all errors below; the text names the place and a remedy.

    A text may hold names of files and values of users, so it is shown as one printable line.
    """

    def __str__(self) -> str:
        return printable(super().__str__(), LINE)


class GraphError(RedsError, ValueError):
    """Layers do not fit together; the text names the layer."""


class NotElasticError(RedsError, ValueError):
    """A torch module cannot become an elastic net; the text names the submodule or the call."""


class BudgetError(RedsError, ValueError):
    """No subnet fits a budget; the text names the budget and the smallest one that a subnet fits."""


class CoupledError(BudgetError):
    """The tables over all widths of coupled unit groups are too large for every way to solve them.

    Attributes:
        groups: Indices of the unit groups, and after these of sums, whose widths count together.
        sizes: Number of widths that each group may take.
    """

    def __init__(self, groups: tuple[int, ...], sizes: tuple[int, ...], names: Sequence[str] = ()) -> None:
        """Name the groups by `names`, the layers that write them, or else by their indices."""
        self.groups, self.sizes = groups, sizes
        layers = ", ".join(names or [f"group {g}" for g in groups])
        super().__init__(
            f"{layers}: their widths count together, and at this `step` the tables of"
            f" {' x '.join(map(str, sizes))} widths are too large; raise `step`"
        )
        self._names = tuple(names)

    def __reduce__(self) -> tuple[type["CoupledError"], tuple[object, ...]]:
        """Let another process raise this error too."""
        return type(self), (self.groups, self.sizes, self._names)


class BoardError(RedsError):
    """A board cannot be opened, is lost, or cannot measure what a build needs; the text names it."""


class LatencyError(RedsError, ValueError):
    """Measured times are missing or cannot be used; the text names their file."""


class DataError(RedsError):
    """Examples are missing, damaged or of the wrong shape; the text names the file or the array."""


class LabeledSetMissing(DataError):  # noqa: N818, it names a state of the machine, not a bug
    """The labeled examples of a card are not on this machine; the text names the searched places."""


class DivergedError(RedsError, ArithmeticError):
    """Training left the finite numbers; the text names the option to lower."""


class LostProcessError(RedsError):
    """Another process of a training has ended, or does not answer; every process that is left says so."""

    def __init__(self, rank: int, processes: int) -> None:
        """Name this process and how many there were."""
        super().__init__(rank, processes)
        self.rank, self.processes = rank, processes

    def __str__(self) -> str:
        return (
            f"process {self.rank} of {self.processes} ends: torchrun was stopped, or another process ended or"
            " does not answer: give the same command again, and a build goes on after its last whole epoch"
        )


class ClusterError(RedsError):
    """Ray cannot be used, or lost a training; the text names the training or the address."""


class PackError(RedsError, ValueError):
    """A pack cannot be used; the text names the file and the reason."""


class ModelError(PackError):
    """An integer network breaks a rule of the pack format; the text names the layer and the subnet."""


class QuantizeError(ModelError):
    """A layer does not fit the integer arithmetic; the text names the layer and the subnet."""


class SettingsError(RedsError, ValueError):
    """An argument of `reds.compress` cannot be used; the text names the argument."""


class RecipeError(RedsError, ValueError):
    """A recipe cannot be used; the text names the file, the table and the key."""
