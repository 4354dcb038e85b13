"""What identifies a board beside its figures."""

from dataclasses import dataclass
from enum import StrEnum

from hil.protocol.hello import Clock


class Provenance(StrEnum):
    """Where figures come from; never mixed in a comparison."""

    HARDWARE = "hardware"
    EMULATED = "emulated"


@dataclass(frozen=True)
class BoardFacts:
    """A board's identity. `model` is the name that its agent gives it."""

    name: str
    target: str
    provenance: Provenance
    model: str
    build: str
    clocks: tuple[Clock, ...]
