"""Whether a pack fits a board, found out before anything is sent."""

from hil.errors import PackRefused
from reds import layouts, pack
from reds.cut import cut
from reds.layouts import Layout
from reds.model import Model


def check_fit(board: str, model: Model, layout: Layout, capacity: int, ram: int) -> bytes:
    """The pack's bytes in this layout, for a board with `capacity` bytes for packs and `ram` for the arena.

    Raises `PackRefused`, which says what is too large and which subnets would fit by themselves.
    """
    data = pack.dumps(model, layout)
    needs = max(layouts.plan(model, s, layout).size for s in range(len(model.subnets)))
    over = []
    if len(data) > capacity:
        over.append(f"{len(data):,} bytes and there are {capacity:,}")
    if needs > ram:
        over.append(f"an arena of {needs:,} bytes and there are {ram:,}")
    if over:
        fits = [
            subnet.label
            for s, subnet in enumerate(model.subnets)
            if len(pack.dumps(cut(model, s), layout)) <= capacity
            and layouts.plan(model, s, layout).size <= ram
        ]
        advice = f"cut down to {' or '.join(fits)} it would fit" if fits else "no subnet of it would fit"
        raise PackRefused(f"{board}: {model.name} takes {', and '.join(over)}; {advice}")
    return data
