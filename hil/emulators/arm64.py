"""The emulated Pi and Android: QEMU's `virt` with a Cortex-A72, a kernel and programs of Debian's.

`-icount` makes what runs there, and what the processor's own counters say of it, a function of the
instructions run. It is started once from nothing and kept as it was when it first listened: every start goes
on from there.
"""

import hashlib
import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path

from hil.emulators import arm64_image
from hil.emulators.arm64_image import Image
from hil.emulators.qemu import Qemu
from hil.emulators.qmp import Monitor
from hil.errors import EmulatorError
from hil.link.deadline import Deadline

QEMU = "qemu-system-aarch64"
PORTS = {"pi": 22, "android": 5555}
"""The systems there are, and where each listens."""
BOOT_SECONDS, RESTORE_SECONDS, SAVE_SECONDS = 120.0, 30.0, 60.0
"""Twenty times what each takes on a machine that has nothing else to do."""
_READY = re.compile(rb"^reds-hil: ready\r?$", re.MULTILINE)
_FORWARDED = re.compile(r"TCP\[HOST_FORWARD\]\s+\d+\s+127\.0\.0\.1\s+(\d+)\s")
_LINUX = "console=ttyAMA0 panic=-1 rdinit=/init quiet"


class Machine(Qemu):
    """A machine that listens: what it forwards comes in at `port` of 127.0.0.1."""

    def __init__(self, image: Image, system: str, snapshot: Path | None) -> None:
        """Go on from a snapshot, or start from nothing. Raises `EmulatorError`."""
        super().__init__(QEMU, system)
        self.image = image
        self._monitor = Monitor()
        try:
            self._begin(_arguments(image, system), snapshot)
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
        incoming = ["-incoming", f"exec:cat {shlex.quote(str(snapshot))}"] if snapshot else []
        self.launch([*arguments, *self._monitor.arguments, *incoming], [self._monitor.theirs])
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
        """Keep it as it is now, whole or not at all; it stands still from then on. Raises `EmulatorError`."""
        partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
        deadline = Deadline.after(SAVE_SECONDS)
        try:
            self._monitor.ask(
                "migrate-set-capabilities", deadline, capabilities=[{"capability": "events", "state": True}]
            )
            self._monitor.ask("migrate", deadline, uri=f"exec:cat >{shlex.quote(str(partial))}")
            ended = ("completed", "failed", "cancelled")
            said = self._monitor.wait(
                lambda said: said.get("event") == "MIGRATION" and said["data"]["status"] in ended, deadline
            )
            if said["data"]["status"] != "completed":
                raise EmulatorError(f"a snapshot cannot be kept in {path.parent}; make room there")
            os.replace(partial, path)
        finally:
            partial.unlink(missing_ok=True)

    def stop(self) -> None:
        """End the machine, and remove its files. Harmless if done twice."""
        super().stop()
        self._monitor.close()


def start(system: str) -> Machine:
    """A machine of `pi` or `android`. Raises `BuildError` or `EmulatorError`."""
    image = arm64_image.image()
    snapshot = _snapshot(image, system)
    if not snapshot.exists():
        with Machine(image, system, None) as machine:
            machine.save(snapshot)
    return Machine(image, system, snapshot)


def _arguments(image: Image, system: str) -> list[str]:
    """The command line, but for the monitor and a snapshot. The machine's type is one of a version."""
    forward = f"hostfwd=tcp:127.0.0.1:0-:{PORTS[system]}"
    return [
        *("-machine", "virt-7.2,gic-version=2", "-cpu", "cortex-a72", "-m", "256", "-smp", "1"),
        *("-accel", "tcg,thread=single", "-icount", "shift=0,align=off,sleep=on"),
        *("-display", "none", "-no-reboot", "-serial", "stdio", "-monitor", "none"),
        *("-kernel", str(image.kernel), "-initrd", str(image.system(system)), "-append", _LINUX),
        *("-netdev", f"user,id=net,restrict=on,{forward}", "-device", "virtio-net-device,netdev=net"),
    ]


def _snapshot(image: Image, system: str) -> Path:
    """Where the snapshot is kept that this QEMU makes and takes."""
    if shutil.which(QEMU) is None:
        version = ""
    else:
        version = subprocess.run([QEMU, "--version"], capture_output=True, text=True, check=False).stdout
    key = hashlib.sha256("\0".join([version, *_arguments(image, system)]).encode()).hexdigest()[:16]
    return image.folder / f"{system}-{key}.snapshot"
