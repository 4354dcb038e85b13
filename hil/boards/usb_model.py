"""Find the port of a board on USB by the ids of its model."""

from collections.abc import Sequence
from dataclasses import dataclass

from hil.boards.desk import Desk
from hil.boards.entry import Entry
from hil.errors import SetupError
from hil.transports.serial_ports import Port, UsbId, port_named, ports_matching


@dataclass(frozen=True)
class UsbModel:
    """A model of board.

    Attributes:
        name: Its name, for users.
        running: USB ids of a board that runs.
        bootloader: USB ids of a board in its bootloader.
        nickname: Short name, of which names of boards are made.
        missing: What to try if none is found, though one is plugged in.
    """

    name: str
    running: frozenset[UsbId]
    bootloader: frozenset[UsbId] = frozenset()
    nickname: str = "board"
    missing: str = "if one is plugged in by a data cable, press its reset button"

    @property
    def ids(self) -> frozenset[UsbId]:
        """Return the USB ids of a board in any state."""
        return self.running | self.bootloader

    def look(self, entry: Entry, desk: Desk) -> tuple[Port | str, Sequence[Port]]:
        """Return the port of a board, or why it has none, with all ports; none if they cannot be listed."""
        try:
            listed = desk.ports()
        except SetupError as error:
            return error.text, ()
        return self._find(entry, listed), listed

    def _find(self, entry: Entry, listed: Sequence[Port]) -> Port | str:
        """Return the port of a board, or why it has none, with a remedy."""
        if not entry.port:
            found = ports_matching(listed, self.ids, entry.serial)
            if len(found) > 1:
                which = ", ".join(f"{port.serial or 'no serial number'} at {port.device}" for port in found)
                remedy = "choose by `serial` or `port` in a boards file"
                return f"{len(found)} {self.name} on USB ({which}); {remedy}"
            serial = f" with serial number {entry.serial}" if entry.serial else ""
            return found[0] if found else f"no {self.name}{serial} on USB; plug it in"
        port = port_named(entry.port, listed)
        if port is None:
            there = ", ".join(port.device for port in listed) or "none"
            return f"port {entry.port} does not exist (ports here: {there}); plug it in"
        if port.id is not None and port.id not in self.ids:
            vendor, product = port.id
            usb = f"{vendor:04x}:{product:04x}"
            return f"port {entry.port} is USB device {usb}, not an {self.name}; name another port"
        if entry.serial not in (None, port.serial):
            has = f"has serial number {port.serial}" if port.serial else "has no serial number"
            return f"the board at port {entry.port} {has}, not {entry.serial}; name another port or serial"
        return port
