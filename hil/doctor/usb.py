"""Check what a board on USB needs: rights on its device, udev rules, and nobody who takes its port."""

import grp
import os
import shlex
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from hil.doctor.finding import Finding, fault, ok
from hil.doctor.machine import Machine, user

RULES = Path(__file__).with_name("60-reds-hil.rules")
"""The udev rules of boards on serial ports and of Androids; later rules of the system see their marks."""
INSTALLED = "/etc/udev/rules.d/60-reds-hil.rules"
_ADB_INTERFACE = ("ff", "42", "01")
_INSTALL = (
    f"sudo install -m 644 {shlex.quote(str(RULES))} {INSTALLED}"
    " && sudo udevadm control --reload && sudo udevadm trigger"
)
_MEDDLERS = {
    "ModemManager": ("it may send modem commands to a board that was plugged in", _INSTALL),
    "brltty": (
        "it may take a USB serial adapter for a braille display",
        "sudo systemctl mask --now brltty.service brltty-udev.service",
    ),
}


@dataclass(frozen=True)
class Device:
    """A device on USB with a node in /dev; `name` says what and where it is."""

    name: str
    node: Path


def serial_ports(machine: Machine) -> Iterator[Finding]:
    """Check that this user may open the ports of boards on USB, or could open one that is plugged in."""
    found = list(on_serial_ports(machine))
    for _, device in found:
        yield _rights(machine, device, "serial port")
    if not found:
        yield _group(machine)


def android_devices(machine: Machine) -> Iterator[Finding]:
    """Check that this user may open the Android devices on USB."""
    found = list(androids(machine))
    for device in found:
        yield _rights(machine, device, "Android on USB")
    if not found:
        yield ok("Android on USB", "none is plugged in with USB debugging")


def udev_rules(machine: Machine) -> Iterator[Finding]:
    """Check that the rules which give rights on boards are installed."""
    installed, same = machine.path(INSTALLED), False
    with suppress(OSError):
        same = installed.read_bytes() == RULES.read_bytes()
    if same:
        yield ok("udev rules", str(installed))
    elif not machine.path("/run/udev").is_dir():
        yield ok("udev rules", "no udev runs here, as in a container: boards get their rights from its host")
    else:
        lacks = f"{installed} is {'another version' if installed.exists() else 'not there'}"
        what = f"{lacks}; boards on USB may need root, and ModemManager may open them"
        yield fault("udev rules", False, what, _INSTALL)


def meddlers(machine: Machine) -> Iterator[Finding]:
    """Check for services that open serial ports by themselves."""
    tamed = machine.path(INSTALLED).exists()
    for program, (harm, remedy) in _MEDDLERS.items():
        if not machine.running(program):
            yield ok(program, "does not run")
        elif program == "ModemManager" and tamed:
            yield ok(program, "runs, and leaves boards alone by the udev rules")
        else:
            yield fault(program, False, f"runs: {harm}", remedy)


def on_serial_ports(machine: Machine) -> Iterator[tuple[str, Device]]:
    """Return the serial ports of boards on USB, running or in their bootloader, each with its target."""
    known = _known_ids()
    for link in machine.glob("/sys/class/tty/*/device"):
        usb = next((p for p in (link.resolve(), *link.resolve().parents) if (p / "idVendor").exists()), None)
        if usb and (of := known.get((machine.text(usb / "idVendor"), machine.text(usb / "idProduct")))):
            port = f"/dev/{link.parent.name}"
            yield of[0], Device(f"the {of[1]} at {port}", machine.path(port))


def _known_ids() -> dict[tuple[str, str], tuple[str, str]]:
    """Return target and model by USB id, as the kernel writes it; none if packages are missing or damaged."""
    try:
        from hil.boards.registry import serial_boards

        boards = serial_boards()
    except Exception:  # whatever a damaged package does; other checks name it
        return {}
    return {
        (f"{vendor:04x}", f"{product:04x}"): (target, board.model.name)
        for target, board in boards.items()
        for vendor, product in board.model.ids
    }


def androids(machine: Machine) -> Iterator[Device]:
    """Return the USB devices that offer ADB."""
    for interface in machine.glob("/sys/bus/usb/devices/*/bInterfaceClass"):
        folder = interface.parent
        names = ("bInterfaceClass", "bInterfaceSubClass", "bInterfaceProtocol")
        if tuple(machine.text(folder / name) for name in names) != _ADB_INTERFACE:
            continue
        usb = folder.resolve().parent
        bus, number = machine.text(usb / "busnum"), machine.text(usb / "devnum")
        if bus.isdecimal() and number.isdecimal():
            node = f"/dev/bus/usb/{int(bus):03}/{int(number):03}"
            yield Device(f"the Android at {node}", machine.path(node))


def _rights(machine: Machine, device: Device, subject: str) -> Finding:
    if not device.node.exists():
        remedy = f"docker run --device {device.node}, or as your container's manual says"
        return fault(subject, True, f"{device.name} is on USB, but its device is not in /dev", remedy)
    if machine.may_open(device.node):
        return ok(subject, f"{device.name} may be opened")
    group = _group_name(device.node)
    what = f"{device.name} belongs to group {group}, which {user()} is not in"
    if device.node.stat().st_gid in os.getgroups():
        return fault(subject, True, f"{device.name} gives no rights to group {group}", _INSTALL)
    return fault(subject, True, what, _INSTALL if group == "root" else _join(group))


def _group(machine: Machine) -> Finding:
    """Check the group that serial ports of this system have, by the ports that every PC has."""
    subject = "serial port"
    port = next((p for p in machine.glob("/dev/ttyS*")), None)
    if port is None or machine.may_open(port):
        return ok(subject, "no board is plugged in")
    group = _group_name(port)
    if group in ("root", "tty"):
        return ok(subject, "no board is plugged in")
    what = f"no board is plugged in; its port will belong to group {group}, which {user()} is not in"
    return fault(subject, False, what, _join(group))


def _join(group: str) -> str:
    return f"sudo usermod -aG {shlex.quote(group)} {user()} # then log in again"


def _group_name(path: Path) -> str:
    number = path.stat().st_gid
    try:
        return grp.getgrgid(number).gr_name
    except KeyError:
        return str(number)
