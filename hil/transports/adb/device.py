"""An Android device as a machine that runs shell scripts and stores files, however it is reached."""

from hil.errors import BuildError, SetupError
from hil.transports.adb import sync
from hil.transports.adb.session import SERVICE, ShellSession
from hil.transports.adb.stream import LOST, NoService, Services, Stream
from hil.transports.deadline import Deadline
from hil.transports.machine import Machine


class Device(Machine):
    """Runs all as the shell's user, not as root."""

    folder = "/data/local/tmp/reds-hil"
    lost = LOST
    lost_advice = "check its cable, power and network, then run again"
    barred_advice = f"its system lets no program run from {folder}; take one that does"

    def __init__(self, services: Services) -> None:
        self.name = services.name
        self._services = services

    def execute(self, script: str, deadline: Deadline) -> ShellSession:
        """A shell script that runs there. Raises `SetupError` if the device is too old for its protocol."""
        return ShellSession(self._open(SERVICE + script, deadline))

    def put(self, data: bytes, path: str, deadline: Deadline) -> None:
        """Write a file. Raises `BuildError` if the device refuses it."""
        with self.within(deadline, "store a file"):
            stream = self._open("sync:", deadline)
            try:
                sync.send(stream, data, path, deadline)
            except sync.Refused as error:
                what = f"{self.name} cannot store {len(data):,} bytes in {path}"
                raise BuildError(f"{what}: {error}") from error
            finally:
                stream.close()

    def alive(self) -> bool:
        """Whether it is still there."""
        return self._services.alive()

    def close(self) -> None:
        """Close the connection."""
        self._services.close()

    def _open(self, service: str, deadline: Deadline) -> Stream:
        try:
            return self._services.open(service, deadline)
        except NoService as error:
            what = f"{self.name} has no service {service.partition(':')[0]}"
            raise SetupError(f"{what}; Android 7 or newer is needed") from error
