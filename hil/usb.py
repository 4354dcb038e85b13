"""Serial ports as the machine lists them, and which of them is the board that is looked for."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from serial.tools import list_ports

UsbId = tuple[int, int]
"""Vendor and product."""


@dataclass(frozen=True)
class Port:
    """One port. `id` and `serial` are None where it is not on USB."""

    device: str
    id: UsbId | None = None
    serial: str | None = None


def ports() -> tuple[Port, ...]:
    """The ports of this machine, by name."""
    listed = sorted(list_ports.comports(), key=lambda port: str(port.device))
    return tuple(
        Port(port.device, None if port.vid is None else (port.vid, port.pid), port.serial_number)
        for port in listed
    )


def at(device: str, listed: Iterable[Port]) -> tuple[Port, ...]:
    """The port of this name: as listed, or any that exists, as a pseudo terminal does."""
    named = tuple(port for port in listed if port.device == device)
    return named or (Port(device),) * Path(device).exists()


def matching(listed: Iterable[Port], ids: frozenset[UsbId], serial: str | None) -> tuple[Port, ...]:
    """Ports with one of these ids and, unless it is None, this serial number."""
    return tuple(port for port in listed if port.id in ids and serial in (None, port.serial))
