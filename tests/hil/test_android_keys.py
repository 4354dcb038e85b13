"""Test which hosts a board over ADB accepts: by key, by its user, or through a trusted adb server."""

import stat
from pathlib import Path

import pytest

from hil.boards.entry import Entry
from hil.boards.targets import android
from hil.errors import BoardAbsent, LoginError
from hil.transports.adb.key import make
from reds.pack.model import Model
from tests.hil.support.boards import android_refusal, android_runs
from tests.hil.support.phone import AdbServer, Start


def test_trusted_key_is_accepted(phone: Start, tmp_path: Path, small: Model) -> None:
    make(tmp_path / "key")
    android_runs(phone("--keys", tmp_path / "key.pub").entry(key=tmp_path / "key"), small)


def test_key_of_a_server_is_accepted(phone: Start, adb: AdbServer, small: Model) -> None:
    there = phone("--keys", tmp := Path.home() / ".android" / "adbkey.pub")
    assert tmp.is_file()
    android_runs(Entry("phone", "android", serial=adb.connect(there.port)), small)


@pytest.fixture
def unknown(tmp_path: Path) -> tuple[Path, tuple[object, ...]]:
    """A key, and the options of a phone that knows another key only."""
    for name in ("key", "other"):
        make(tmp_path / name)
    return tmp_path / "key", ("--keys", tmp_path / "other.pub")


def test_key_that_nobody_allows_raises_at_the_deadline(
    phone: Start, unknown: tuple[Path, tuple[object, ...]], hurried: None
) -> None:
    key, keys = unknown
    assert str(key) in android_refusal(phone(*keys).entry(key=key), LoginError, 4).text


def test_unknown_key_is_refused_or_allowed_on_the_device(
    phone: Start, unknown: tuple[Path, tuple[object, ...]], small: Model
) -> None:
    key, keys = unknown
    denied = android_refusal(phone(*keys, "--user", "denies").entry(key=key), LoginError)
    assert str(key) in denied.text
    android_runs(phone(*keys, "--user", "allows").entry(key=key), small)


def test_first_key_is_made_where_adb_would_make_it_and_kept(phone: Start, small: Model) -> None:
    there = phone("--keys", "--user", "allows")
    key = Path.home() / ".android" / "adbkey"
    assert not key.exists()
    android_runs(there.entry(), small)
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    before = key.read_bytes()
    assert sorted(path.name for path in key.parent.iterdir()) == ["adbkey", "adbkey.pub"]
    android_runs(phone("--keys", key.with_suffix(".pub")).entry(), small)
    assert key.read_bytes() == before


def test_no_key_is_made_for_a_device_that_needs_none(phone: Start, small: Model) -> None:
    android_runs(phone().entry(), small)
    assert not (Path.home() / ".android").exists()


def test_file_that_is_not_a_key_is_refused(phone: Start, tmp_path: Path) -> None:
    bad = tmp_path / "bad"
    bad.write_text("no key")
    assert str(bad) in android_refusal(phone("--keys").entry(key=bad), LoginError).text
    (Path.home() / ".android").touch()
    assert "adbkey" in android_refusal(phone("--keys").entry(), LoginError).text


def test_device_that_does_not_trust_its_server_is_absent(phone: Start, adb: AdbServer) -> None:
    there = phone("--keys")
    said = adb.run("connect", f"127.0.0.1:{there.port}")
    assert "failed to authenticate" in said.stdout
    reason = android.absent(Entry("phone", "android"))
    assert reason is not None
    assert "unauthorized" in reason
    assert reason in android_refusal(Entry("phone", "android"), BoardAbsent).text


def test_device_that_wants_to_be_paired_is_refused(phone: Start) -> None:
    assert "paired" in android_refusal(phone("--pairing").entry(), LoginError).text
