"""The emulated Nano 33 BLE: QEMU's Cortex-M4 behind a pseudo terminal, counting instructions and cycles.

`-icount` makes time a function of the instructions run, and a plugin adds up cycles by `cycles.py`: both
repeat exactly, whatever else the machine is doing.
"""

import hashlib
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from hil.emulators.cycles import symbol_and_table
from hil.emulators.qemu import Qemu, version
from hil.errors import BuildError, EmulatorError
from hil.firmware.build import cache_dir, keep

QEMU = "qemu-system-arm"
_MARK = "clock_mark"
_SHIFT = 10
"""2^10 ns an instruction: the agent's port converts its timer's ticks by the same number."""
_PTY = re.compile(rb"redirected to (\S+)")


class Emulator(Qemu):
    """A running emulator. `port` is what pyserial opens."""

    def __init__(self, elf: Path) -> None:
        """Start the agent at `elf`. Raises `EmulatorError` if QEMU is missing or does not start."""
        super().__init__(QEMU, "nano33ble")
        try:
            self.launch(self._arguments(elf))
            self.port = self.expect(_PTY, 10)[1].decode()
        except BaseException:
            self.stop()
            raise

    def _arguments(self, elf: Path) -> list[str]:
        plugin = _plugin()
        mark, table = _table(elf)
        costs, memory = self.folder / "costs", self.folder / "memory"
        costs.write_bytes(table)
        memory.touch()
        return [
            *("-display", "none", "-monitor", "none", "-serial", "pty", "-kernel", str(elf)),
            *("-machine", "mps2-an386,memory-backend=shared"),
            *("-object", f"memory-backend-file,id=shared,size=16M,mem-path={memory},share=on"),
            *("-icount", f"shift={_SHIFT},align=off,sleep=on"),
            *("-plugin", f"{plugin},costs={costs},memory={memory},mark={mark:#x}"),
        ]


def start(elf: Path) -> Emulator:
    """Start the emulated board with the agent at `elf`."""
    return Emulator(elf)


def _table(elf: Path) -> tuple[int, bytes]:
    """Where the agent's mark is, and the cycle table of its code. Raises `EmulatorError`."""
    try:
        from elftools.common.exceptions import ELFError

        return symbol_and_table(elf, _MARK)
    except ModuleNotFoundError as error:
        advice = f"{error.name} is missing: pip install 'reds-hil[emulate]'"
        raise EmulatorError(f"no cycles can be counted, {advice}") from error
    except (OSError, ELFError, ValueError) as error:
        raise EmulatorError(f"{elf}: not an agent for the emulated nano33ble: {error}") from error


def _plugin() -> Path:
    """The cycle counter, compiled for the installed QEMU; cached. Raises `BuildError`."""
    found = re.search(r"version (\d+)", version(QEMU, "nano33ble"))
    api = 2 if found and int(found[1]) >= 9 else 1
    source = Path(__file__).with_name("counter.c")
    key = hashlib.sha256(source.read_bytes()).hexdigest()[:16]
    plugin = cache_dir() / f"counter-{key}-api{api}.so"
    if not plugin.exists():
        if shutil.which("cc") is None:
            raise BuildError("no cc on this machine to build the cycle counter with; install build-essential")
        flags = ["-O2", "-shared", "-fPIC", f"-DPLUGIN_VERSION={api}", "-Wall", "-Wextra", "-Werror"]
        with tempfile.TemporaryDirectory(prefix="reds-build-") as folder:
            built = Path(folder) / "counter.so"
            command = ["cc", *flags, str(source), "-o", str(built)]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode:
                raise BuildError(f"the cycle counter does not build: {done.stderr.strip().splitlines()[0]}")
            keep(built, plugin)
    return plugin
