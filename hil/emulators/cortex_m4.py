"""The emulated Nano 33 BLE: QEMU's Cortex-M4 behind a pseudo terminal, counting instructions and cycles.

`-icount` makes time a function of the instructions run, and a plugin adds up cycles by `cycles.py`: both
repeat exactly, whatever else the machine is doing.
"""

import hashlib
import os
import re
import select
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from hil.build import cache_dir, keep
from hil.emulators.cycles import symbol_and_table
from hil.errors import BuildError, EmulatorError
from hil.link.deadline import Deadline
from hil.link.process import die_with_parent

QEMU = "qemu-system-arm"
_PREFIX = "reds-nano33ble-"
_MARK = "clock_mark"
_SHIFT = 10
"""2^10 ns an instruction: the agent's port converts its timer's ticks by the same number."""
_PTY = re.compile(rb"redirected to (\S+)")


class Emulator:
    """A running emulator. `port` is what pyserial opens; `stop`, or leaving the `with`, ends it."""

    def __init__(self, elf: Path) -> None:
        """Start the agent at `elf`. Raises `EmulatorError` if QEMU is missing or does not start."""
        if shutil.which(QEMU) is None:
            raise EmulatorError(
                f"no {QEMU} on this machine to emulate a nano33ble with; install qemu-system-arm"
            )
        _sweep()
        self._folder = tempfile.TemporaryDirectory(prefix=f"{_PREFIX}{os.getpid()}-")
        try:
            self._process = self._start(elf, Path(self._folder.name))
            self.port = self._wait_for_port()
        except BaseException:
            self.stop()
            raise

    def _start(self, elf: Path, folder: Path) -> subprocess.Popen[bytes]:
        plugin = _plugin()
        mark, table = _table(elf)
        costs, memory = folder / "costs", folder / "memory"
        costs.write_bytes(table)
        memory.touch()
        command = [
            *(QEMU, "-display", "none", "-monitor", "none", "-serial", "pty", "-kernel", str(elf)),
            *("-machine", "mps2-an386,memory-backend=shared"),
            *("-object", f"memory-backend-file,id=shared,size=16M,mem-path={memory},share=on"),
            *("-icount", f"shift={_SHIFT},align=off,sleep=on"),
            *("-plugin", f"{plugin},costs={costs},memory={memory},mark={mark:#x}"),
        ]
        with (folder / "errors").open("wb") as errors:
            return subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=errors,
                preexec_fn=_child_setup(),
            )

    def _wait_for_port(self) -> str:
        out = self._process.stdout
        assert out is not None
        said, deadline = b"", Deadline.after(10)
        while not (found := _PTY.search(said)):
            ready = select.select([out], [], [], deadline.left)[0]
            more = os.read(out.fileno(), 4096) if ready else b""
            if not more:
                raise EmulatorError(f"{QEMU} did not start: {self.last_words() or 'no word in 10 s'}")
            said += more
        return found[1].decode()

    def last_words(self) -> str:
        """The last line that QEMU wrote to its standard error; empty if it wrote none."""
        lines = (Path(self._folder.name) / "errors").read_text(errors="replace").split("\n")
        return next((line.strip() for line in reversed(lines) if line.strip()), "")

    def stop(self) -> None:
        """End the emulator and remove its files. Harmless if done twice."""
        process = getattr(self, "_process", None)
        if process is not None:
            process.kill()
            process.wait()
            process.stdout.close()
        self._folder.cleanup()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def start(elf: Path) -> Emulator:
    """Start the emulated board with the agent at `elf`."""
    return Emulator(elf)


def _child_setup() -> Callable[[], None]:
    """What the emulator does before it starts: die with its parent, and stay on one processor.

    QEMU's two threads hand every byte of the line to each other. On one processor that is a switch between
    them; on two, each waits for a sleeping processor to wake, which takes three times as long.
    """
    death = die_with_parent()
    usable = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    chosen = {usable[os.getpid() % len(usable)]} if usable else set()

    def setup() -> None:
        if death is not None:
            death()
        if chosen:
            os.sched_setaffinity(0, chosen)

    return setup


def _sweep() -> None:
    """Remove the folders of runs that were killed."""
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*-*"):
        owner = folder.name.removeprefix(_PREFIX).split("-")[0]
        if owner.isdigit() and not Path(f"/proc/{owner}").exists() and Path("/proc/self").exists():
            shutil.rmtree(folder, ignore_errors=True)


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
    said = subprocess.run([QEMU, "--version"], capture_output=True, text=True, check=False).stdout
    version = re.search(r"version (\d+)", said)
    api = 2 if version and int(version[1]) >= 9 else 1
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
