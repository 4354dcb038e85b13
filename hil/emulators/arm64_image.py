"""Build the image of the emulated Pi and Android: a kernel, and a file system each, of Debian's packages.

`hil image` builds it ahead of time; a run that finds no image builds it too. The
image lies in the cache under the hash of its sources: this file, the two modules it uses, and the files in
`arm64_files`.
"""

import base64
import hashlib
import json
import os
import shutil
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from hil.cache import cache_dir, keep, unwritable, whole
from hil.emulators import cpio, debian
from hil.lifetime.folder import TemporaryFolder

_HERE = Path(__file__).parent
_PACKAGES = (
    *("linux-image-cloud-arm64", "busybox-static"),
    *("openssh-server", "openssh-sftp-server"),
    *("adbd", "mksh", "toybox"),
)
_MODULES = ("failover", "net_failover", "virtio_ring", "virtio", "virtio_mmio", "virtio_net")
"""Modules of the kernel that the network card needs, in the order of loading."""
_OPENSSH = "usr/lib/openssh"
_PROGRAMS: Mapping[str, Mapping[str, str]] = {
    "pi": {
        "usr/sbin/sshd": "usr/sbin/sshd",
        f"{_OPENSSH}/sshd-session": f"{_OPENSSH}/sshd-session",
        f"{_OPENSSH}/sshd-auth": f"{_OPENSSH}/sshd-auth",
        f"{_OPENSSH}/sftp-server": f"{_OPENSSH}/sftp-server",
    },
    "android": {
        "usr/lib/android-sdk/platform-tools/adbd": "system/bin/adbd",
        "usr/bin/mksh": "system/bin/sh",
        "usr/bin/toybox": "system/bin/toybox",
    },
}
"""Programs of the packages for each system, and their paths there; libraries keep their paths."""
_LINKS = {"pi": {"lib": "usr/lib"}, "android": {"lib": "usr/lib", "bin": "system/bin"}}
_NAMES = ("vmlinuz", "user_key", "host_key.pub", *(f"{name}.cpio" for name in _PROGRAMS))
"""Files of an image that a run uses."""
_PREFIX = "arm64-"
_KEPT_DAYS = 7
"""Days since the last use after which an image is removed."""
_LOADER = "usr/lib/ld-linux-aarch64.so.1"


@dataclass(frozen=True)
class Image:
    """A folder of the cache with the kernel and the file systems."""

    folder: Path

    @property
    def kernel(self) -> Path:
        """Return the kernel, the same for every system."""
        return self.folder / "vmlinuz"

    def system(self, name: str) -> Path:
        """Return the file system of `pi` or `android`."""
        return self.folder / f"{name}.cpio"

    @property
    def key(self) -> Path:
        """Return the private key that the pi accepts, made for this image."""
        return self.folder / "user_key"

    @property
    def host_key(self) -> str:
        """Return the fingerprint of the pi's host key, as boards.toml has it."""
        blob = base64.b64decode((self.folder / "host_key.pub").read_bytes().split()[1])
        return "SHA256:" + base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=")


def image() -> Image:
    """Return the image of these sources, built unless the cache has it. Raises `BuildError`."""
    made = Image(cache_dir() / f"{_PREFIX}{_version()}")
    if not _whole(made.folder):
        _make(made.folder)
        _forget(made.folder.parent)
    with suppress(OSError):  # the cache may belong to another user
        os.utime(made.folder)
    return made


def _forget(cache: Path) -> None:
    """Remove unused images of other sources: each takes 250 MB."""
    for folder in cache.glob(f"{_PREFIX}*"):
        if time.time() - folder.stat().st_mtime > _KEPT_DAYS * 86_400:
            shutil.rmtree(folder, ignore_errors=True)


def _version() -> str:
    """Return a hash of all sources of an image in 16 hex digits."""
    digest = hashlib.sha256()
    files = (path for path in _files().rglob("*") if path.is_file())
    for path in sorted([Path(__file__), Path(cpio.__file__), Path(debian.__file__), *files]):
        data = path.read_bytes()
        digest.update(f"{path.relative_to(_HERE)}\0{len(data)}\0".encode() + data)
    return digest.hexdigest()[:16]


def _files() -> Path:
    return _HERE / "arm64_files"


def _whole(folder: Path) -> bool:
    return all(whole(folder / name) for name in _NAMES)


def _make(folder: Path) -> None:
    """Build the image's folder, atomically; a damaged one is replaced, one that another run built stays."""
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        remedy = "set XDG_CACHE_HOME to a folder of yours"
        with TemporaryFolder("image", folder.parent, remedy) as temporary:
            with debian.fetch(_PACKAGES) as packages:
                _fill(temporary / "image", packages)
            if not _whole(folder):
                if folder.exists():
                    folder.rename(temporary / "damaged")
                (temporary / "image").rename(folder)
    except OSError as error:
        raise unwritable(folder.parent, error) from error


def _fill(folder: Path, packages: debian.Packages) -> None:
    folder.mkdir(0o700)
    image = Image(folder)
    keep(image.kernel, packages.read(packages.find(r"boot/vmlinuz-.*")))
    (user, user_public), (host, host_public) = _key_pair(), _key_pair()
    keys = {"etc/ssh/host_key": (host, 0o600), "etc/ssh/authorized_keys": (user_public, 0o644)}
    for name in _PROGRAMS:
        keep(image.system(name), _system(name, packages, keys if name == "pi" else {}))
    keep(image.key, user, 0o600)
    keep(folder / "host_key.pub", host_public)
    manifest = {"suite": debian.SUITE, "packages": packages.versions()}
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n")


def _system(name: str, packages: debian.Packages, keys: Mapping[str, tuple[bytes, int]]) -> bytes:
    """Return the file system of a system; `keys` maps paths to files and their modes."""
    archive = cpio.Archive()
    for folder in ("dev", "proc", "sys", "tmp", "run", "root", "home", "data", "modules", "etc"):
        archive.folder(folder)
    archive.device("dev/console", 5, 1)
    archive.device("dev/null", 1, 3, 0o666)
    archive.file("sbin/busybox", packages.read("usr/bin/busybox"), 0o755)
    for i, module in enumerate(_MODULES):
        if (data := packages.module(module)) is not None:
            archive.file(f"modules/{i}-{module}.ko", data)
    archive.file(_LOADER, packages.read(_LOADER), 0o755)
    for there, here in _PROGRAMS[name].items():
        program = packages.read(there)
        archive.file(here, program, 0o755)
        for path, library in packages.libraries(program).items():
            archive.file(path, library, 0o755)
    for path, to in _LINKS[name].items():
        archive.link(path, to)
    for tree in (_files() / "base", _files() / name):
        for file in (path for path in tree.rglob("*") if path.is_file()):
            data = file.read_bytes()
            archive.file(str(file.relative_to(tree)), data, 0o755 if data.startswith(b"#!") else 0o644)
    for path, (data, mode) in keys.items():
        archive.file(path, data, mode)
    return archive.packed()


def _key_pair() -> tuple[bytes, bytes]:
    """Return a new private SSH key and its public key, in OpenSSH's format."""
    from cryptography.hazmat.primitives import serialization as as_
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(as_.Encoding.PEM, as_.PrivateFormat.OpenSSH, as_.NoEncryption())
    return private, key.public_key().public_bytes(as_.Encoding.OpenSSH, as_.PublicFormat.OpenSSH)
