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
from hil.lifetime.child import run
from hil.lifetime.folder import TemporaryFolder

SUITE = "trixie"
FETCH_SECONDS = 900.0
"""Deadline of fetching and unpacking."""
_KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
_TAR = "packages.tar"
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
def fetch(names: Sequence[str]) -> Iterator[Packages]:
    """Fetch the named packages and their dependencies; they are in a temporary folder meanwhile.

    Raises:
        BuildError: mmdebstrap or its keyring is missing, or the packages cannot be fetched.
        SetupError: There is no room for temporary files.
    """
    if shutil.which("mmdebstrap") is None or not _KEYRING.exists():
        raise BuildError(
            "an image of Debian's packages cannot be built on this machine;"
            " install mmdebstrap debian-archive-keyring"
        )
    # Nothing is run for this variant, so no root is needed; and no mount, which a kill would leave, is made.
    mode = "--mode=chrootless"
    patience = ['--aptopt=Acquire::Retries "2"', '--aptopt=Acquire::http::Timeout "30"']
    wanted = ["--variant=extract", "--architectures=arm64", f"--include={','.join(names)}", SUITE, _TAR]
    with TemporaryFolder("packages") as folder:
        folder.chmod(0o711)  # for apt, which downloads as a user of its own
        _run(["mmdebstrap", mode, *patience, *wanted], folder)
        with tarfile.open(folder / _TAR) as tar:
            yield Packages(tar)


def _run(command: Sequence[str], folder: Path) -> None:
    try:
        done = run(command, FETCH_SECONDS, cwd=folder, env={**os.environ, "TMPDIR": str(folder)})
        errors = [line for line in done.output.splitlines() if line.startswith("E: ")]
        why = (errors or ["no reason given"])[0].removeprefix("E: ") if done.status else ""
    except subprocess.TimeoutExpired:
        why = f"it takes more than {FETCH_SECONDS:g} s"
    if why:
        advice = "check this machine's network and its debian-archive-keyring"
        raise BuildError(f"Debian's packages cannot be fetched: {why}; {advice}")
