"""Which device is meant: one on the network, or of those that a running adb server has or that are on USB."""

from collections.abc import Callable, Mapping
from pathlib import Path

from hil.errors import BoardAbsent
from hil.transports.adb import server
from hil.transports.adb.key import Key
from hil.transports.adb.stream import LOST, UDEV_ADVICE, Services
from hil.transports.deadline import Deadline
from hil.transports.host import Host

READY = "device"
"""The state of a device that may be used, as `adb devices` prints it."""
_EMULATOR = "emulator-"
"""How the serial numbers of Android's own emulators begin: taken only when named."""
_STATES = {
    "unauthorized": "unlock its screen and allow this computer there",
    "authorizing": "unlock its screen and allow this computer there",
    "offline": "unplug it and plug it in again",
    "no permissions": UDEV_ADVICE,
}
_NONE = "enable USB debugging on it and plug it in, or set `host` in a boards file"

Open = Callable[[Deadline], Services]
"""Logs in, by a deadline. Raises `LoginError`, `LinkError` or `DeadlineError`."""


def on_network(host: Host) -> Open:
    """The device that listens there."""

    def log_in(deadline: Deadline) -> Services:
        from hil.transports.adb.direct import Direct  # here, for it takes a while and most runs need none
        from hil.transports.adb.wire import TcpWire

        return Direct(TcpWire(host, deadline), Key(host.key))

    return log_in


def plugged_in(serial: str | None, key: Path | None) -> tuple[str, Open]:
    """The one device with this serial number, or the only one: that number, and what logs in.

    Raises `BoardAbsent`; nothing is started.
    """
    running = server.address()
    if running.listens():
        try:
            states = running.devices(Deadline.after(server.LOOK_SECONDS))
        except LOST as error:
            said = f"{running} does not say which devices it has: {error}"
            raise BoardAbsent(
                f"{said}; end it (adb kill-server), or name another (ADB_SERVER_SOCKET)"
            ) from error
        chosen = choose(states, serial, str(running))
        return chosen, lambda deadline: server.Served(running, chosen)
    from hil.transports.adb import usb

    here = usb.devices()
    chosen = choose(dict.fromkeys(here, READY), serial, "USB, and no adb server runs")
    return chosen, lambda deadline: usb.log_in(here[chosen], chosen, Key(key), deadline)


def is_emulator(serial: str | None) -> bool:
    """Whether this is the serial number of one of Android's own emulators."""
    return serial is not None and serial.startswith(_EMULATOR)


def choose(states: Mapping[str, str], serial: str | None, where: str) -> str:
    """The serial number of the device that is meant. Raises `BoardAbsent` with what there is."""
    if serial is None:
        meant = {name: state for name, state in states.items() if not is_emulator(name)}
    else:
        meant = {name: state for name, state in states.items() if name == serial}
    ready = [name for name, state in meant.items() if state == READY]
    if len(ready) == 1:
        return ready[0]
    if ready:
        which = f"{len(ready)} Android devices on {where} ({', '.join(ready)})"
        raise BoardAbsent(f"{which}; choose by `serial` in a boards file")
    for name, state in meant.items():
        known = next((words for words in _STATES if state.startswith(words)), state)
        advice = _STATES.get(known, "start its system and enable USB debugging")
        raise BoardAbsent(f"{name} on {where} is not ready ({known}); {advice}")
    there = f" (there: {', '.join(states)})" if states else ""
    if serial is None:
        raise BoardAbsent(f"no Android device on {where}{there}; {_NONE}")
    advice = "start it" if is_emulator(serial) else "plug it in"
    raise BoardAbsent(f"no Android device {serial} on {where}{there}; {advice}")
