"""Check Python and its packages."""

import importlib
import sys
from collections.abc import Iterable, Iterator

from hil.doctor import usb
from hil.doctor.finding import Finding, fault, ok
from hil.doctor.machine import Machine
from reds.commands import EXTRAS, uninstalled
from reds.text import printable

OLDEST = (3, 11)
REQUIRED = ("numpy", "platformdirs", "rich")
USES = {
    "hil": "boards",
    "emulate": "emulated boards",
    "firmware": "the agent of a Nano",
    "train": "training",
    "tflite": "export",
}
"""The extras of this package, with what needs each."""
_REINSTALL = "pip install --force-reinstall "
_DISTRIBUTIONS = {"serial": "pyserial", "adb_shell": "adb-shell", "usb1": "libusb1"}
"""Names on the package index, where they differ from those of the modules."""


def python(machine: Machine) -> Iterator[Finding]:
    """Check the version of Python."""
    found = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info[:2] < OLDEST:
        yield fault("Python", True, f"{found}, 3.11 or newer is needed", "sudo apt-get install python3")
    else:
        yield ok("Python", f"{found} at {sys.executable}")


def required(machine: Machine) -> Iterator[Finding]:
    """Check that the packages which everything needs can be imported."""
    yield _damaged("packages", REQUIRED) or ok("packages", ", ".join(REQUIRED))


def extras(machine: Machine) -> Iterator[Finding]:
    """Check that the packages of each extra are installed, and that those of a board can be imported.

    A Nano that is plugged in needs those that build its agent.
    """
    for extra, use in USES.items():
        subject = f"extra {extra}"
        needed = extra == "hil" or (extra == "firmware" and _has_nano(machine))
        if lacking := uninstalled(extra):
            what = f"{lacking.partition(':')[0]}, needed for {use}"
            yield fault(subject, needed, what, f"pip install 'reds-hil[{extra}]'")
        else:
            packages = [name for name, (_, of) in EXTRAS.items() if of == extra == "hil"]
            yield _damaged(subject, packages) or ok(subject, f"for {use}")


def _has_nano(machine: Machine) -> bool:
    return any(target == "nano33ble" for target, _ in usb.on_serial_ports(machine))


def _damaged(subject: str, packages: Iterable[str]) -> Finding | None:
    """Return the fault of the first package that cannot be imported, or None if all can."""
    for package in packages:
        try:
            importlib.import_module(package)
        except Exception as error:  # whatever a damaged package does
            what = f"{package} is damaged: {printable(str(error)) or type(error).__name__}"
            return fault(subject, True, what, _REINSTALL + _DISTRIBUTIONS.get(package, package))
    return None
