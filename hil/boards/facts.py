"""Identify a board beside its figures."""

from dataclasses import dataclass
from enum import StrEnum

from hil.protocol.hello import Clock


class Provenance(StrEnum):
    """Origin of figures; figures of different origin are never compared."""

    HARDWARE = "hardware"
    EMULATED = "emulated"


@dataclass(frozen=True)
class BoardFacts:
    """Identity of a board. `model` is the name that its agent reports."""

    name: str
    target: str
    provenance: Provenance
    model: str
    build: str
    clocks: tuple[Clock, ...]
