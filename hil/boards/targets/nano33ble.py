"""Open an Arduino Nano 33 BLE on a USB port or a serial port on the network, or an emulated one."""

from hil.boards.desk import Desk
from hil.boards.serial_board import SerialBoard
from hil.boards.speed import Speed
from hil.boards.usb_model import UsbModel
from hil.emulators import cortex_m4
from hil.firmware import build
from hil.firmware.elsewhere import uploader
from hil.transports.serial_ports import ports_here

HAS_EMULATOR = True
RUNNING, BOOTLOADER = (0x2341, 0x805A), (0x2341, 0x005A)
MODEL = UsbModel(
    "Arduino Nano 33 BLE",
    frozenset({RUNNING}),
    frozenset({BOOTLOADER}),
    "nano",
    "if one is plugged in by a data cable, press its reset button twice:"
    " its bootloader then answers on a port of its own",
)
THIS_DESK = Desk(
    ports_here,
    build.upload_nano,
    build.build_id,
    uploader(build.nano_firmware),
    press="press its reset button twice and run again",
)
BOARD = SerialBoard(
    "nano33ble",
    MODEL,
    THIS_DESK,
    lambda entry: cortex_m4.start(entry.agent or build.agent(build.EMULATED)),
)
SPEED = Speed(300e6, 2.0, 3, build.EMULATED)
absent, device, start = BOARD.absent, BOARD.device, BOARD.start
