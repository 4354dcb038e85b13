"""Test the contents of the image of the emulated Pi and Android, and errors of building it."""

import gzip
import io
import json
import lzma
import stat
import subprocess
import tarfile
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from click.testing import CliRunner

from hil.cli import main
from hil.emulators import arm64_image
from hil.emulators.arm64_image import Image
from hil.emulators.debian import Packages
from hil.errors import BuildError
from tests.hil.support.raising import raises
from tests.hil.support.sshd import fingerprint

MODULES = "usr/lib/modules/6.12-cloud-arm64"


@pytest.fixture
def packages() -> Callable[[Mapping[str, bytes]], Packages]:
    """Packages of the given files; one that begins with `->` is a link."""

    def made(files: Mapping[str, bytes]) -> Packages:
        raw = io.BytesIO()
        with tarfile.open(fileobj=raw, mode="w") as tar:
            for path, data in files.items():
                entry = tarfile.TarInfo(f"./{path}")
                if data.startswith(b"->"):
                    entry.type, entry.linkname = tarfile.SYMTYPE, data[2:].decode()
                else:
                    entry.size = len(data)
                tar.addfile(entry, io.BytesIO(data))
        raw.seek(0)
        return Packages(tarfile.open(fileobj=raw))

    return made


Made = Callable[[Mapping[str, bytes]], Packages]


def test_files_are_found_by_pattern_and_links_are_followed(packages: Made) -> None:
    found = packages(
        {"boot/vmlinuz-6.12": b"linux", "usr/bin/sh": b"->../lib/shells/mksh", "usr/lib/shells/mksh": b"m"}
    )
    assert found.read(found.find("boot/vmlinuz-.*")) == b"linux"
    assert found.read("usr/bin/sh") == b"m"
    with raises(BuildError):
        found.read("usr/bin/ksh")
    with raises(BuildError):
        found.find("usr/.*sh")


def test_kernel_module_is_decompressed_or_built_in(packages: Made) -> None:
    found = packages(
        {
            f"{MODULES}/modules.builtin": b"kernel/drivers/virtio/virtio_ring.ko\n",
            f"{MODULES}/kernel/drivers/net/net-failover.ko.xz": lzma.compress(b"module"),
            f"{MODULES}/kernel/drivers/net/virtio_net.ko": b"plain",
        }
    )
    assert found.module("net_failover") == b"module"
    assert found.module("virtio_net") == b"plain"
    assert found.module("virtio_ring") is None
    with raises(BuildError):
        found.module("virtio")


def test_versions_come_from_changelogs_and_rebuilds_count(packages: Made) -> None:
    found = packages(
        {
            "usr/share/doc/mksh/changelog.Debian.gz": gzip.compress(
                b"mksh (59c-41) unstable; urgency=low\n\n"
            ),
            "usr/share/doc/mksh/changelog.Debian.arm64.gz": gzip.compress(b"mksh (59c-41+b2) trixie; x\n"),
            "usr/share/doc/linux-image/changelog.gz": gzip.compress(
                b"linux-signed-arm64 (6.12.1+1) trixie; x\n"
            ),
            "usr/share/doc/other/changelog.gz": gzip.compress(b"Version 3\n"),
            "usr/share/doc/mksh-static": b"->mksh",
        }
    )
    assert found.versions() == {"linux-image": "6.12.1+1", "mksh": "59c-41+b2", "mksh-static": "59c-41+b2"}


def listed(system: str) -> dict[str, str]:
    """Return the modes of a system's files by path, as GNU cpio prints them."""
    data = arm64_image.image().system(system).read_bytes()
    done = subprocess.run(["cpio", "-itv", "--quiet"], input=data, capture_output=True, check=True)
    rows = (row.split() for row in done.stdout.decode().splitlines())
    return {row[8]: row[0] for row in rows}


def test_pi_has_an_sshd_and_keys_of_its_own() -> None:
    image, files = arm64_image.image(), listed("pi")
    assert {"usr/sbin/sshd", "usr/lib/openssh/sftp-server", "sbin/busybox", "init"} <= files.keys()
    assert files["etc/ssh/host_key"] == "-rw-------"
    assert not [path for path in files if "adbd" in path or "user_key" in path]
    assert stat.S_IMODE(image.folder.stat().st_mode) == 0o700
    assert stat.S_IMODE(image.key.stat().st_mode) == 0o600
    assert fingerprint(image.key).startswith("SHA256:")
    assert fingerprint(image.key) != image.host_key


def test_android_has_an_adbd_and_no_key() -> None:
    files = listed("android")
    assert {"system/bin/adbd", "system/bin/sh", "system/bin/toybox", "system/build.prop"} <= files.keys()
    assert not [path for path in files if "ssh" in path]


def test_manifest_lists_the_versions_of_the_packages() -> None:
    manifest = json.loads((arm64_image.image().folder / "manifest.json").read_text())
    assert manifest["suite"] == "trixie"
    assert {"adbd", "busybox-static", "libc6", "mksh", "openssh-server", "toybox"} <= manifest[
        "packages"
    ].keys()
    assert all(version[0].isdigit() for version in manifest["packages"].values())


@pytest.fixture(scope="session")
def image() -> Image:
    return arm64_image.image()


@pytest.fixture
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "reds-hil"


def test_missing_tools_raise_with_the_packages_to_install(
    empty_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    with raises(BuildError):
        arm64_image.image()
    assert list(empty_cache.iterdir()) == []


def test_missing_network_raises_and_leaves_nothing_behind(
    empty_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    run = CliRunner().invoke(main, ["image"])
    says = run.stderr
    assert (run.exit_code, run.stdout) == (1, "")
    assert says.count("\n") == 1
    assert says.startswith("Error: Debian's packages cannot be fetched: Failed to fetch ")
    assert says.endswith("; check this machine's network and its debian-archive-keyring\n")
    assert list(empty_cache.iterdir()) == []


def test_cache_that_is_not_a_folder_raises_with_its_path(empty_cache: Path) -> None:
    empty_cache.touch()
    with raises(BuildError):
        arm64_image.image()


@pytest.mark.parametrize("name", ["vmlinuz", "user_key", "host_key.pub", "pi.cpio"])
def test_a_damaged_image_is_not_used(
    image: Image, empty_cache: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    copied = empty_cache / image.folder.name
    copied.mkdir(parents=True)
    for file in image.folder.iterdir():
        (copied / file.name).symlink_to(file)
    assert arm64_image.image().folder == copied
    (copied / name).unlink()
    (copied / name).touch()
    monkeypatch.setenv("PATH", "")
    with raises(BuildError):
        arm64_image.image()
    assert list(empty_cache.iterdir()) == [copied]
