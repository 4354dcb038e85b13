"""Say which kinds of boards have room for a pack, before any board is at hand.

`hil` asks a board's agent for its capacity. These are the figures of the agents of this repository, and a
test compares them.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from reds import pack
from reds.pack import layouts
from reds.pack.model import Model


@dataclass(frozen=True)
class Capacity:
    """Memory and layouts that an agent has for a pack.

    Attributes:
        boards: Its boards, as users call them.
        flash: Bytes for the pack.
        arena: Bytes for the arena.
        input_bytes: Bytes for inputs, of which one must fit.
        layouts: Ids of the layouts that it knows.
    """

    boards: str
    flash: int
    arena: int
    input_bytes: int
    layouts: frozenset[int]


RECORD = 20
"""Bytes of flash that an agent keeps for the record of its pack."""
CAPACITIES = {
    "nano33ble": Capacity("Nano 33 BLE", (384 << 10) - RECORD, 96 << 10, 28 << 10, frozenset({0, 4})),
    "stm32f4": Capacity("STM32F4", (256 << 10) - RECORD, 68 << 10, 28 << 10, frozenset({0, 4})),
    "posix": Capacity("Pi, Android, desktop", (16 << 20) - RECORD, 8 << 20, 1 << 20, frozenset({0})),
}
"""Capacities by the port of the agent. On a Pi and a desktop other layouts may need somewhat more."""


def lines(model: Model) -> Iterator[str]:
    """Yield a line for each kind of board: that the pack fits, and what part of it; or what is too large."""
    for board in CAPACITIES.values():
        chosen = layouts.best(model, board.layouts)
        arena = max(layouts.plan(model, s, chosen).size for s in range(len(model.subnets)))
        needs = {
            "flash": (len(pack.dumps(model, chosen)), board.flash),
            "arena": (arena, board.arena),
            "input": (model.input_size, board.input_bytes),
        }
        shown = ", ".join(f"{what} {size:,} of {most:,} bytes" for what, (size, most) in needs.items())
        fits = all(size <= most for size, most in needs.values())
        yield f"{board.boards}: {'fits' if fits else 'does not fit'}: {shown}"
