"""Check that a pack fits a board, before anything is sent."""

from hil.errors import PackRefused
from reds import pack
from reds.pack import layouts
from reds.pack.extract import extract_up_to
from reds.pack.layouts import Layout
from reds.pack.model import Model


def check_capacity(board: str, model: Model, layout: Layout, capacity: int, ram: int) -> bytes:
    """The pack's bytes in this layout, for a board with `capacity` bytes for packs and `ram` for the arena.

    Raises `PackRefused`, which says what is too large and which subnets would fit by themselves.
    """
    data = pack.dumps(model, layout)
    arenas = [layouts.plan(model, s, layout).size for s in range(len(model.subnets))]
    over = []
    if len(data) > capacity:
        over.append(f"{len(data):,} bytes and there are {capacity:,}")
    if max(arenas) > ram:
        over.append(f"an arena of {max(arenas):,} bytes and there are {ram:,}")
    if over:
        fits = [
            subnet.name
            for s, subnet in enumerate(model.subnets)
            if len(pack.dumps(extract_up_to(model, s), layout)) <= capacity and arenas[s] <= ram
        ]
        advice = f"cut down to {' or '.join(fits)} it would fit" if fits else "no subnet of it would fit"
        raise PackRefused(f"{board}: {model.name} takes {', and '.join(over)}; {advice}")
    return data


def best_layout(board: str, model: Model, known: frozenset[int]) -> Layout:
    """The layout with the highest id of those an agent knows that has a kernel for every layer.

    Raises `PackRefused` if there is none.
    """
    layout = layouts.best(model, known)
    if layout is None:
        names = ", ".join(sorted({layer.kind.name.lower() for layer in model.layers}))
        what = f"no layout of its agent runs the {names} of {model.name}"
        raise PackRefused(f"{board}: {what}; upload the agent again")
    return layout
