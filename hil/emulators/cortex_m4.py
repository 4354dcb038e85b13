"""Emulate the Nano 33 BLE: QEMU's Cortex-M4 behind a mailbox, counting instructions, cycles and flash reads.

With `-icount` time is a function of the executed instructions. A plugin adds up cycles by `cycles.py`, and
the words of data that instructions read from flash. All counts repeat exactly, whatever else the machine
does. The plugin is always on: an inference of MobileNetV1 0.25 takes 0.026 s of a core with it, 0.020 s if it
does not count reads of flash.
"""

import hashlib
import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from hil.cache import cache_dir, keep, prepare, whole
from hil.emulators.cycles import symbol_and_table
from hil.emulators.mailbox import MailboxTransport
from hil.emulators.qemu import Qemu, version
from hil.errors import BuildError, EmulatorError
from hil.lifetime.child import run
from hil.lifetime.folder import TemporaryFolder
from hil.transports.transport import Advice

QEMU = "qemu-system-arm"
COMPILE_SECONDS = 60.0
_MARK = "clock_mark"
_SHIFT = 10
"""2^10 ns an instruction: the agent's port converts the ticks of its timer by the same number."""
_MEMORY = 16 << 20
_FLASH_END = 1 << 20
"""The flash of the nRF52840 begins at 0."""
_PTY = re.compile(rb"redirected to (\S+)")


class Emulator(Qemu):
    """A running emulator; `open` talks to its agent."""

    def __init__(self, elf: Path) -> None:
        """Start the agent at `elf`. Raises `EmulatorError` if QEMU is missing or does not start."""
        super().__init__(QEMU, "nano33ble")
        try:
            self.launch(self._arguments(elf))
            self._port = self.expect(_PTY, 10)[1].decode()
        except BaseException:
            self.stop()
            raise

    def open(self, advice: Advice) -> MailboxTransport:
        """Open the byte stream to the agent. Raises `LinkError` if QEMU has ended."""
        return MailboxTransport(self._port, self.folder / "memory", advice)

    def _arguments(self, elf: Path) -> list[str]:
        agent, plugin = self.link("agent.elf", elf), self.link("counter.so", _plugin())
        mark, table = _table(elf)
        try:
            (self.folder / "costs").write_bytes(table)
            with (self.folder / "memory").open("wb") as memory:
                os.posix_fallocate(memory.fileno(), 0, _MEMORY)  # else a full disk would end QEMU later
        except OSError as error:
            lacks = f"{self.folder.parent} has no {_MEMORY >> 20} MB for the board's memory: {error.strerror}"
            raise EmulatorError(f"{lacks}; make room there, or set TMPDIR to another folder") from error
        return [
            *("-display", "none", "-monitor", "none", "-serial", "pty", "-kernel", agent),
            *("-machine", "mps2-an386,memory-backend=shared"),
            *("-object", f"memory-backend-file,id=shared,size={_MEMORY},mem-path=memory,share=on"),
            *("-icount", f"shift={_SHIFT},align=off,sleep=on"),
            "-plugin",
            f"{plugin},costs=costs,memory=memory,mark={mark:#x},flash=0,flash_end={_FLASH_END:#x}",
        ]


def start(elf: Path) -> Emulator:
    """Start the emulated board with the agent at `elf`."""
    return Emulator(elf)


def _table(elf: Path) -> tuple[int, bytes]:
    """Return the address of the agent's mark, and the cycle table of its code. Raises `EmulatorError`."""
    try:
        from elftools.common.exceptions import ELFError

        return symbol_and_table(elf, _MARK)
    except ModuleNotFoundError as error:
        advice = f"{error.name} is missing; pip install 'reds-hil[emulate]'"
        raise EmulatorError(f"cycles cannot be counted: {advice}") from error
    except (OSError, ELFError, ValueError) as error:
        remedy = "build one, or leave `agent` out"
        raise EmulatorError(f"{elf} is not an agent for the emulated nano33ble: {error}; {remedy}") from error


def _plugin() -> Path:
    """Return the cycle counter, compiled for the installed QEMU or cached. Raises `BuildError`."""
    found = re.search(r"version (\d+)", version(QEMU, "nano33ble"))
    api = 2 if found and int(found[1]) >= 9 else 1
    source = Path(__file__).with_name("counter.c")
    key = hashlib.sha256(source.read_bytes()).hexdigest()[:16]
    plugin = cache_dir() / f"counter-{key}-api{api}.so"
    if not whole(plugin):
        if shutil.which("cc") is None:
            raise BuildError("no cc on this machine to build the cycle counter; install build-essential")
        prepare(plugin)
        flags = ["-O2", "-shared", "-fPIC", f"-DPLUGIN_VERSION={api}", "-Wall", "-Wextra", "-Werror"]
        with TemporaryFolder("build") as folder:
            _compile(["cc", *flags, str(source), "-o", "counter.so"], folder)
            keep(plugin, (folder / "counter.so").read_bytes())
    return plugin


def _compile(command: Sequence[str], folder: Path) -> None:
    try:
        done = run(command, COMPILE_SECONDS, cwd=folder, env={**os.environ, "TMPDIR": str(folder)})
    except subprocess.TimeoutExpired as error:
        raise BuildError(
            f"the cycle counter does not build within {COMPILE_SECONDS:g} s; run again"
        ) from error
    if done.status:
        first = (done.output.strip().splitlines() or ["no output"])[0]
        raise BuildError(
            f"the cycle counter does not build: {first}; check cc, and make room in {folder.parent}"
        )
