"""Hash the sources of a board's agent. A board whose agent reports another hash gets the new agent.

Every build of an agent (make, PlatformIO) and the host use this one function. The file `sources` in the
folder of a board lists what its agent compiles beside that folder: files and folders here, such as the
kernels of its processor. All agents compile the runtime, its portable kernels, the governor and the agent.
"""

import hashlib
import sys
from pathlib import Path

SUFFIXES = {".c", ".cpp", ".h", ".S", ".ini", ".ld", ".mk", ".py", ".json"}
NAMES = {"Makefile", "sources"}
COMMON = (
    *("build_id.py", "agent/**/*", "governor/**/*"),
    *("runtime/*", "runtime/kernels/*", "runtime/kernels/portable/**/*"),
)
"""Patterns of the files that all agents compile."""


def build_id(root: Path, folder: Path) -> str:
    """Return 16 hex digits of the hash of the sources of an agent.

    Args:
        root: The folder of this file.
        folder: The folder of a board, in `root` or elsewhere.
    """
    listed = (folder / "sources").read_text().split()
    patterns = [*COMMON, *listed, *(f"{name}/**/*" for name in listed)]
    found = {path.relative_to(root): path for pattern in patterns for path in root.glob(pattern)}
    found |= {folder.name / path.relative_to(folder): path for path in folder.rglob("*")}
    digest = hashlib.sha256()
    for name, path in sorted(found.items()):
        hidden = any(part.startswith(".") or part in ("build", "__pycache__") for part in name.parts)
        if not hidden and (path.suffix in SUFFIXES or path.name in NAMES):
            digest.update(name.as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


if __name__ == "__main__":
    targets = Path(__file__).resolve().parent
    print(build_id(targets, targets / sys.argv[1]))
