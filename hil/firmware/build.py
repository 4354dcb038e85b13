"""Build the agents from their C sources, once: results are cached under the hash of the sources.

The sources are the checkout's `targets/`, or the same folder in an installed wheel. They are built in a
temporary copy, so the sources stay unchanged and two builds at once do not collide.
"""

import hashlib
import os
import re
import runpy
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from platformdirs import user_cache_path

from hil.errors import BuildError
from hil.firmware.platformio import core_environment

DESKTOP = "desktop"
EMULATED = "emulated"
LINUX = {"aarch64": "linux-aarch64", "x86_64": "linux-x86_64"}
"""Static agents for every Linux, by the machine that `uname -m` prints."""
EMULATED_LINUX = "emulated-linux-aarch64"
"""The static agent for an emulated board, which counts instructions."""
AVD = {machine: f"avd-{name}" for machine, name in LINUX.items()}
"""Static agents for Android's own emulator, which count nothing: time there is the host's."""
BUILD_SECONDS, UPLOAD_SECONDS = 300.0, 1800.0
"""Deadlines of a build, and of an upload with all its downloads of the first time."""
_NOT_PASSED_ON = ("CC", "CFLAGS", "CPPFLAGS", "LDFLAGS", "MAKEFLAGS", "PLATFORMIO_BUILD_FLAGS")
"""Environment variables that would change an agent, while the cache knows only the hash of its sources."""
_TOOLS = {
    DESKTOP: ("make", "cc"),
    EMULATED: ("arm-none-eabi-gcc",),
    **{environment: ("make", f"{machine}-linux-gnu-gcc") for machine, environment in LINUX.items()},
    **{environment: ("make", f"{machine}-linux-gnu-gcc") for machine, environment in AVD.items()},
    EMULATED_LINUX: ("make", "aarch64-linux-gnu-gcc"),
}
_PACKAGES = {
    "make": "make",
    "cc": "build-essential",
    "arm-none-eabi-gcc": "gcc-arm-none-eabi libnewlib-arm-none-eabi",
    "aarch64-linux-gnu-gcc": "gcc-aarch64-linux-gnu libc6-dev-arm64-cross",
    "x86_64-linux-gnu-gcc": "gcc-x86-64-linux-gnu libc6-dev-amd64-cross",
}


def targets_dir() -> Path:
    """Return the folder of the agents' sources. Raises `BuildError` if it is missing."""
    package = Path(__file__).resolve().parents[1]
    for folder in (package / "_data" / "targets", package.parent / "targets"):
        if folder.is_dir():
            return folder
    raise BuildError("the agents' sources are not here: reinstall reds-hil, or run from a checkout of it")


def cache_dir() -> Path:
    """Return the folder of built agents. Emptying it costs only time."""
    return user_cache_path("reds-hil")


def build_id() -> str:
    """Return the hash of the agents' sources in 16 hex digits, which an agent states in its hello."""
    root = targets_dir()
    return str(runpy.run_path(str(root / "build_id.py"))["build_id"](root))


def agent(environment: str, wrap: Path | None = None, board: str = "desktop") -> Path:
    """Return the agent for an environment, built unless the cache has it.

    Args:
        environment: DESKTOP, EMULATED, or an environment in LINUX or AVD.
        wrap: C file whose `__wrap_reds_select` and `__wrap_reds_run` replace those of the runtime.
        board: Name that an agent for a POSIX system gives its board.

    Raises:
        BuildError: A tool is missing, the build fails, or the cache cannot be written.
    """
    extra = "" if environment == EMULATED else f"-{board}"
    extra += "" if wrap is None else "-" + hashlib.sha256(wrap.read_bytes()).hexdigest()[:8]
    program = cache_dir() / build_id() / f"agent-{environment}{extra}"
    if not program.exists():
        _require_tools(environment)
        with _sources() as sources:
            if environment == EMULATED:
                built = _emulated(sources, wrap)
            else:
                built = _posix(sources, wrap, board, environment)
            keep(built, program)
    return program


def keep(built: Path, program: Path) -> None:
    """Copy a built file into the cache, atomically. Raises `BuildError`."""
    partial = program.with_name(f"{program.name}.{os.getpid()}.partial")
    try:
        program.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(built, partial)
        os.replace(partial, program)
    except OSError as error:
        where = f"{program.parent}: {error.strerror}"
        raise BuildError(
            f"cannot keep what was built in {where}; set XDG_CACHE_HOME to a folder of yours"
        ) from error


def _require_tools(environment: str) -> None:
    for tool in _TOOLS[environment]:
        if shutil.which(tool) is None:
            missing = f"no {tool} on this machine to build the {environment} agent"
            raise BuildError(f"{missing}; install {_PACKAGES[tool]}")


@contextmanager
def _sources() -> Iterator[Path]:
    """Copy the sources to a temporary folder to build in."""
    with tempfile.TemporaryDirectory(prefix="reds-build-") as folder:
        copy = Path(folder) / "targets"
        shutil.copytree(targets_dir(), copy, ignore=shutil.ignore_patterns("build", "__pycache__"))
        yield copy


def _posix(sources: Path, wrap: Path | None, board: str, environment: str) -> Path:
    out = sources / "out"
    if wrap:
        wrap = Path(shutil.copy(wrap, sources / "wrap.c"))
    options = [f"OUT={out}", f"BOARD={board}", f"PYTHON={sys.executable}", f"WRAP={wrap or ''}"]
    options += ["STATIC=yes"] * (environment != DESKTOP)
    options += ["CLOCK=instructions"] * (environment == EMULATED_LINUX)
    options += ["CLOCK=nothing"] * (environment in AVD.values())
    compiler = {} if environment == DESKTOP else {"CC": _TOOLS[environment][1]}
    _run(["make", "-s", "-C", str(sources / "posix"), *options], compiler, BUILD_SECONDS)
    return out / "agent"


def _emulated(sources: Path, wrap: Path | None) -> Path:
    flags = {}
    if wrap:
        shutil.copy(wrap, sources / "nano33ble" / "src" / "emulated" / "wrap.c")
        flags["PLATFORMIO_BUILD_FLAGS"] = "-Wl,--wrap=reds_select -Wl,--wrap=reds_run"
    # PlatformIO keeps a link to the platform, which lies in these sources: another build is to have its own.
    _pio(sources, sources.parent / "core", ["-e", "emulated"], flags, BUILD_SECONDS)
    return sources.parent / ".pio" / "build" / "emulated" / "firmware.elf"


def upload_nano(port: str) -> None:
    """Build the Arduino agent and upload it to the Nano at `port`; the port's name may change.

    The first time PlatformIO downloads its nordicnrf52 platform, which takes minutes. Raises `BuildError`.
    """
    with _sources() as sources:
        upload = ["-e", "nano33ble", "-t", "upload", "--upload-port", port]
        _pio(sources, cache_dir() / "platformio", upload, {}, UPLOAD_SECONDS)


def _pio(
    sources: Path, core: Path, arguments: list[str], environment: dict[str, str], seconds: float
) -> None:
    """Run PlatformIO on the Nano's sources, with `core` as its folder of platforms and packages."""
    command = [sys.executable, "-m", "platformio", "run", "-d", str(sources / "nano33ble"), *arguments]
    _run(command, {**core_environment(core), **environment}, seconds)


def _run(command: list[str], environment: dict[str, str], seconds: float) -> None:
    """Run a build. Raises `BuildError` with its first error and the file of all output."""
    quiet: dict[str, Any] = {
        "stdin": subprocess.DEVNULL,
        "capture_output": True,
        "text": True,
        "check": False,
    }
    ours = {name: value for name, value in os.environ.items() if name not in _NOT_PASSED_ON}
    try:
        done = subprocess.run(command, env={**ours, **environment}, timeout=seconds, **quiet)
    except subprocess.TimeoutExpired as error:
        raise BuildError(f"building the agent took more than {seconds:g} s: {' '.join(command)}") from error
    if done.returncode:
        output = (done.stdout + done.stderr).strip().splitlines()
        with tempfile.NamedTemporaryFile("w", prefix="reds-build-", suffix=".log", delete=False) as log:
            log.write("\n".join(output))
        errors = [line for line in output if re.search(r"\berror: |undefined reference|Error ", line)]
        first = (errors or output[-1:] or ["no output"])[0].strip()
        raise BuildError(f"the agent does not build: {first} (all of it: {log.name})")
