"""Let PlatformIO build without a network, with the SCons that pip installed as its tool-scons package.

PlatformIO downloads SCons as a package of its own even if the Python package is installed. A package folder
with three small files that call the installed one replaces it.
"""

import json
from pathlib import Path

from hil.errors import BuildError
from reds.files import write_atomically

_LAUNCHER = """import sys
from SCons.Script import main
sys.exit(main())
"""


def core_environment(core: Path) -> dict[str, str]:
    """Prepare PlatformIO's folder at `core`, and return the environment variables for `pio`.

    Raises:
        BuildError: PlatformIO or SCons is not installed, or the folder cannot be written.
    """
    try:
        import SCons  # noqa: F401
        from platformio import dependencies
    except ImportError as error:
        raise BuildError(
            "PlatformIO or SCons is missing; install them with: pip install 'reds-hil[emulate]'"
        ) from error
    version = _lowest(str(dependencies.get_core_dependencies()["tool-scons"]))
    package = core / "packages" / "tool-scons"
    name = "tool-scons"
    spec = {"owner": "platformio", "id": None, "name": name, "requirements": None, "uri": None}
    try:
        package.mkdir(parents=True, exist_ok=True)
        _write(package / "package.json", json.dumps({"name": name, "version": version}))
        _write(
            package / ".piopm", json.dumps({"type": "tool", "name": name, "version": version, "spec": spec})
        )
        _write(package / "scons.py", _LAUNCHER)
    except OSError as error:
        where = f"{core}: {error.strerror}"
        raise BuildError(f"cannot write {where}; set XDG_CACHE_HOME to a folder of yours") from error
    return {"PLATFORMIO_CORE_DIR": str(core), "PLATFORMIO_SETTING_ENABLE_TELEMETRY": "no"}


def _lowest(requirement: str) -> str:
    """Return the lowest version of a requirement: `~4.40801.0` -> `4.40801.0`."""
    return requirement.lstrip("~^>=")


def _write(path: Path, text: str) -> None:
    if not path.is_file() or path.read_bytes() != text.encode():
        write_atomically(path, text.encode())
