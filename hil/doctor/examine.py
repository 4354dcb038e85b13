"""Run all checks, one after the other."""

from collections.abc import Iterator

from hil.doctor import boards, keys, packages, storage, tools, usb
from hil.doctor.finding import Check, Finding, State
from hil.doctor.machine import Machine
from reds.text import printable

CHECKS: tuple[Check, ...] = (
    packages.python,
    packages.required,
    packages.extras,
    tools.tools,
    tools.keyring,
    storage.cache,
    storage.temporary_files,
    storage.space,
    boards.boards_file,
    boards.targets,
    boards.leases,
    keys.ssh,
    keys.adb,
    usb.serial_ports,
    usb.android_devices,
    usb.udev_rules,
    usb.meddlers,
)
"""All checks, in the order of their lines."""


def examine(machine: Machine) -> Iterator[Finding]:
    """Return the findings of each check as soon as it has them.

    A check that fails is a finding itself, so that a damaged part does not hide the others.
    """
    for check in CHECKS:
        try:
            yield from check(machine)
        except Exception as error:  # whatever a damaged package or system does
            subject = check.__name__.replace("_", " ")
            why = printable(f"{type(error).__name__}: {error}")
            remedy = "mend the faults above, then run hil doctor again"
            yield Finding(subject, State.BROKEN, f"cannot be checked: {why}", remedy)
