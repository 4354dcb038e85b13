"""Check that a pack fits a board, before anything is sent."""

from collections.abc import Sequence

from hil.errors import PackRefused
from reds import pack
from reds.errors import ModelError
from reds.pack import layouts
from reds.pack.extract import extract_up_to
from reds.pack.layouts import Layout
from reds.pack.model import Model

_MOST_INPUTS = 0xFFFF
"""Most inputs that a request can name."""


def check_capacity(board: str, model: Model, known: frozenset[int], capacity: int, ram: int) -> bytes:
    """Return the bytes of a pack in the best layouts, if they fit the board.

    Args:
        board: Name of the board, for errors.
        model: The network.
        known: Ids of the layouts that the agent knows.
        capacity: Bytes that the board has for packs.
        ram: Bytes that the board has for the arena.

    Raises:
        PackRefused: The pack or its arena is too large; the text says which subnets would fit alone. Or the
            agent has no kernel for a layer.
    """
    size, arenas, data = _needs(model, best_layouts(board, model, known))
    over = []
    if size > capacity:
        over.append(f"{size:,} bytes of {capacity:,}")
    if max(arenas) > ram:
        over.append(f"an arena of {max(arenas):,} bytes of {ram:,}")
    if over:
        fits = []
        for s, subnet in enumerate(model.subnets):
            smaller = extract_up_to(model, s)
            alone, needed, _ = _needs(smaller, best_layouts(board, smaller, known))
            if alone <= capacity and needed[s] <= ram:
                fits.append(subnet.name)
        advice = f"cut down to {' or '.join(fits)} it would fit" if fits else "no subnet of it would fit"
        raise PackRefused(f"{model.name} takes {', and '.join(over)}; {advice}", board=board)
    return data


def best_layouts(board: str, model: Model, known: frozenset[int]) -> tuple[Layout, ...]:
    """Return for each layer the layout of the highest id that the agent knows and that has a kernel for it.

    Args:
        board: Name of the board, for errors.
        model: The network.
        known: Ids of the layouts that the agent knows.

    Raises:
        PackRefused: A layer has no such layout.
    """
    try:
        return layouts.best(model, known)
    except ModelError as error:
        raise PackRefused(f"{error}; upload the agent again", board=board) from error


def _needs(model: Model, chosen: Sequence[Layout]) -> tuple[int, list[int], bytes]:
    """Return the bytes that a pack takes, those of the arena of each subnet, and the pack."""
    data = pack.dumps(model, chosen)
    return len(data), [layouts.plan(model, s, chosen).size for s in range(len(model.subnets))], data


def inputs_that_fit(board: str, model: Model, room: int) -> int:
    """Return how many inputs fit the bytes that an agent has for them. Raises `PackRefused` if none does."""
    held = min(room // model.input_size, _MOST_INPUTS)
    if held < 1:
        there = f"the {room:,} bytes of its agent"
        raise PackRefused(f"an input of {model.name} takes more than {there}; reduce it", board=board)
    return held
