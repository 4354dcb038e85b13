"""Find and open Android devices on USB by libusb, where no adb server owns them."""

from typing import Any

from hil.errors import BoardAbsent
from hil.transports.adb.direct import Direct
from hil.transports.adb.key import Key
from hil.transports.adb.wire import UsbWire
from hil.transports.deadline import Deadline
from reds.text import printable


def devices() -> dict[str, Any]:
    """Return adb-shell's transport of each device by its serial number.

    Raises:
        BoardAbsent: USB cannot be searched, for example without libusb.
    """
    try:
        import usb1
        from adb_shell.transport.usb_transport import UsbTransport

        listed = list(UsbTransport.find_all_adb_devices())
    except Exception as error:  # no package, no library, no USB: each says so in its own way
        says = f"no Android device: no adb server runs, and USB cannot be searched: {error}"
        raise BoardAbsent(f"{says}; install libusb-1.0-0 and pip install libusb1") from error
    found = {}
    for usb in listed:
        try:
            serial = printable(usb.serial_number)
        except usb1.USBError:  # no permission: reported if this device is chosen
            serial = None
        found[serial or f"usb:{'.'.join(map(str, usb.port_path))}"] = usb
    return found


def log_in(usb: Any, serial: str, key: Key, deadline: Deadline) -> Direct:
    """Log in to a device. Raises `LoginError`, `LinkError` or `DeadlineError`."""
    return Direct(UsbWire(f"{serial} on USB", usb, deadline), key)
