"""Write the archives that Linux unpacks as its first file system: cpio in its `newc` form.

Nothing here needs root. The format: Documentation/driver-api/early-userspace/buffer-format.rst in the sources
of the Linux kernel.
"""

import stat
from pathlib import PurePosixPath

_MAGIC = b"070701"
_LAST = "TRAILER!!!"


class Archive:
    """Files to pack, with the folders above them; everything belongs to root."""

    def __init__(self) -> None:
        self._entries: dict[str, tuple[int, bytes, tuple[int, int]]] = {}

    def folder(self, path: str, mode: int = 0o755) -> None:
        """Add a folder, or set the mode of one."""
        self._add(path, stat.S_IFDIR | mode)

    def file(self, path: str, data: bytes, mode: int = 0o644) -> None:
        """Add a file; it replaces an earlier one with the same path."""
        self._add(path, stat.S_IFREG | mode, data)

    def link(self, path: str, to: str) -> None:
        """Add a symbolic link."""
        self._add(path, stat.S_IFLNK | 0o777, to.encode())

    def device(self, path: str, major: int, minor: int, mode: int = 0o600) -> None:
        """Add a character device."""
        self._add(path, stat.S_IFCHR | mode, device=(major, minor))

    def packed(self) -> bytes:
        """Return the archive, the same bytes for the same files."""
        entries = {**dict(sorted(self._entries.items())), _LAST: (0, b"", (0, 0))}
        return b"".join(_entry(i, name, *what) for i, (name, what) in enumerate(entries.items()))

    def _add(self, path: str, mode: int, data: bytes = b"", device: tuple[int, int] = (0, 0)) -> None:
        name = PurePosixPath(path.strip("/"))
        for above in name.parents:
            if above.name:
                self._entries.setdefault(str(above), (stat.S_IFDIR | 0o755, b"", (0, 0)))
        self._entries[str(name)] = (mode, data, device)


def _entry(inode: int, name: str, mode: int, data: bytes, device: tuple[int, int]) -> bytes:
    """Return a header of 13 fields, the name and the data, padded to four bytes each."""
    encoded = name.encode() + b"\0"
    fields = (inode, mode, 0, 0, 1, 0, len(data), 0, 0, *device, len(encoded), 0)
    head = _MAGIC + b"".join(b"%08X" % field for field in fields) + encoded
    return _padded(head) + _padded(data)


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 4)
