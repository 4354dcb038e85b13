"""Fetch Debian's packages for 64-bit Arm, unpacked and never installed: programs for the emulated boards.

mmdebstrap and apt fetch the packages and check their signatures. Neither a mirror nor a version is named,
because archives remove old versions.
"""

import gzip
import io
import lzma
import os
import re
import shutil
import subprocess
import tarfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from hil.errors import BuildError

SUITE = "trixie"
FETCH_SECONDS = 900.0
"""Deadline of fetching and unpacking."""
_KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
_TIMED_OUT = 124
"""Exit status of `timeout` after it has ended a command."""
_LIBRARIES = ("usr/lib/aarch64-linux-gnu", "usr/lib/aarch64-linux-gnu/android", "usr/lib")
_CHANGELOG = re.compile(r"\./usr/share/doc/([^/]+)/changelog(?:\.Debian)?(?:\.arm64)?\.gz")
_VERSION = re.compile(rb"^\S+ \(([^)]+)\) ")


class Packages:
    """The files of some packages, by their paths without the leading slash."""

    def __init__(self, tar: tarfile.TarFile) -> None:
        self._tar = tar
        self._names = tar.getnames()

    def read(self, path: str) -> bytes:
        """Read a file, or the target of a link. Raises `BuildError` if it is missing."""
        try:
            file = self._tar.extractfile(f"./{path}")
        except KeyError:
            file = None
        if file is None:
            moved = f"Debian's {SUITE} has no /{path} any more"
            raise BuildError(f"{moved}; correct the paths in hil/emulators/arm64_image.py")
        return file.read()

    def find(self, pattern: str) -> str:
        """Return the one path that a regular expression matches in full. Raises `BuildError`."""
        found = [name[2:] for name in self._names if re.fullmatch(pattern, name[2:])]
        if len(found) != 1:
            several = f"Debian's {SUITE} has {len(found)} files like /{pattern}, not one"
            raise BuildError(f"{several}; correct the paths in hil/emulators/arm64_image.py")
        return found[0]

    def module(self, name: str) -> bytes | None:
        """Return a module of the kernel, decompressed; None if it is built in. Raises `BuildError`."""
        spelt = name.replace("_", "[_-]")
        built_in = self.read(self.find(r"usr/lib/modules/[^/]+/modules\.builtin")).decode()
        if re.search(rf"/{spelt}\.ko$", built_in, re.MULTILINE):
            return None
        path = self.find(rf"usr/lib/modules/.*/{spelt}\.ko(\.xz)?")
        data = self.read(path)
        return lzma.decompress(data) if path.endswith(".xz") else data

    def libraries(self, program: bytes) -> dict[str, bytes]:
        """Return all shared libraries that a program needs, by their paths."""
        from elftools.elf.dynamic import DynamicSection
        from elftools.elf.elffile import ELFFile

        found: dict[str, bytes] = {}
        ahead = [program]
        while ahead:
            elf = ELFFile(io.BytesIO(ahead.pop()))
            tables = (s for s in elf.iter_sections() if isinstance(s, DynamicSection))
            for tag in (tag for table in tables for tag in table.iter_tags("DT_NEEDED")):
                path = self._library(tag.needed)  # type: ignore[attr-defined]  # set for tags of this kind
                if path not in found:
                    found[path] = self.read(path)
                    ahead.append(found[path])
        return found

    def versions(self) -> dict[str, str]:
        """Return the version of each package, from its changelog."""
        found = {}
        for name in sorted(self._names, key=len):  # the changelog of a rebuild is longer and comes last
            if match := _CHANGELOG.fullmatch(name):
                first = gzip.decompress(self.read(name[2:])).partition(b"\n")[0]
                if version := _VERSION.match(first):
                    found[match[1]] = version[1].decode()
        for member in self._tar.getmembers():  # packages of one source may share a changelog
            if member.issym() and member.name.startswith("./usr/share/doc/") and member.linkname in found:
                found[member.name.rpartition("/")[2]] = found[member.linkname]
        return dict(sorted(found.items()))

    def _library(self, name: str) -> str:
        there = (f"{folder}/{name}" for folder in _LIBRARIES)
        path = next((path for path in there if f"./{path}" in self._names), None)
        if path is None:
            lacks = f"Debian's {SUITE} has no library {name} in the packages of the image"
            raise BuildError(f"{lacks}; add its package in hil/emulators/arm64_image.py")
        return path


@contextmanager
def fetch(names: Sequence[str], folder: Path) -> Iterator[Packages]:
    """Fetch the named packages and their dependencies; they are in a file of `folder` meanwhile.

    Raises:
        BuildError: mmdebstrap or its keyring is missing, or the packages cannot be fetched.
    """
    if shutil.which("mmdebstrap") is None or not _KEYRING.exists():
        raise BuildError(
            "an image of Debian's packages cannot be built on this machine;"
            " install mmdebstrap debian-archive-keyring"
        )
    path = folder / "packages.tar"
    # Nothing is run or mounted for this variant: root is not needed, and a chroot neither.
    mode = ["--mode=chrootless"] if os.geteuid() else []
    patience = ['--aptopt=Acquire::Retries "2"', '--aptopt=Acquire::http::Timeout "30"']
    wanted = ["--variant=extract", "--architectures=arm64", f"--include={','.join(names)}", SUITE, str(path)]
    command = ["timeout", f"{FETCH_SECONDS:g}", "mmdebstrap", *mode, *patience, *wanted]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode:
        errors = [line for line in done.stderr.splitlines() if line.startswith("E: ")]
        late = f"it takes more than {FETCH_SECONDS:g} s" if done.returncode == _TIMED_OUT else ""
        why = late or (errors or ["no reason given"])[0].removeprefix("E: ")
        advice = "check this machine's network and its debian-archive-keyring"
        raise BuildError(f"Debian's packages cannot be fetched: {why}; {advice}")
    with tarfile.open(path) as tar:
        yield Packages(tar)
