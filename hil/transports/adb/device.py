"""Use an Android device as a machine that runs shell scripts and stores files."""

from hil.errors import BuildError, SetupError
from hil.transports.adb import sync
from hil.transports.adb.session import SERVICE, ShellSession
from hil.transports.adb.stream import LOST, NoService, Services, Stream
from hil.transports.deadline import Deadline
from hil.transports.machine import Machine
from reds.text import printable


class Device(Machine):
    """An Android device that is logged in to; everything runs as the shell's user, not as root."""

    folder = "/data/local/tmp/reds-hil"
    lost = LOST
    lost_advice = "check its cable, power and network, then run again"
    barred_advice = f"its system forbids programs in {folder}; use another device"
    folder_advice = f"make room in {folder}, and let the user shell write there"

    def __init__(self, services: Services) -> None:
        self.name = services.name
        self._services = services

    def execute(self, script: str, deadline: Deadline) -> ShellSession:
        """Start a shell script. Raises `SetupError` if the device is too old for the shell protocol."""
        return ShellSession(self._open(SERVICE + script, deadline))

    def put(self, data: bytes, path: str, deadline: Deadline) -> None:
        """Write a file. Raises `BuildError` if the device refuses it."""
        with self.within(deadline, "store a file"):
            stream = self._open("sync:", deadline)
            try:
                sync.send(stream, data, path, deadline)
            except sync.Refused as error:
                refused = f"{self.name} cannot store {len(data):,} bytes in {path}"
                raise BuildError(f"{refused}: {error}") from error
            finally:
                stream.close()

    def serial(self, deadline: Deadline) -> str:
        """Return the serial number that the device knows itself by."""
        said = self.run("getprop ro.serialno 2>/dev/null; true", "say its serial number", deadline)
        return printable(said.strip())

    def alive(self) -> bool:
        """Return whether the device still answers."""
        return self._services.alive()

    def close(self) -> None:
        """Close the login."""
        self._services.close()

    def _open(self, service: str, deadline: Deadline) -> Stream:
        try:
            return self._services.open(service, deadline)
        except NoService as error:
            lacks = f"{self.name} has no service {service.partition(':')[0]}"
            raise SetupError(f"{lacks}; Android 7 or newer is needed") from error
