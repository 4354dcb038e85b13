"""Run networks on real and emulated boards, from Python and pytest.

    with hil.open_board("nano33ble", emulate=True) as board:
        board.deploy("mine.reds")
        board.measure("25%", n=20)
        board.measure_switch("25%", "100%", n=20)
        board.infer(x)

Public names are imported on first use, so that a test session without boards loads nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hil.boards.facts import BoardFacts, Provenance
    from hil.boards.open_board import OpenBoard, open_board
    from hil.errors import HilError
    from hil.lab.open_labgrid import open_labgrid
    from hil.results.samples import Samples

__all__ = [
    "BoardFacts",
    "HilError",
    "OpenBoard",
    "Provenance",
    "Samples",
    "open_board",
    "open_labgrid",
]

_HOMES = {
    "BoardFacts": "hil.boards.facts",
    "HilError": "hil.errors",
    "OpenBoard": "hil.boards.open_board",
    "Provenance": "hil.boards.facts",
    "Samples": "hil.results.samples",
    "open_board": "hil.boards.open_board",
    "open_labgrid": "hil.lab.open_labgrid",
}
"""Module of each public name."""


def __getattr__(name: str) -> object:
    """Import a public name on first use (PEP 562)."""
    if name == "__version__":
        from importlib.metadata import version  # imported here: the command's help needs none

        return version("reds-hil")
    if name not in _HOMES:
        raise AttributeError(f"module 'hil' has no attribute {name!r}")
    value: object = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """Return the public names."""
    return [*__all__, "__version__"]
