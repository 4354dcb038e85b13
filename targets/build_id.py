"""Hash the agent's sources. A board whose agent reports another hash gets the new agent.

Every build of the agent (make, PlatformIO) and the host use this one function.
"""

import hashlib
from pathlib import Path

SUFFIXES = {".c", ".cpp", ".h", ".S", ".ini", ".ld", ".py", ".json"}


def build_id(root: Path) -> str:
    """Return 16 hex digits of the hash of every agent's source under `root`, the folder of this file."""
    digest = hashlib.sha256()
    for path in sorted(p for p in root.rglob("*") if p.suffix in SUFFIXES or p.name == "Makefile"):
        parts = path.relative_to(root).parts
        if any(part.startswith(".") or part in ("build", "__pycache__") for part in parts):
            continue
        digest.update("/".join(parts).encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


if __name__ == "__main__":
    print(build_id(Path(__file__).resolve().parent))
