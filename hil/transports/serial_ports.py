"""Serial ports as the machine lists them, and which of them is the board that is looked for."""

import os
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


def ports_here() -> tuple[Port, ...]:
    """List the ports of this machine, by name."""
    listed = sorted(list_ports.comports(), key=lambda port: str(port.device))
    return tuple(
        Port(port.device, None if port.vid is None else (port.vid, port.pid), port.serial_number)
        for port in listed
    )


def port_named(device: str, listed: Iterable[Port]) -> Port | None:
    """The port of this name: as listed, by a link to it too, or any that exists, as a pseudo terminal."""
    real = os.path.realpath(device)
    named = [port for port in listed if port.device in (device, real)]
    return named[0] if named else Port(device) if Path(device).exists() else None


def ports_matching(listed: Iterable[Port], ids: frozenset[UsbId], serial: str | None) -> tuple[Port, ...]:
    """Ports with one of these ids and, unless it is None, this serial number."""
    return tuple(port for port in listed if port.id in ids and serial in (None, port.serial))
