"""Open an STM32F405 or F446, as on a NUCLEO-F446RE, at the serial port of its ST-LINK; or an emulated one.

The emulated board is QEMU's netduinoplus2, which runs the same program as the real one.
"""

from pathlib import Path

from hil.boards.desk import Desk
from hil.boards.entry import Entry
from hil.boards.serial_board import SerialBoard
from hil.boards.speed import Speed
from hil.boards.usb_model import UsbModel
from hil.emulators.bare_board import BareBoard, Machine
from hil.firmware import build, stlink
from hil.firmware.bare_metal import BareMetal
from hil.firmware.elsewhere import uploader
from hil.transports.serial_ports import port_named, ports_here

HAS_EMULATOR = True
AGENT = BareMetal("stm32f4", "stm32f4")
HOST_CALLS = ("-semihosting-config", "enable=on,target=native")
MACHINE = Machine("netduinoplus2", options=HOST_CALLS, shared=0, shift=0, uart=1)
CHIPS = frozenset({0x413, 0x421})
"""Chip ids of the STM32F405 and the STM32F446 (RM0090, 38.6.1)."""
ST_LINKS = frozenset({(0x0483, 0x374B), (0x0483, 0x374E), (0x0483, 0x3752), (0x0483, 0x3753)})
"""USB ids of ST-LINKs with a serial port, of version 2-1 and 3."""


def _firmware() -> Path:
    return build.binary(AGENT)


def _upload(device: str) -> None:
    """Build the agent and write it by the ST-LINK whose serial port this is."""
    port = port_named(device, ports_here())
    stlink.flash(_firmware(), port.serial if port else None, CHIPS)


def _emulate(entry: Entry) -> BareBoard:
    return BareBoard(entry.target, MACHINE, entry.agent or build.agent(AGENT))


THIS_DESK = Desk(ports_here, _upload, lambda: build.build_id(AGENT.folder), uploader(_firmware))
MODEL = UsbModel(
    "ST-LINK of an STM32F4",
    ST_LINKS,
    nickname="stm32f4",
    missing="if a NUCLEO is plugged in, update its ST-LINK: older ones have no serial port",
)
BOARD = SerialBoard("stm32f4", MODEL, THIS_DESK, _emulate)
SPEED = Speed(300e6, 1.0, 1, AGENT)
absent, device, start = BOARD.absent, BOARD.device, BOARD.start
