"""Emulate the Pi and the Android device: QEMU's `virt` with a Cortex-A72, and Debian's kernel and programs.

With `-icount` everything that runs there, and what the processor's counters report, is a function of the
executed instructions. A machine boots once; its state when it first listens is kept, and every start
continues from there.
"""

import hashlib
import os
import re
import select
from contextlib import suppress
from pathlib import Path

from hil.cache import keeping, whole
from hil.emulators import arm64_image, qemu
from hil.emulators.arm64_image import Image
from hil.emulators.qemu import Qemu
from hil.emulators.qmp import Monitor
from hil.errors import EmulatorError
from hil.transports.deadline import Deadline

QEMU = "qemu-system-aarch64"
PORTS = {"pi": 22, "android": 5555}
"""The systems, and the port that each listens on."""
BOOT_SECONDS, RESTORE_SECONDS, SAVE_SECONDS = 120.0, 30.0, 60.0
"""Many times what each step takes, for a busy machine."""
_READY = re.compile(rb"^reds-hil: ready\r?$", re.MULTILINE)
_FORWARDED = re.compile(r"TCP\[HOST_FORWARD\]\s+\d+\s+127\.0\.0\.1\s+(\d+)\s")
_KERNEL, _FILES = "vmlinuz", "system.cpio"
"""Names in QEMU's folder, so that its command line is the same wherever the cache is."""
_LINUX = "console=ttyAMA0 panic=-1 rdinit=/init quiet"


class Machine(Qemu):
    """An emulated machine that listens; its forwarded port is `port` of 127.0.0.1."""

    def __init__(self, image: Image, system: str, snapshot: Path | None) -> None:
        """Continue from a snapshot, or boot without one. Raises `EmulatorError`."""
        super().__init__(QEMU, system)
        self.image, self._board = image, system
        self._monitor = Monitor()
        try:
            self.link(_KERNEL, image.kernel)
            self.link(_FILES, image.system(system))
            self._begin(_arguments(system), snapshot)
            text = self._monitor.ask(
                "human-monitor-command", Deadline.after(RESTORE_SECONDS), **{"command-line": "info usernet"}
            )
            forwarded = _FORWARDED.search(text)
            if forwarded is None:
                raise self.failed("it forwards no port")
            self.port = int(forwarded[1])
        except BaseException:
            self.stop()
            raise

    def _begin(self, arguments: list[str], snapshot: Path | None) -> None:
        arguments += self._monitor.arguments
        if snapshot is None:
            self.launch(arguments, [self._monitor.theirs])
        else:
            with snapshot.open("rb") as file:
                state = file.fileno()
                self.launch([*arguments, "-incoming", f"fd:{state}"], [self._monitor.theirs, state])
        deadline = Deadline.after(RESTORE_SECONDS)
        try:
            self._monitor.greet(deadline)
            if snapshot:
                self._monitor.wait(lambda said: said.get("event") == "RESUME", deadline)
        except EmulatorError as error:
            raise self.failed(str(error)) from error
        if not snapshot:
            self.expect(_READY, BOOT_SECONDS)

    def save(self, path: Path) -> None:
        """Save the state of the machine in the cache, and stop the machine.

        Raises:
            EmulatorError: QEMU does not save it in time.
            BuildError: The cache cannot be written.
        """
        deadline = Deadline.after(SAVE_SECONDS)
        reading, writing = os.pipe()
        try:
            self._monitor.ask("getfd", deadline, writing, fdname="snapshot")
        finally:
            os.close(writing)  # else the pipe would not end when QEMU closes it
        with open(reading, "rb", buffering=0) as source, keeping(path) as file:
            self._monitor.ask("migrate", deadline, uri="fd:snapshot")
            while not deadline.passed and select.select([source], [], [], deadline.left)[0]:
                if not (data := source.read(1 << 20)):
                    break
                file.write(data)
            if (status := self._monitor.ask("query-migrate", deadline)["status"]) != "completed":
                raise EmulatorError(f"the snapshot of the {self._board} is {status}, not completed")

    def stop(self) -> None:
        """End the machine and remove its files; stopping twice is harmless."""
        super().stop()
        self._monitor.close()


def start(system: str) -> Machine:
    """Start a machine of the system `pi` or `android`. Raises `BuildError` or `EmulatorError`."""
    version = qemu.version(QEMU, system)
    image = arm64_image.image()
    made_by = "\0".join([version, *_arguments(system)])
    snapshot = image.folder / f"{system}-{hashlib.sha256(made_by.encode()).hexdigest()[:16]}.snapshot"
    if whole(snapshot):
        with suppress(EmulatorError):  # then make another
            return Machine(image, system, snapshot)
    with Machine(image, system, None) as machine:
        machine.save(snapshot)
    return Machine(image, system, snapshot)


def _arguments(system: str) -> list[str]:
    """Return QEMU's command line without the monitor and the snapshot."""
    forward = f"hostfwd=tcp:127.0.0.1:0-:{PORTS[system]}"
    return [
        *("-machine", "virt,gic-version=2", "-cpu", "cortex-a72", "-m", "256", "-smp", "1"),
        *("-accel", "tcg,thread=single", "-icount", "shift=0,align=off,sleep=on"),
        *("-display", "none", "-no-reboot", "-serial", "stdio", "-monitor", "none"),
        *("-kernel", _KERNEL, "-initrd", _FILES, "-append", _LINUX),
        *("-netdev", f"user,id=net,restrict=on,{forward}", "-device", "virtio-net-device,netdev=net"),
    ]
