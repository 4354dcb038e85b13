"""Make temporary folders named by their process, so that later runs remove those of killed runs."""

import os
import shutil
import tempfile
from pathlib import Path


def temporary_folder(prefix: str, within: Path | None = None) -> Path:
    """Make a new private folder in `within`, or where temporary files go. Raises `OSError`.

    Folders with the same prefix are removed if their process has ended.
    """
    parent = within or Path(tempfile.gettempdir())
    for folder in parent.glob(f"{prefix}*-*"):
        owner = folder.name.removeprefix(prefix).split("-")[0]
        if owner.isdigit() and not Path(f"/proc/{owner}").exists() and Path("/proc/self").exists():
            shutil.rmtree(folder, ignore_errors=True)
    return Path(tempfile.mkdtemp(prefix=f"{prefix}{os.getpid()}-", dir=parent))
