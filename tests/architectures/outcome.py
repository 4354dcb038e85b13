"""Try an architecture, and say how it fared."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from hil.boards.open_board import OpenBoard
from reds.errors import RedsError
from tests.architectures.architecture import Architecture, macs, parameters
from tests.architectures.bench import OnBoard, on_board
from tests.architectures.pipeline import packed

LONGEST_NAME = 31


@dataclass(frozen=True)
class Outcome:
    """Result of one architecture: the figures of its pack, or the sentence that refuses it."""

    name: str
    source: str
    shape: tuple[int, ...]
    parameters: int
    macs: int
    refused: str = ""
    """Sentence of the refusal; empty if the architecture works."""
    intended: bool = False
    """Whether the refusal is the one that is intended."""
    figures: Mapping[str, Any] = field(default_factory=dict)
    """Layers, bytes, difference, largest output, gap, seconds and MACs of each subnet."""
    boards: Mapping[str, OnBoard] = field(default_factory=dict)

    def works(self) -> bool:
        """Return whether it is packed, and exact on all boards that hold it."""
        return not self.refused and all(each.exact or not each.held for each in self.boards.values())

    def plain(self) -> dict[str, Any]:
        """Return it as JSON."""
        return asdict(self)


def from_plain(row: Mapping[str, Any]) -> Outcome:
    """Return an outcome of its JSON."""
    boards = {
        name: OnBoard(**{**each, "milliseconds": tuple(each["milliseconds"])})
        for name, each in row["boards"].items()
    }
    return Outcome(**{**row, "shape": tuple(row["shape"]), "boards": boards})


def outcome(
    architecture: Architecture, boards: Mapping[str, OpenBoard] | Sequence[OpenBoard] = ()
) -> Outcome:
    """Pack an architecture and run it on boards, by their names.

    Errors other than a refusal are passed on.
    """
    module = architecture.make()
    about = (
        architecture.name, architecture.source, architecture.shape, parameters(module),
        macs(module, architecture.shape),
    )  # fmt: skip
    try:
        short = _short(architecture.name)
        made = packed(short, architecture.make, architecture.shape, architecture.budgets)
    except RedsError as error:
        sentence = str(error)
        intended = bool(architecture.refused and re.search(architecture.refused, sentence))
        return Outcome(*about, sentence, intended)
    figures = {
        "layers": len(made.model.layers),
        "bytes": made.size,
        "difference": made.difference,
        "largest": made.largest,
        "gap": made.gap,
        "seconds": {step: round(took, 2) for step, took in made.seconds.items()},
        "macs": [subnet.macs for subnet in made.model.subnets],
    }
    ran = {name: on_board(board, made) for name, board in dict(boards).items()}
    return Outcome(*about, figures=figures, boards=ran)


def _short(name: str) -> str:
    """Return the name that a pack has."""
    return re.sub(r"[^a-z0-9.]+", "-", name.lower())[:LONGEST_NAME].strip("-")
