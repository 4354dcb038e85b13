"""Compare what the subnets of built packs are predicted to cost on a board with what it measures."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hil.kernels.build_board import BuildBoard
from reds.errors import PackError
from reds.experiment.board import Target
from reds.experiment.promises import predicted
from reds.experiment.recipe import Recipe
from reds.experiment.recipe_file import load_recipe
from reds.fixtures import fixtures_dir
from reds.graph import Graph, Widths
from reds.nesting.budgets import TargetProfile
from reds.nesting.cost import width_grids
from reds.pack.extract import subnet_flash
from reds.pack.pack import Pack, load_pack
from reds.text import shown
from reds.zoo import by_name

_SOME_BOARD = Target("board")
"""A recipe may leave its board to the command that builds it."""


@dataclass(frozen=True)
class Compared:
    """Predicted and measured costs of each subnet of a pack, by unit."""

    names: tuple[str, ...]
    predicted: tuple[Mapping[str, float], ...]
    measured: tuple[Mapping[str, float], ...]


def compare(board: BuildBoard, pack: Path, recipe: Path | None) -> Compared:
    """Predict the costs of each subnet of a pack, and measure them.

    Args:
        board: The board.
        pack: A pack of `reds build`, with its card.
        recipe: Its recipe; None for the shipped one that its card names.

    Raises:
        PackError: The pack's card does not say what it was built of.
        HilError: The board is lost, or the pack does not fit it.
    """
    net = net_of(pack, recipe)
    grids = width_grids(net.graph, net.recipe.selection.step, net.recipe.selection.least)
    profile = TargetProfile(board.layout(net.graph), board.latency(net.graph, grids))
    model = net.pack.model
    measured = board.costs(model)
    return Compared(
        tuple(subnet.name for subnet in model.subnets),
        tuple(predicted(profile.costs(net.graph, each), profile) for each in net.widths),
        tuple({**costs, "flash": subnet_flash(model, i)} for i, costs in enumerate(measured)),
    )


@dataclass(frozen=True)
class BuiltNet:
    """A pack, and the net and the widths that it was built of."""

    pack: Pack
    recipe: Recipe
    graph: Graph
    widths: tuple[Widths, ...]


def net_of(path: Path, recipe: Path | None) -> BuiltNet:
    """Return a pack of `reds build` with its net.

    Args:
        path: The pack, which has its card.
        recipe: Its recipe; None for the shipped one that its card names.

    Raises:
        PackError: The pack's card does not say what it was built of.
    """
    pack = load_pack(path)
    card = pack.card or {}
    file = recipe or fixtures_dir() / "recipes" / f"{_recipe_name(pack, card)}.toml"
    built_by = load_recipe(file, _SOME_BOARD)
    rows, classes = card.get("subnets"), card.get("classes")
    narrow = by_name(built_by.net.name, len(classes) if isinstance(classes, list) else None)
    graph = narrow.widened(built_by.net.widen)
    listed = rows if isinstance(rows, list) else []
    widths = tuple(each for row in listed if _fits(graph, each := _widths(row)))
    if [graph.macs(each) for each in widths] != [subnet.macs for subnet in pack.model.subnets]:
        raise PackError(f"{path}: {built_by.name} did not build it, or its card is damaged: give --recipe")
    return BuiltNet(pack, built_by, graph, widths)


def _recipe_name(pack: Pack, card: Mapping[str, Any]) -> str:
    recipe = card.get("recipe")
    name = recipe.get("name") if isinstance(recipe, dict) else None
    if not isinstance(name, str) or name != Path(name).name:
        raise PackError(f"{pack.path}: its card names no recipe, but {shown(name)}: give --recipe")
    return name


def _widths(row: object) -> Widths:
    """Return the widths in the row of a subnet of a card; none if they are no whole numbers."""
    found = row.get("widths") if isinstance(row, dict) else None
    return tuple(found) if isinstance(found, list) and all(type(n) is int for n in found) else ()


def _fits(graph: Graph, widths: Widths) -> bool:
    """Return whether a subnet of the net can have these widths."""
    if len(widths) != len(graph.full):
        return False
    return all(0 <= n <= full for n, full in zip(widths, graph.full, strict=True))
