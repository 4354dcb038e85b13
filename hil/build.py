"""Build the agents from the sources beside us, once: results are cached by the sources' hash.

The sources are the checkout's `targets/`, or the same folder inside an installed wheel; they are copied
before they are built, so that neither is written to and two builds at once do not meet.
"""

import hashlib
import os
import runpy
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from platformdirs import user_cache_path

from hil.errors import BuildError
from hil.platformio import core_environment

DESKTOP = "desktop"
EMULATED = "emulated"
_TOOLS = {
    DESKTOP: ("make", "cc"),
    EMULATED: ("arm-none-eabi-gcc",),
}
_PACKAGES = {
    "make": "make",
    "cc": "build-essential",
    "arm-none-eabi-gcc": "gcc-arm-none-eabi libnewlib-arm-none-eabi",
}


def targets_dir() -> Path:
    """Folder of the agents' sources. Raises `BuildError` if neither a checkout nor a wheel holds it."""
    here = Path(__file__).resolve().parent
    for folder in (here / "_data" / "targets", here.parent / "targets"):
        if folder.is_dir():
            return folder
    raise BuildError("the agents' sources are not here: reinstall reds-hil, or run from a checkout of it")


def cache_dir() -> Path:
    """Where built agents are kept; emptying it costs only time."""
    return user_cache_path("reds-hil")


def build_id() -> str:
    """16 hex digits: the hash of the agents' sources, which an agent built from them states in its hello."""
    root = targets_dir()
    return str(runpy.run_path(str(root / "build_id.py"))["build_id"](root))


def agent(environment: str, wrap: Path | None = None) -> Path:
    """The agent for `environment` (DESKTOP or EMULATED), built unless the cache has it.

    `wrap` is a C file whose `__wrap_reds_select` or `__wrap_reds_run` takes the place of the runtime's.
    Raises `BuildError` if a tool is missing or the build fails.
    """
    for tool in _TOOLS[environment]:
        if shutil.which(tool) is None:
            raise BuildError(
                f"no {tool} on this machine to build the {environment} agent with; install {_PACKAGES[tool]}"
            )
    extra = "" if wrap is None else "-" + hashlib.sha256(wrap.read_bytes()).hexdigest()[:8]
    suffix = ".elf" if environment == EMULATED else ""
    program = cache_dir() / build_id() / f"agent-{environment}{extra}{suffix}"
    if not program.exists():
        program.parent.mkdir(parents=True, exist_ok=True)
        with _sources() as sources:
            build = _build_desktop if environment == DESKTOP else _build_emulated
            os.replace(build(sources, wrap), program)
    return program


@contextmanager
def _sources() -> Iterator[Path]:
    """A copy of the sources to build in."""
    cache_dir().mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="build-", dir=cache_dir()) as folder:
        copy = Path(folder) / "targets"
        shutil.copytree(targets_dir(), copy, ignore=shutil.ignore_patterns("build", "__pycache__"))
        yield copy


def _build_desktop(sources: Path, wrap: Path | None) -> Path:
    out = sources / "out"
    wrapped = [f"WRAP={wrap.resolve()}"] if wrap else []
    _run(["make", "-C", str(sources / "posix"), f"OUT={out}", f"PYTHON={sys.executable}", *wrapped], {})
    return out / "agent"


def _build_emulated(sources: Path, wrap: Path | None) -> Path:
    flags = {}
    if wrap:
        shutil.copy(wrap, sources / "nano33ble" / "src" / "emulated" / "wrap.c")
        flags["PLATFORMIO_BUILD_FLAGS"] = "-Wl,--wrap=reds_select -Wl,--wrap=reds_run"
    _pio(sources, ["-e", "emulated"], flags)
    return sources.parent / ".pio" / "build" / "emulated" / "firmware.elf"


def upload_nano(port: str) -> None:
    """Build the Arduino agent and upload it to the Nano at `port`; the board comes back under another port.

    The first time PlatformIO fetches its nordicnrf52 platform. Raises `BuildError`.
    """
    with _sources() as sources:
        _pio(sources, ["-e", "nano33ble", "-t", "upload", "--upload-port", port], {})


def _pio(sources: Path, arguments: list[str], environment: dict[str, str]) -> None:
    core = core_environment(cache_dir() / "platformio")
    command = [sys.executable, "-m", "platformio", "run", "-d", str(sources / "nano33ble"), *arguments]
    _run(command, {**core, **environment})


def _run(command: list[str], environment: dict[str, str]) -> None:
    done = subprocess.run(
        command,
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        log = cache_dir() / "build.log"
        log.write_text(done.stdout + done.stderr)
        output = (done.stdout + done.stderr).strip().splitlines()
        errors = [line for line in output if "error" in line.lower()] or output[-1:] or ["no output"]
        raise BuildError(f"the agent does not build: {errors[0].strip()} (whole output: {log})")
