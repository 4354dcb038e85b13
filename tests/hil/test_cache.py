"""Test that the cache never gives out a damaged file, and says what to do where it cannot be written."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from hil import cache
from hil.emulators import cortex_m4
from hil.errors import BuildError
from hil.firmware import build
from hil.lifetime.folder import PREFIX
from reds.files import atomic_file
from tests.hil.support.raising import raises


@pytest.fixture
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "home"))
    return cache.cache_dir()


@pytest.fixture(scope="session")
def nano_agent() -> Path:
    return build.agent(build.EMULATED)


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def folder(path: Path) -> None:
    path.unlink()
    path.mkdir()
    (path / "file").touch()


def pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


DAMAGES: dict[str, Callable[[Path], object]] = {
    "emptied": lambda path: os.truncate(path, 0),
    "truncated": lambda path: os.truncate(path, path.stat().st_size // 2),
    "flipped": flip,
    "other content": lambda path: path.write_bytes(b"other"),
    "missing": Path.unlink,
    "a folder": folder,
    "a pipe": pipe,
    "a link to nothing": lambda path: (path.unlink(), path.symlink_to("nothing")),
}


@pytest.mark.parametrize("suffix", ["", ".sha256"])
@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_file_does_not_count_and_is_written_again(
    empty_cache: Path, damage: str, suffix: str
) -> None:
    path = empty_cache / "of-a-build" / "agent"
    cache.keep(path, b"bytes", 0o755)
    assert cache.whole(path, executable=True)
    DAMAGES[damage](path.with_name(f"{path.name}{suffix}"))
    assert not cache.whole(path)
    cache.keep(path, b"bytes", 0o755)
    assert cache.whole(path, executable=True)
    assert len(list(path.parent.iterdir())) == 2


def test_a_program_without_its_permission_does_not_count(empty_cache: Path) -> None:
    path = empty_cache / "agent"
    cache.keep(path, b"bytes", 0o755)
    path.chmod(0o644)
    assert cache.whole(path)
    assert not cache.whole(path, executable=True)


def test_a_file_in_the_way_of_a_folder_is_replaced(empty_cache: Path) -> None:
    cache.keep(empty_cache / "of-a-build", b"no folder")
    cache.keep(empty_cache / "of-a-build" / "agent", b"bytes")
    assert cache.whole(empty_cache / "of-a-build" / "agent")


def test_a_cache_that_is_a_file_raises(empty_cache: Path) -> None:
    empty_cache.parent.mkdir()
    empty_cache.touch()
    with raises(BuildError):
        cache.keep(empty_cache / "agent", b"bytes")


def test_a_read_only_cache_that_is_whole_is_used(posix_agent: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path, *_: object) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(cache, "atomic_file", refuse)
    assert build.agent(build.DESKTOP) == posix_agent
    with raises(BuildError):
        cache.keep(posix_agent, b"")


def test_a_user_without_a_home_raises(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.delenv("HOME", raising=False)
    monkeypatch.setattr(os, "getuid", lambda: 4_000_000_000)  # as in a container that runs as any number
    with raises(BuildError):
        cache.cache_dir()


@pytest.mark.qemu("qemu-system-arm", "arm-none-eabi-gcc")
@pytest.mark.parametrize("damage", ["emptied", "a pipe"])
def test_a_damaged_cycle_counter_is_built_again(nano_agent: Path, empty_cache: Path, damage: str) -> None:
    cortex_m4.start(nano_agent).stop()
    (counter,) = empty_cache.glob("counter-*.so")
    DAMAGES[damage](counter)
    with cortex_m4.start(nano_agent) as emulator:
        assert emulator.pid
    assert cache.whole(counter)


def test_what_killed_runs_left_is_swept_and_the_rest_stays(
    empty_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cache.tempfile, "tempdir", str(tmp_path))
    dead = [
        empty_cache / f"{PREFIX}image-a" / "lock",
        empty_cache / "arm64-a" / "pi.snapshot.12.partial",
        empty_cache / "data" / "archive.tar.gz.ab12.partial",
        tmp_path / f"{PREFIX}build-a" / "lock",
    ]
    for path in dead:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    cache.keep(empty_cache / "agent", b"bytes")
    with atomic_file(empty_cache / "written") as file:
        cache.sweep()
        file.write(b"now")
    assert not any(path.exists() for path in dead)
    assert cache.whole(empty_cache / "agent")
    assert (empty_cache / "written").read_bytes() == b"now"


DROPPED = "-dac_override,-dac_read_search"
"""Capabilities of root without which permissions hold for root too."""


def test_a_cache_of_another_user_raises_or_is_used(tmp_path: Path) -> None:
    """A closed folder stands for another user's, which needs root to make."""
    code = """
from hil import cache
from hil.errors import BuildError
path = cache.cache_dir() / "of-a-build" / "agent"
cache.sweep()
print(cache.whole(path))
try:
    cache.keep(path, b"bytes")
except BuildError as error:
    print(error)
"""
    as_user = ("setpriv", f"--bounding-set={DROPPED}", f"--inh-caps={DROPPED}") if os.geteuid() == 0 else ()

    def printed() -> list[str]:
        command = [*as_user, sys.executable, "-c", code]
        environment = {**os.environ, "XDG_CACHE_HOME": str(tmp_path)}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        return done.stdout.splitlines()

    assert printed() == ["False"]
    assert printed() == ["True"]
    for mode, is_whole in ((0o555, "True"), (0o000, "False")):
        (tmp_path / "reds-hil" / "of-a-build").chmod(mode)
        whole, sentence = printed()
        assert whole == is_whole
        assert "of-a-build: Permission denied; " in sentence
    (tmp_path / "reds-hil" / "of-a-build").chmod(0o755)
