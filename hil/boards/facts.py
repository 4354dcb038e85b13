"""Identify a board beside its figures."""

from dataclasses import dataclass
from enum import StrEnum

from hil.protocol.hello import Clock


class Provenance(StrEnum):
    """Origin of figures; figures of different origin are never compared."""

    HARDWARE = "hardware"
    EMULATED = "emulated"


@dataclass(frozen=True)
class Identity:
    """Identity of one device among others of its target.

    Attributes:
        serial: USB or Android serial number, fingerprint of the SSH host key, or the name of this machine;
            empty if the board has none, as an emulated one.
        emulator: Emulator and its version; empty for hardware.
    """

    serial: str = ""
    emulator: str = ""


UNKNOWN = Identity()
"""Identity of a board that has only its name."""


@dataclass(frozen=True)
class BoardFacts:
    """Identity of a board. `model` is the name that its agent reports."""

    name: str
    target: str
    provenance: Provenance
    model: str
    build: str
    clocks: tuple[Clock, ...]
    identity: Identity = UNKNOWN
