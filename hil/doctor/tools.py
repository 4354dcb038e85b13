"""Check compilers, QEMU and the tools that fetch Debian's packages."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from hil.doctor.finding import Finding, fault, ok
from hil.doctor.machine import Machine
from hil.lifetime.child import run
from reds.text import printable

ANSWER_SECONDS = 5.0
_KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"


@dataclass(frozen=True)
class Tool:
    """A program, the Debian packages that have it, and what needs it.

    Attributes:
        library: File of the C library that a compiler must find beside itself; empty if there is none.
        targets: Targets that need it if the boards file names one on the network.
    """

    program: str
    packages: str
    use: str
    needed: bool = False
    library: str = ""
    targets: tuple[str, ...] = ()


TOOLS = (
    Tool("make", "make", "agents", needed=True),
    Tool("cc", "build-essential", "agents", needed=True),
    Tool(
        "arm-none-eabi-gcc",
        "gcc-arm-none-eabi libnewlib-arm-none-eabi",
        "the emulated Nano",
        library="libc_nano.a",
    ),
    Tool(
        "aarch64-linux-gnu-gcc",
        "gcc-aarch64-linux-gnu libc6-dev-arm64-cross",
        "a Pi or an Android",
        library="libc.so.6",
        targets=("pi", "android"),
    ),
    Tool("qemu-system-arm", "qemu-system-arm", "the emulated Nano"),
    Tool("qemu-system-aarch64", "qemu-system-arm", "the emulated Pi and Android"),
    Tool("mmdebstrap", "mmdebstrap", "the image of the emulated Pi and Android"),
)


def tools(machine: Machine) -> Iterator[Finding]:
    """Check that each program is installed and answers."""
    on_network = {entry.target for entry in machine.entries() if entry.host}
    for tool in (*TOOLS, *_of_targets()):
        needed = tool.needed or bool(on_network & set(tool.targets))
        remedy = install(tool.packages)
        path = shutil.which(tool.program)
        if path is None:
            yield fault(tool.program, needed, f"not on PATH, needed for {tool.use}", remedy)
        elif (version := _output(path, "--version")) is None:
            damaged = f"{path} does not run, needed for {tool.use}"
            yield fault(tool.program, needed, damaged, remedy.replace("install", "install --reinstall", 1))
        elif tool.library and "/" not in (_output(path, f"-print-file-name={tool.library}") or ""):
            yield fault(
                tool.program, needed, f"finds no C library ({tool.library}), needed for {tool.use}", remedy
            )
        else:
            number = re.search(r"\d+\.\d[\w.]*", version)
            yield ok(tool.program, f"{number[0] if number else 'unknown version'}, for {tool.use}")


def _of_targets() -> Iterator[Tool]:
    """Yield what only boards without a system need: compilers, and emulators."""
    try:
        from hil.boards import registry
        from hil.emulators import qemu
        from hil.firmware import build

        needed = registry.programs()
    except Exception:  # whatever a damaged package does; another check names it
        return
    known = {tool.program for tool in TOOLS}
    for program, targets in needed.items():
        if program not in known:
            packages = build.PACKAGES.get(program) or qemu.package(program)
            yield Tool(program, packages, f"a target: {targets}")


def keyring(machine: Machine) -> Iterator[Finding]:
    """Check the keys that sign Debian's packages."""
    if machine.path(_KEYRING).is_file():
        yield ok("Debian's keys", "for the image of the emulated Pi and Android")
    else:
        yield fault(
            "Debian's keys",
            False,
            f"no {_KEYRING}; no image can be built",
            install("debian-archive-keyring"),
        )


def install(packages: str) -> str:
    """Return the command that installs Debian packages, or their names on another system."""
    command = "sudo apt-get install" if shutil.which("apt-get") else "install what Debian calls"
    return f"{command} {packages}"


def _output(program: str | Path, option: str) -> str | None:
    """Return the first line that a program prints, or None if it fails or takes too long."""
    try:
        ended = run([str(program), option], ANSWER_SECONDS, stderr=subprocess.DEVNULL)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return printable(ended.output.partition("\n")[0]) if ended.status == 0 else None
