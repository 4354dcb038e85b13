"""Let a board measure what a build needs, before training and after it.

`reds` knows no board. Another package, `hil`, registers the function that opens one as an entry point of the
group `reds.boards`:

    [project.entry-points."reds.boards"]
    hil = "hil.kernels.build_board:opened"
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from importlib.metadata import entry_points
from pathlib import Path
from typing import Protocol, cast

from rich.console import Console

from reds import torchrun
from reds.commands import missing_extra
from reds.errors import BoardError
from reds.experiment.recipe import DeviceRecipe
from reds.graph import Graph
from reds.graph.subnets import Budget
from reds.nesting.budgets import TargetProfile
from reds.nesting.cost.axes import Grid
from reds.nesting.cost.latency import Latency
from reds.pack.extract import subnet_flash
from reds.pack.layouts import Layout
from reds.pack.model import Model
from reds.training.progress import Progress

GROUP = "reds.boards"
"""Group of the entry points."""


class Board(Protocol):
    """An open board. Each method raises `BoardError` if the board is lost or cannot measure this."""

    @property
    def facts(self) -> Mapping[str, str]:
        """Return the identity of the board: board, target, provenance, build and the like."""
        ...

    def layout(self, graph: Graph) -> Layout:
        """Return the layout that the board's agent runs the net in, where it has kernels for a layer."""
        ...

    def latency(self, graph: Graph, grids: Sequence[Grid]) -> Latency:
        """Return the times of all layers of the net at these widths, measured now or kept from before."""
        ...

    def energy_per_cycle(self, graph: Graph) -> float:
        """Return the nanojoules of a cycle of the net's inferences, by the board's meter."""
        ...

    def costs(self, model: Model) -> Sequence[Mapping[str, float]]:
        """Return what an inference of each subnet costs: `us`, `cycles`, `instructions`, `arena`, `uJ`.

        A board leaves out what it cannot measure. `arena` is in bytes, in the layout of the board.
        """
        ...


class Opener(Protocol):
    """The function that an entry point names."""

    def __call__(self, name: str, emulate: bool, boards: Path | None) -> AbstractContextManager[Board]:
        """Open a board, and close it at the end of the `with` block. Raises `BoardError`."""
        ...


@dataclass(frozen=True)
class Target:
    """The board that a build is for, as an argument or a command line names it."""

    board: str | None = None
    """Name of a board, or of a target; None for that of the recipe."""
    emulate: bool = False
    boards: Path | None = None
    """Boards file; None for that of the recipe, or else the shipped one."""

    def instead_of(self, device: DeviceRecipe | None) -> DeviceRecipe | None:
        """Return the device of a recipe, with this board instead of its own."""
        if self == RECIPES_OWN:
            return device
        given = device or DeviceRecipe()
        if self.board is not None:
            given = replace(given, layout=None, times=None, board=self.board, emulate=False, boards=None)
        boards = given.boards if self.boards is None else str(self.boards.absolute())
        return replace(given, emulate=given.emulate or self.emulate, boards=boards)

    def __str__(self) -> str:
        return f"{self.board}{' (emulated)' if self.emulate else ''}"

    @contextmanager
    def opened(self) -> Iterator[Board]:
        """Open the board.

        Raises:
            BoardError: No package that opens boards is installed, or the board cannot be opened.
        """
        points = sorted(entry_points(group=GROUP))
        if not points:
            raise BoardError(f"{self}: nothing here opens boards: pip install 'reds-hil[hil]'")
        try:
            opener = cast(Opener, points[0].load())
        except ModuleNotFoundError as error:
            raise BoardError(f"{self}: {missing_extra(error) or error}") from None
        with opener(self.board or "", self.emulate, self.boards) as board:
            yield board


RECIPES_OWN = Target()
"""The board of the recipe, if it names one."""


@dataclass(frozen=True)
class Measured:
    """Costs that a board measured of a pack."""

    board: Mapping[str, str]
    """Identity of the board."""
    subnets: Sequence[Mapping[str, float]]
    """Costs of an inference of each subnet, smallest first."""


def profile_on(
    target: Target, graph: Graph, grids: Sequence[Grid], budgets: Sequence[Budget],
    energy_per_cycle: float | None, console: Console,
) -> TargetProfile:  # fmt: skip
    """Return the profile of a board; times and energy are measured only if a budget needs them.

    Of the processes that `torchrun` started the first one opens the board, and tells the others.

    Args:
        target: The board.
        graph: The full network.
        grids: The widths that each unit group may have.
        budgets: The budgets of all subnets.
        energy_per_cycle: Nanojoules of a cycle; None to measure them.
        console: Shows what is measured.

    Raises:
        BoardError: The board cannot be opened, is lost, or cannot measure this.
        LostProcessError: Another process that `torchrun` started has ended.
    """

    def measure() -> TargetProfile:
        with Progress(console).step(f"measuring {target}"), target.opened() as board:
            return _profile(board, graph, grids, budgets, energy_per_cycle)

    if torchrun.processes() == 1:
        return measure()
    from reds.training import processes

    with processes.joined():
        return processes.from_first(measure)


def _profile(
    board: Board, graph: Graph, grids: Sequence[Grid], budgets: Sequence[Budget],
    energy_per_cycle: float | None,
) -> TargetProfile:  # fmt: skip
    profile = TargetProfile(board.layout(graph), energy_per_cycle=energy_per_cycle)
    if energy_per_cycle is None and any(budget.energy is not None for budget in budgets):
        # before the times, which take longer: a board without a meter ends the build here
        profile = replace(profile, energy_per_cycle=board.energy_per_cycle(graph))
    if any(budget.latency is not None or budget.energy is not None for budget in budgets):
        profile = replace(profile, latency=board.latency(graph, grids))
    return profile


def measured_on(target: Target, model: Model, console: Console) -> Measured:
    """Return what each subnet of a pack costs on a board; `flash` is counted in the pack.

    Args:
        target: The board.
        model: The network in the pack.
        console: Shows what is measured.

    Raises:
        BoardError: The board cannot be opened, is lost, or the pack does not fit it.
    """
    with Progress(console).step(f"measuring subnets on {target}"), target.opened() as board:
        costs = board.costs(model)
        subnets = [{**each, "flash": subnet_flash(model, i)} for i, each in enumerate(costs)]
        return Measured(board.facts, subnets)
