"""Remove the figures that an earlier report left in a folder, and no other file.

Beside the folder `figures` the file `.figures` lists what reports wrote there, a name a line. A file that it
does not name belongs to somebody else.
"""

import re
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from reds.files import write_atomically

_NAME = re.compile(r"[a-z0-9-]{1,100}\.(svg|png)", re.ASCII)
_MOST_BYTES = 1 << 20
"""Most bytes of a list that are read."""


@contextmanager
def only_files(folder: Path, names: Collection[str]) -> Iterator[None]:
    """Let a block write these files; then remove those that the list names and the block did not write.

    A run that is killed leaves a list of all that it may have written, so the next one removes it.

    Args:
        folder: The folder of the figures.
        names: Names of the files that the block writes.
    """
    old = _listed(folder)
    _list(folder, old | set(names))
    yield
    for name in old - set(names):
        (folder / name).unlink(missing_ok=True)
    _list(folder, set(names))


def _listed(folder: Path) -> set[str]:
    try:
        with _path(folder).open("rb") as file:
            lines = file.read(_MOST_BYTES).decode(errors="replace").splitlines()
    except FileNotFoundError:
        return set()
    return {line for line in lines if _NAME.fullmatch(line)}


def _list(folder: Path, names: Collection[str]) -> None:
    write_atomically(_path(folder), "".join(f"{name}\n" for name in sorted(names)).encode())


def _path(folder: Path) -> Path:
    return folder.with_name(f".{folder.name}")
