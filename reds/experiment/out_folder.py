"""Keep results apart: one command at a time writes into a folder, and no recipe overwrites another's pack."""

import errno
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from reds.errors import RecipeError
from reds.files import ensure_writable
from reds.reading import parse_json, read_regular


@contextmanager
def only_writer(folder: Path) -> Iterator[None]:
    """Make a folder, and keep other commands from writing into it until the block or the process ends.

    A file system without locks keeps nobody out. Of several processes of one training the first one writes.

    Raises:
        OSError: The folder cannot be written, or another command writes into it, which the text names.
    """
    ensure_writable(folder)
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        try:
            fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)  # the kernel frees it with the process
        except BlockingIOError:
            problem = f"{_holder(opened)} writes into it: wait for its end, or name another --out"
            raise BlockingIOError(errno.EWOULDBLOCK, problem, str(folder)) from None
        except OSError:
            pass
        yield
    finally:
        os.close(opened)


def refuse_other_recipe(target: Path, sha256: str) -> None:
    """Refuse to overwrite a pack whose card names another recipe than the one with this sha256.

    Raises:
        RecipeError: The card beside the pack `target` is of another recipe, or of none.
    """
    try:
        card = parse_json(read_regular(target.with_suffix(".json")))
    except (OSError, ValueError):  # no card, or half of one: no result of a recipe is there
        return
    recipe = card.get("recipe") if isinstance(card, dict) else None
    kept = str(recipe.get("sha256")) if isinstance(recipe, dict) else ""
    if kept != sha256 and target.exists():
        of = f"of another recipe (sha256 {kept[:8]}, this one's is {sha256[:8]})" if kept else "of no recipe"
        raise RecipeError(
            f"{target}: is there already and {of}: name another --out, change the `name`, or overwrite it"
            " with --force"
        )


def _holder(folder: int) -> str:
    """Name the process that holds the lock on an open folder, as far as the system tells."""
    with suppress(OSError, ValueError, IndexError):
        inode = str(os.fstat(folder).st_ino)
        for line in Path("/proc/locks").read_text().splitlines():
            _, kind, _, _, process, place, *_ = line.split()
            if kind == "FLOCK" and place.rpartition(":")[2] == inode:
                words = Path(f"/proc/{process}/cmdline").read_bytes().decode(errors="replace").split("\0")
                return f"process {process} ({' '.join(words).strip()})"
    return "another command"
