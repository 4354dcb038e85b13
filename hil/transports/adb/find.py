"""Find the Android device of a board: on the network, at a running adb server, or on USB."""

from collections.abc import Callable, Mapping
from pathlib import Path

from hil.errors import BoardAbsent
from hil.transports.adb import server
from hil.transports.adb.key import Key
from hil.transports.adb.stream import LOST, UDEV_ADVICE, Services
from hil.transports.deadline import Deadline
from hil.transports.host import Host

READY = "device"
"""State of a device that can be used, as `adb devices` prints it."""
_EMULATOR = "emulator-"
"""Prefix of the serial numbers of Android's own emulators, which are used only if an entry names them."""
_STATES = {
    "unauthorized": "unlock its screen and allow this computer there",
    "authorizing": "unlock its screen and allow this computer there",
    "offline": "unplug it and plug it in again",
    "no permissions": UDEV_ADVICE,
}
_NONE = "enable USB debugging on it and plug it in, or set `host` in a boards file"

Open = Callable[[Deadline], Services]
"""Logs in within a deadline. Raises `LoginError`, `LinkError` or `DeadlineError`."""


def on_network(host: Host) -> Open:
    """Return the function that logs in to the device at this address."""

    def log_in(deadline: Deadline) -> Services:
        from hil.transports.adb.direct import Direct  # imported here: it is slow, and most runs need none
        from hil.transports.adb.wire import TcpWire

        return Direct(TcpWire(host, deadline), Key(host.key))

    return log_in


def on_machine(via: Host, serial: str) -> Open:
    """Return the function that logs in to a device at the adb server of another machine, through SSH.

    That server listens on its own machine only, as every adb server does that nobody told otherwise.

    Args:
        via: The machine, which the device is plugged in to.
        serial: Serial number of the device.
    """

    def log_in(deadline: Deadline) -> Services:
        # imported here: it is slow, and most runs need none
        from hil.transports.ssh.machine import SshMachine, Unreachable

        machine = SshMachine(via, deadline)
        there = server.Server("127.0.0.1", server.PORT, machine.forward, str(via))
        try:
            with machine.within(deadline, "list its Android devices"):
                states = there.devices(deadline)
            choose(states, serial, str(there))
        except Unreachable as error:
            machine.close()
            raise BoardAbsent(f"{there} does not answer; start it there: adb start-server") from error
        except BaseException:
            machine.close()
            raise
        return server.Served(there, serial, machine.close)

    return log_in


def find_connected(serial: str | None, key: Path | None) -> tuple[str, Open]:
    """Return the serial number of the one matching device, and the function that logs in to it.

    Args:
        serial: Serial number of the device, None for the only device.
        key: Private key, None for adb's own.

    Raises:
        BoardAbsent: No device matches, or several do. No adb server is started.
    """
    running = server.address()
    if running.listens():
        try:
            states = running.devices(Deadline.after(server.LOOK_SECONDS))
        except LOST as error:
            silent = f"{running} does not list its devices: {error}"
            raise BoardAbsent(
                f"{silent}; end it (adb kill-server), or name another (ADB_SERVER_SOCKET)"
            ) from error
        chosen = choose(states, serial, str(running))
        return chosen, lambda deadline: server.Served(running, chosen)
    from hil.transports.adb import usb

    here = usb.devices()
    chosen = choose(dict.fromkeys(here, READY), serial, "USB, and no adb server runs")
    return chosen, lambda deadline: usb.log_in(here[chosen], chosen, Key(key), deadline)


def is_emulator(serial: str | None) -> bool:
    """Return whether this is the serial number of one of Android's own emulators."""
    return serial is not None and serial.startswith(_EMULATOR)


def choose(states: Mapping[str, str], serial: str | None, where: str) -> str:
    """Choose the one matching device.

    Args:
        states: State of each device by its serial number.
        serial: Serial number that is wanted, None for the only device.
        where: Where the devices are listed, for errors.

    Raises:
        BoardAbsent: No device matches, several do, or the one that does is not ready.
    """
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
