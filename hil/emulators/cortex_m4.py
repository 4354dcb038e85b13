"""Emulate the Nano 33 BLE: QEMU's Cortex-M4 behind a mailbox, counting instructions, cycles and flash reads.

A plugin adds up cycles by `cycles.py`, and the words of data that instructions read from flash. All counts
repeat exactly, whatever else the machine does. The plugin is always on: an inference of MobileNetV1 0.25
takes 0.026 s of a core with it, 0.020 s if it does not count reads of flash.
"""

import hashlib
import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from hil.cache import cache_dir, keep, prepare, whole
from hil.emulators.bare_board import BareBoard, Machine
from hil.emulators.cycles import symbol_and_table
from hil.emulators.qemu import version
from hil.errors import BuildError, EmulatorError
from hil.lifetime.child import run
from hil.lifetime.folder import TemporaryFolder

MACHINE = Machine("mps2-an386")
COMPILE_SECONDS = 60.0
_MARK = "clock_mark"
_FLASH_END = 1 << 20
"""The flash of the nRF52840 begins at 0."""


class Emulator(BareBoard):
    """A running emulator that counts cycles, too."""

    def __init__(self, elf: Path) -> None:
        """Start the agent at `elf`. Raises `EmulatorError` if QEMU is missing or does not start."""
        super().__init__("nano33ble", MACHINE, elf)

    def options(self, elf: Path) -> list[str]:
        """Return the arguments of the plugin."""
        plugin = self.link("counter.so", _plugin())
        mark, table = _table(elf)
        (self.folder / "costs").write_bytes(table)
        flash = f"flash=0,flash_end={_FLASH_END:#x}"
        return ["-plugin", f"{plugin},costs=costs,memory=memory,mark={mark:#x},{flash}"]


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
    found = re.search(r"version (\d+)", version(MACHINE.qemu, "nano33ble"))
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
