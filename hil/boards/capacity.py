"""Check that a pack fits a board, before anything is sent."""

from hil.errors import PackRefused
from reds import pack
from reds.pack import layouts
from reds.pack.extract import extract_up_to
from reds.pack.layouts import Layout
from reds.pack.model import Model


def check_capacity(board: str, model: Model, layout: Layout, capacity: int, ram: int) -> bytes:
    """Return the bytes of a pack in a layout, if they fit the board.

    Args:
        board: Name of the board, for errors.
        model: The network.
        layout: Layout of the weights.
        capacity: Bytes that the board has for packs.
        ram: Bytes that the board has for the arena.

    Raises:
        PackRefused: The pack or its arena is too large; the text says which subnets would fit alone.
    """
    data = pack.dumps(model, layout)
    arenas = [layouts.plan(model, s, layout).size for s in range(len(model.subnets))]
    over = []
    if len(data) > capacity:
        over.append(f"{len(data):,} bytes of {capacity:,}")
    if max(arenas) > ram:
        over.append(f"an arena of {max(arenas):,} bytes of {ram:,}")
    if over:
        fits = [
            subnet.name
            for s, subnet in enumerate(model.subnets)
            if len(pack.dumps(extract_up_to(model, s), layout)) <= capacity and arenas[s] <= ram
        ]
        advice = f"cut down to {' or '.join(fits)} it would fit" if fits else "no subnet of it would fit"
        raise PackRefused(f"{model.name} takes {', and '.join(over)}; {advice}", board=board)
    return data


def best_layout(board: str, model: Model, known: frozenset[int]) -> Layout:
    """Return the layout with the highest id that the agent knows and that has a kernel for every layer.

    Args:
        board: Name of the board, for errors.
        model: The network.
        known: Ids of the layouts that the agent knows.

    Raises:
        PackRefused: No such layout exists.
    """
    layout = layouts.best(model, known)
    if layout is None:
        names = ", ".join(sorted({layer.kind.name.lower() for layer in model.layers}))
        lacks = f"no layout of its agent runs the {names} of {model.name}"
        raise PackRefused(f"{lacks}; upload the agent again", board=board)
    return layout
