"""A file is there whole, or as it was; two writers never share a partial one."""

import os
from pathlib import Path

import pytest

from reds.files import atomic_file, write_atomically


def test_a_file_is_written_and_nothing_else_is_left(tmp_path: Path) -> None:
    write_atomically(tmp_path / "a.reds", b"one")
    write_atomically(tmp_path / "a.reds", b"two")
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"a.reds": b"two"}


def test_a_failed_write_leaves_the_old_file_alone(tmp_path: Path) -> None:
    path = tmp_path / "a.reds"
    path.write_bytes(b"old")

    def fail() -> None:
        with atomic_file(path) as file:
            file.write(b"new")
            file.flush()
            assert path.read_bytes() == b"old"
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"a.reds": b"old"}


def test_two_processes_do_not_share_a_partial_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.reds"
    with atomic_file(path) as ours:
        ours.write(b"ours")
        with monkeypatch.context() as other:
            other.setattr(os, "getpid", lambda: 1)
            write_atomically(path, b"theirs")
        assert path.read_bytes() == b"theirs"
    assert path.read_bytes() == b"ours"
