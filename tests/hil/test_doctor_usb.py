"""Test what `hil doctor` finds on USB: boards that may not be opened, rules, and services that take ports."""

import os
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from hil.doctor import packages, usb
from hil.doctor.finding import State
from hil.doctor.machine import Machine
from tests.hil.support.findings import states

BROKEN, OPTIONAL, OK = State.BROKEN, State.OPTIONAL, State.OK


class Usb:
    """A folder with the files of /sys, /dev, /proc and /etc that a machine with devices on USB has."""

    def __init__(self, root: Path) -> None:
        self.machine = Machine(root=root)
        (root / "dev" / "bus" / "usb" / "001").mkdir(parents=True)

    def write(self, path: str, text: str = "") -> Path:
        file = self.machine.path(path)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        return file

    def nano(self, product: str = "805a", vendor: str = "2341") -> None:
        device = "/sys/devices/pci/usb1/1-2"
        self.write(f"{device}/idVendor", f"{vendor}\n")
        self.write(f"{device}/idProduct", f"{product}\n")
        self.machine.path(f"{device}/1-2:1.0").mkdir()
        tty = self.machine.path("/sys/class/tty/ttyACM0")
        tty.mkdir(parents=True)
        (tty / "device").symlink_to(self.machine.path(f"{device}/1-2:1.0"))

    def android(self) -> None:
        device = "/sys/devices/pci/usb1/1-3"
        for name, text in (("busnum", "1"), ("devnum", "7")):
            self.write(f"{device}/{name}", f"{text}\n")
        for name, text in (("Class", "ff"), ("SubClass", "42"), ("Protocol", "01")):
            self.write(f"{device}/1-3:1.0/bInterface{name}", f"{text}\n")
        listed = self.machine.path("/sys/bus/usb/devices/1-3:1.0")
        listed.parent.mkdir(parents=True, exist_ok=True)
        listed.symlink_to(self.machine.path(f"{device}/1-3:1.0"))

    def forbidding(self) -> Machine:
        """Return the machine for a user who may open no device."""
        return replace(self.machine, may_open=lambda path: False)


@pytest.fixture
def bus(tmp_path: Path) -> Usb:
    return Usb(tmp_path)


@pytest.mark.parametrize("product", ["805a", "005a"])
def test_nano_whose_port_may_not_be_opened_is_broken(bus: Usb, product: str) -> None:
    bus.nano(product)
    assert states(usb.serial_ports(bus.machine)) == {"serial port": BROKEN}, "no device in /dev"
    bus.write("/dev/ttyACM0")
    assert states(usb.serial_ports(bus.machine)) == {"serial port": OK}
    assert states(usb.serial_ports(bus.forbidding())) == {"serial port": BROKEN}


def test_port_of_an_st_link_is_examined_and_needs_no_packages_of_a_nano(
    bus: Usb, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "platformio", None)
    bus.nano("374b", "0483")
    assert states(usb.serial_ports(bus.machine)) == {"serial port": BROKEN}, "no device in /dev"
    assert states(packages.extras(bus.machine))["extra firmware"] is OPTIONAL


def test_nano_that_is_plugged_in_needs_the_packages_that_build_its_agent(
    bus: Usb, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "platformio", None)
    assert states(packages.extras(bus.machine))["extra firmware"] is OPTIONAL
    bus.nano()
    assert states(packages.extras(bus.machine))["extra firmware"] is BROKEN


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give a file to another group")
def test_group_that_owns_serial_ports_is_named_before_a_nano_is_plugged_in(bus: Usb) -> None:
    port = bus.write("/dev/ttyS0")
    os.chown(port, 0, 2)
    (finding,) = usb.serial_ports(bus.forbidding())
    assert finding.state is OPTIONAL
    assert finding.remedy.startswith("sudo usermod -aG bin ")
    assert states(usb.serial_ports(bus.machine)) == {"serial port": OK}


def test_android_whose_device_may_not_be_opened_is_broken(bus: Usb) -> None:
    assert states(usb.android_devices(bus.machine)) == {"Android on USB": OK}
    bus.android()
    bus.write("/dev/bus/usb/001/007")
    assert states(usb.android_devices(bus.machine)) == {"Android on USB": OK}
    (finding,) = usb.android_devices(bus.forbidding())
    assert finding.state is BROKEN
    assert str(usb.RULES) in finding.remedy


def test_udev_rules_are_missing_old_or_installed(bus: Usb) -> None:
    assert states(usb.udev_rules(bus.machine)) == {"udev rules": OK}, "a container has no udev"
    bus.machine.path("/run/udev").mkdir(parents=True)
    assert states(usb.udev_rules(bus.machine)) == {"udev rules": OPTIONAL}
    bus.write(usb.INSTALLED, "# old")
    assert states(usb.udev_rules(bus.machine)) == {"udev rules": OPTIONAL}
    bus.write(usb.INSTALLED, usb.RULES.read_text())
    assert states(usb.udev_rules(bus.machine)) == {"udev rules": OK}


def test_services_that_take_ports_are_found_and_the_rules_tame_modemmanager(bus: Usb) -> None:
    assert states(usb.meddlers(bus.machine)) == {"ModemManager": OK, "brltty": OK}
    bus.write("/proc/1/comm", "ModemManager\n")
    bus.write("/proc/2/comm", "brltty\n")
    assert states(usb.meddlers(bus.machine)) == {"ModemManager": OPTIONAL, "brltty": OPTIONAL}
    bus.write(usb.INSTALLED, usb.RULES.read_text())
    assert states(usb.meddlers(bus.machine)) == {"ModemManager": OK, "brltty": OPTIONAL}
