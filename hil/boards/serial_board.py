"""Open boards of a kind that has a serial port, on USB or the network, and perhaps an emulator."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from hil.boards import emulated_board, network_agent, network_board, usb_agent
from hil.boards.board import Board
from hil.boards.desk import Desk
from hil.boards.entry import Entry
from hil.boards.facts import Identity, Provenance
from hil.boards.greeting import port_of
from hil.boards.usb_model import UsbModel
from hil.emulators.bare_board import BareBoard
from hil.errors import BoardsFileError
from hil.protocol.agent import Agent
from hil.transports.network_port import NetworkPort, network_port
from hil.transports.serial_ports import port_named
from reds.text import printable

UNKNOWN_EMULATOR = "an emulator at a serial port"
"""Name of an emulator on the network, which does not say its version."""


@dataclass(frozen=True)
class SerialBoard:
    """A kind of board. Its functions take another desk for tests.

    Attributes:
        target: Name of its target.
        model: How it is found on USB.
        desk: Ports and tools of this machine.
        emulate: Starts an emulator.
    """

    target: str
    model: UsbModel
    desk: Desk
    emulate: Callable[[Entry], BareBoard]

    def absent(self, entry: Entry, desk: Desk | None = None) -> str | None:
        """Return why no such board is on a port, or why several match, with a remedy; or None."""
        if port := _on_network(entry):
            why = network_board.absent(port, self.device(entry, desk))
            return why or (f"an emulator is at {port}, not a board" if entry.emulated else None)
        found, _ = self.model.look(entry, desk or self.desk)
        return found if isinstance(found, str) else None

    def device(self, entry: Entry, desk: Desk | None = None) -> str | None:
        """Return its USB serial number, which it keeps on another port and machine, or the port."""
        if remote := _on_network(entry):
            return f"{self.model.name} {entry.serial}" if entry.serial else network_board.address(remote)
        port, _ = self.model.look(entry, desk or self.desk)
        if isinstance(port, str):
            return None
        return f"{self.model.name} {port.serial}" if port.serial else os.path.realpath(port.device)

    @contextmanager
    def start(self, entry: Entry, provenance: Provenance, desk: Desk | None = None) -> Iterator[Board]:
        """Open the emulated board, or the real one with an agent of these sources.

        Args:
            entry: The board's entry in boards.toml.
            provenance: Whether to open the emulated or the real board.
            desk: Serial ports, upload and build id of a real board.

        Raises:
            BoardAbsent: The board is on no port.
            BuildError: The upload failed, or the board did not come back with the new agent.
        """
        desk = desk or self.desk
        for key in ("host", "core", "governor", "max_celsius"):
            if getattr(entry, key) is not None:
                misplaced = f"`{key}` is for a board that runs Linux, not a {self.target}"
                raise BoardsFileError(f"{misplaced}; remove it", board=entry.name, key=key)
        if bool(entry.via) != bool(entry.upload) or (entry.via and not _on_network(entry)):
            together = "`via` and `upload` belong together, beside a `port` on the network"
            key = "via" if entry.via else "upload"
            raise BoardsFileError(f"{together}; write all three, or neither", board=entry.name, key=key)
        if provenance is Provenance.EMULATED and not entry.emulated:
            with emulated_board.opened(entry, lambda: self.emulate(entry)) as board:
                yield board
            return
        if entry.agent:
            misplaced = "`agent` is for an emulated board; remove it or add --emulate"
            raise BoardsFileError(misplaced, board=entry.name, key="agent")
        if port := _on_network(entry):
            agent, hello = network_agent.open_agent(entry, port, desk)
            emulator_there = UNKNOWN_EMULATOR if entry.emulated else ""
            with agent:
                identity = Identity(entry.serial or port.place, emulator_there)
                yield Board(entry, provenance, agent, hello, None, identity)
            return
        if entry.emulated:
            misplaced = "`emulated` is for an emulator at a port on the network; remove it, or name that port"
            raise BoardsFileError(misplaced, board=entry.name, key="emulated")
        agent, hello = usb_agent.open_agent(self.model, entry, desk)
        with agent:
            yield Board(entry, provenance, agent, hello, None, Identity(self._serial(entry, agent, desk)))

    def _serial(self, entry: Entry, agent: Agent, desk: Desk) -> str:
        """Return the serial number of the port that an agent answers on, which an upload may have changed."""
        _, listed = self.model.look(entry, desk)
        port = port_named(port_of(agent.transport), listed)
        return printable(port.serial or "") if port else ""


def _on_network(entry: Entry) -> NetworkPort | None:
    """Return the board's port on the network, None if it has a port here or none."""
    try:
        return network_port(entry.port) if entry.port else None
    except ValueError as error:
        raise BoardsFileError(f"`port`: {error}; write one of these", board=entry.name, key="port") from error
