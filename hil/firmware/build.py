"""Build the agents from their C sources, once: results are cached under the hash of the sources.

The sources are the checkout's `targets/`, or the same folder in an installed wheel. They are built in a
temporary copy, so the sources stay unchanged and two builds at once do not collide.
"""

import hashlib
import os
import re
import runpy
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from hil.cache import cache_dir, keep, prepare, whole
from hil.errors import BuildError
from hil.firmware.bare_metal import BareMetal
from hil.firmware.platformio import core_environment
from hil.lifetime.child import run
from hil.lifetime.folder import TemporaryFolder
from reds.files import write_atomically

DESKTOP = "desktop"
EMULATED = "emulated"
"""The agent of the emulated Nano, which PlatformIO builds."""
LINUX = {"aarch64": "linux-aarch64", "x86_64": "linux-x86_64"}
"""Static agents for every Linux, by the machine that `uname -m` prints."""
EMULATED_LINUX = "emulated-linux-aarch64"
"""The static agent for an emulated board, which counts instructions."""
AVD = {machine: f"avd-{name}" for machine, name in LINUX.items()}
"""Static agents for Android's own emulator, which count nothing: time there is the host's."""
BUILD_SECONDS, UPLOAD_SECONDS = 300.0, 1800.0
"""Deadlines of a build, and of an upload with all its downloads of the first time."""
_NOT_PASSED_ON = {
    *("CC", "CFLAGS", "CPPFLAGS", "LDFLAGS", "PLATFORMIO_BUILD_FLAGS"),
    *("MAKEFLAGS", "GNUMAKEFLAGS", "MAKEFILES", "MAKELEVEL"),
    *("CPATH", "C_INCLUDE_PATH", "COMPILER_PATH", "GCC_EXEC_PREFIX", "LIBRARY_PATH"),
}
"""Environment variables that would change an agent, while the cache knows only the hash of its sources."""
_TOOLS = {
    DESKTOP: ("make", "cc"),
    EMULATED: ("arm-none-eabi-gcc",),
    **{environment: ("make", f"{machine}-linux-gnu-gcc") for machine, environment in LINUX.items()},
    **{environment: ("make", f"{machine}-linux-gnu-gcc") for machine, environment in AVD.items()},
    EMULATED_LINUX: ("make", "aarch64-linux-gnu-gcc"),
}
PACKAGES = {
    "make": "make",
    "cc": "build-essential",
    "arm-none-eabi-gcc": "gcc-arm-none-eabi libnewlib-arm-none-eabi",
    "aarch64-linux-gnu-gcc": "gcc-aarch64-linux-gnu libc6-dev-arm64-cross",
    "x86_64-linux-gnu-gcc": "gcc-x86-64-linux-gnu libc6-dev-amd64-cross",
    "riscv64-unknown-elf-gcc": "gcc-riscv64-unknown-elf picolibc-riscv64-unknown-elf",
}
"""Debian packages of the programs that build agents."""
_ERROR = re.compile(r"[Ee]rror: |undefined reference|Error |\*\*\* (?!Waiting)")
"""Lines of compilers, linkers and make that say what failed."""
_NANO, _POSIX = "nano33ble", "posix"
"""Folders of sources."""


def targets_dir() -> Path:
    """Return the folder of the agents' sources. Raises `BuildError` if it is missing."""
    package = Path(__file__).resolve().parents[1]
    for folder in (package / "_data" / "targets", package.parent / "targets"):
        if folder.is_dir():
            return folder
    raise BuildError("the agents' sources are not here: reinstall reds-hil, or run from a checkout of it")


def build_id(folder: str | Path = _NANO) -> str:
    """Return the hash of the sources of an agent in 16 hex digits, which it states in its hello.

    Args:
        folder: Folder of its board, by its name in `targets` or by its path.

    Raises:
        BuildError: The folder is none of a board.
    """
    root = targets_dir()
    if not (root / folder / "sources").is_file():
        raise BuildError(
            f"no file `sources` in {root / folder}; make it: docs/new-board.md says what it lists"
        )
    return str(runpy.run_path(str(root / "build_id.py"))["build_id"](root, root / folder))


def agent(environment: str | BareMetal, wrap: Path | None = None, board: str = "desktop") -> Path:
    """Return the agent for an environment, built unless the cache has it.

    Args:
        environment: DESKTOP, EMULATED, an environment in LINUX or AVD, or an agent without a system.
        wrap: C file whose `__wrap_reds_select` and `__wrap_reds_run` replace those of the runtime.
        board: Name that an agent for a POSIX system gives its board.

    Raises:
        BuildError: A tool is missing, the build fails, or the cache cannot be written.
    """
    program = _program(environment, wrap, board)
    if not whole(program, executable=True):
        _require_tools(environment)
        prepare(program)
        with _sources() as sources:
            if isinstance(environment, BareMetal):
                built = _bare_metal(sources, wrap, environment)
            elif environment == EMULATED:
                built = _emulated(sources, wrap)
            else:
                built = _posix(sources, wrap, board, environment)
            keep(program, built.read_bytes(), 0o755)
    return program


def binary(firmware: BareMetal) -> Path:
    """Return an agent without a system as it lies in flash, built unless the cache has it.

    Raises `BuildError`.
    """
    program = agent(firmware).with_suffix(".bin")
    if not whole(program):
        with TemporaryFolder("build") as folder:
            copy = firmware.compiler.removesuffix("gcc") + "objcopy"
            (folder / "out").mkdir()
            command = [copy, "-O", "binary", str(agent(firmware)), "agent.bin"]
            _run(command, {}, BUILD_SECONDS, folder / "out")
            keep(program, (folder / "out" / "agent.bin").read_bytes())
    return program


def is_built(environment: str | BareMetal, board: str = "desktop") -> bool:
    """Return whether the cache has the agent that `agent` returns. Args are those of `agent`."""
    return whole(_program(environment, None, board), executable=True)


def _program(environment: str | BareMetal, wrap: Path | None, board: str) -> Path:
    """Return the path of an agent in the cache."""
    if isinstance(environment, BareMetal):
        name, folder = "-".join([environment.board, *environment.options.values()]), environment.folder
    elif environment == EMULATED:
        name, folder = environment, _NANO
    else:
        name, folder = f"{environment}-{board}-{_stated_id(board)}", _POSIX
    extra = "" if wrap is None else "-" + hashlib.sha256(wrap.read_bytes()).hexdigest()[:8]
    return cache_dir() / build_id(folder) / f"agent-{name}{extra}"


def _stated_id(board: str) -> str:
    """Return the hash that an agent for a POSIX system states as that of its sources.

    An agent that plays a board of another folder states the hash of the sources of that one.
    """
    return build_id(board if (targets_dir() / board / "sources").is_file() else _POSIX)


def _require_tools(environment: str | BareMetal) -> None:
    if isinstance(environment, BareMetal):
        name, tools = environment.board, environment.tools
    else:
        name, tools = environment, _TOOLS[environment]
    for tool in tools:
        if shutil.which(tool) is None:
            missing = f"no {tool} on this machine to build the {name} agent"
            raise BuildError(f"{missing}; install {PACKAGES.get(tool, tool)}")


@contextmanager
def _sources() -> Iterator[Path]:
    """Copy the sources to a temporary folder to build in."""
    with TemporaryFolder("build") as folder:
        copy = folder / "targets"
        try:
            shutil.copytree(targets_dir(), copy, ignore=shutil.ignore_patterns("build", "__pycache__"))
        except OSError as error:
            first = error.strerror or error.args[0][0][2]  # of a shutil.Error, the first file's
            why = re.sub(r"^\[Errno \d+\] |: '.*", "", first)
            failed = f"the agent's sources cannot be copied to {folder}: {why}"
            raise BuildError(f"{failed}; make room there, or set TMPDIR to another folder") from error
        yield copy


def _bare_metal(sources: Path, wrap: Path | None, firmware: BareMetal) -> Path:
    name = firmware.folder
    if isinstance(name, Path):  # it may be called as one of ours
        name = "of_another_package"
        shutil.copytree(firmware.folder, sources / name)
    options = {"NAME": firmware.board, "FOLDER": name, "BUILD_ID": build_id(firmware.folder)}
    if wrap:
        shutil.copy(wrap, sources / "wrap.c")
        options["WRAP"] = "../wrap.c"
    told = [f"{name}={value}" for name, value in {**options, **firmware.options}.items()]
    command = ["make", "-s", f"-j{os.cpu_count() or 1}", "OUT=../out", *told, "../out/agent.elf"]
    _run(command, {}, BUILD_SECONDS, sources / "bare_metal")
    return sources / "out" / "agent.elf"


def _posix(sources: Path, wrap: Path | None, board: str, environment: str) -> Path:
    if wrap:
        shutil.copy(wrap, sources / "wrap.c")
    clocks = {EMULATED_LINUX: "instructions", **dict.fromkeys(AVD.values(), "nothing")}
    compiler = _TOOLS[environment][1]
    options = {  # all of them, for make takes others from the environment; make cannot quote an absolute path
        "OUT": "../out",
        "BOARD": board,
        "BUILD_ID": _stated_id(board),
        "CC": compiler,
        "CLOCK": clocks.get(environment, "time"),
        "COMMON": "../common.a",
        "STATIC": "yes" * (environment != DESKTOP),
        "WRAP": "../wrap.c" if wrap else "",
    }
    command = ["make", "-s", *(f"{name}={value}" for name, value in options.items())]
    common = cache_dir() / build_id(_POSIX) / f"common-{compiler}.a"
    if not whole(common):
        parallel = f"-j{os.cpu_count() or 1}"
        _run([*command, parallel, "../out/common.a"], {}, BUILD_SECONDS, sources / "posix")
        keep(common, (sources / "out" / "common.a").read_bytes())
    shutil.copy(common, sources / "common.a")
    _run(command, {}, BUILD_SECONDS, sources / "posix")
    return sources / "out" / "agent"


def _emulated(sources: Path, wrap: Path | None) -> Path:
    flags = {}
    if wrap:
        shutil.copy(wrap, sources / "nano33ble" / "src" / "emulated" / "wrap.c")
        flags["PLATFORMIO_BUILD_FLAGS"] = "-Wl,--wrap=reds_select -Wl,--wrap=reds_run"
    # PlatformIO keeps a link to the platform, which lies in these sources: another build is to have its own.
    flags["HOME"] = str(sources.parent)  # else it reads the settings of the user's desktop
    _pio(sources, sources.parent / "core", ["-e", "emulated"], flags, BUILD_SECONDS)
    return sources.parent / ".pio" / "build" / "emulated" / "firmware.elf"


def nano_firmware() -> Path:
    """Return the firmware of the Arduino agent as a .bin file, built unless the cache has it.

    The first time PlatformIO downloads its nordicnrf52 platform, which takes minutes. Raises `BuildError`.
    """
    firmware = cache_dir() / build_id(_NANO) / "agent-nano33ble.bin"
    if not whole(firmware):
        prepare(firmware)
        with _sources() as sources:
            _pio(sources, cache_dir() / "platformio", ["-e", "nano33ble"], {}, UPLOAD_SECONDS)
            keep(firmware, (sources.parent / ".pio/build/nano33ble/firmware.bin").read_bytes())
    return firmware


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
    for path, variable in ((sources, "TMPDIR"), (core, "XDG_CACHE_HOME")):
        if special := re.search(r"[^\w/.,:=%#@+~ -]", str(path)):
            barred = f"PlatformIO cannot build in {str(path)!r}, because of its character {special[0]!r}"
            raise BuildError(f"{barred}; set {variable} to a folder without it")
    command = [sys.executable, "-m", "platformio", "run", *arguments]
    kept = core.is_relative_to(cache_dir())  # from build to build; it may be damaged
    remedy = f"; if PlatformIO's files are damaged: rm -r {shlex.quote(str(core))}" if kept else ""
    _run(command, {**core_environment(core), **environment}, seconds, sources / "nano33ble", remedy)


def _run(
    command: Sequence[str], environment: Mapping[str, str], seconds: float, folder: Path, remedy: str = ""
) -> None:
    """Run a build in a folder. Raises `BuildError` with its first error, its log and `remedy`."""
    ours = {name: value for name, value in os.environ.items() if name not in _NOT_PASSED_ON}
    temporary = {"TMPDIR": str(folder.parents[1])}  # where a killed compiler's files go with the folder
    try:
        done = run(command, seconds, env={**ours, **temporary, **environment}, cwd=folder)
    except subprocess.TimeoutExpired as error:
        raise BuildError(f"building the agent took more than {seconds:g} s: {' '.join(command)}") from error
    if done.status:
        output = [line for line in done.output.splitlines() if re.search(r"\w", line)]
        errors = [line for line in output if _ERROR.search(line)]
        first = (errors or output[-1:] or ["no output"])[0].strip()
        log = cache_dir() / "build.log"
        with suppress(OSError):
            write_atomically(log, done.output.encode())
        if "No space left" in done.output:
            remedy = f"; make room for it in {folder.parents[2]}"
        raise BuildError(f"the agent does not build: {first} (all of it: {log}){remedy}")
