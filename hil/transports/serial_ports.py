"""List the serial ports of this machine and find the board among them."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from serial.tools import list_ports

from hil.errors import SetupError
from reds.text import printable

UsbId = tuple[int, int]
"""Vendor and product number."""


@dataclass(frozen=True)
class Port:
    """A serial port. `id` and `serial` are None if it is not on USB."""

    device: str
    id: UsbId | None = None
    serial: str | None = None


def ports_here() -> tuple[Port, ...]:
    """Return the serial ports of this machine, sorted by name.

    Raises:
        SetupError: They cannot be listed.
    """
    try:
        listed = sorted(list_ports.comports(), key=lambda port: str(port.device))
    except Exception as error:  # pyserial raises what a /sys with gaps, as in containers, leads it to
        why = printable(f"{type(error).__name__}: {error}")
        remedy = "check that /sys and /dev of the host are visible here"
        raise SetupError(f"the serial ports of this machine cannot be listed: {why}; {remedy}") from error
    return tuple(
        Port(port.device, None if port.vid is None else (port.vid, port.pid), port.serial_number)
        for port in listed
    )


def port_named(device: str, listed: Iterable[Port]) -> Port | None:
    """Return the port of this name, listed or not: links and pseudo terminals are not listed."""
    real = os.path.realpath(device)
    named = [port for port in listed if port.device in (device, real)]
    return named[0] if named else Port(device) if Path(device).exists() else None


def ports_matching(listed: Iterable[Port], ids: frozenset[UsbId], serial: str | None) -> tuple[Port, ...]:
    """Return the ports with one of these ids and, unless it is None, this serial number."""
    return tuple(port for port in listed if port.id in ids and serial in (None, port.serial))
