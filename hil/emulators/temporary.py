"""Temporary folders, named by the process that made them: later runs remove those of killed ones."""

import os
import shutil
import tempfile
from pathlib import Path


def temporary_folder(prefix: str, within: Path | None = None) -> Path:
    """Make a new folder, its owner's only, in `within` or where temporary files go. Raises `OSError`.

    Others with this prefix are removed where the run that made them is no more.
    """
    parent = within or Path(tempfile.gettempdir())
    for folder in parent.glob(f"{prefix}*-*"):
        owner = folder.name.removeprefix(prefix).split("-")[0]
        if owner.isdigit() and not Path(f"/proc/{owner}").exists() and Path("/proc/self").exists():
            shutil.rmtree(folder, ignore_errors=True)
    return Path(tempfile.mkdtemp(prefix=f"{prefix}{os.getpid()}-", dir=parent))
