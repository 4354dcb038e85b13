"""A file is there whole, or as it was; two writers never share a partial one, and dead writers leave none."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from reds import files
from reds.files import PARTIAL, atomic_file, remove_partial_files, write_atomically


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


def test_two_writers_of_one_process_do_not_share_a_partial_file(tmp_path: Path) -> None:
    path = tmp_path / "a.reds"
    with atomic_file(path) as ours:
        ours.write(b"ours")
        write_atomically(path, b"theirs")
        assert path.read_bytes() == b"theirs"
    assert path.read_bytes() == b"ours"
    assert list(tmp_path.iterdir()) == [path]


def test_bytes_reach_the_disk_before_the_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    order = []

    def fsync(file: int) -> None:
        order.append(os.readlink(f"/proc/self/fd/{file}"))

    monkeypatch.setattr(files.os, "fsync", fsync)
    write_atomically(tmp_path / "a.reds", b"bytes")
    assert order[0].endswith(PARTIAL)
    assert order[1:] == [str(tmp_path)]


def test_the_next_writer_removes_what_a_killed_one_left(tmp_path: Path) -> None:
    code = f"""
import signal
from pathlib import Path
from reds.files import atomic_file
with atomic_file(Path({str(tmp_path)!r}) / "a.reds") as file:
    print(flush=True)
    signal.pause()
"""
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as writer:
        assert writer.stdout is not None
        writer.stdout.readline()
        write_atomically(tmp_path / "a.reds", b"beside a living writer")
        assert len(list(tmp_path.glob(f"*{PARTIAL}"))) == 1
        writer.send_signal(signal.SIGKILL)
    (tmp_path / f"b.reds.12{PARTIAL}").touch()
    write_atomically(tmp_path / "a.reds", b"bytes")
    assert {path.name for path in tmp_path.iterdir()} == {"a.reds", f"b.reds.12{PARTIAL}"}


def test_partial_files_of_other_users_and_other_kinds_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [f"{kind}{PARTIAL}" for kind in ("file", "folder", "link", "pipe")]
    file, folder, link, pipe = (tmp_path / name for name in names)
    file.touch()
    folder.mkdir()
    link.symlink_to("nowhere")
    os.mkfifo(pipe)
    with monkeypatch.context() as stranger:
        stranger.setattr(os, "geteuid", lambda: 12345)
        remove_partial_files(tmp_path.iterdir())
    assert file.exists()
    remove_partial_files(tmp_path.iterdir())
    assert {path.name for path in tmp_path.iterdir()} == {folder.name, link.name, pipe.name}


def test_a_partial_file_swept_before_it_is_locked_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flock = files.fcntl.flock

    def swept_before(file: int, how: int) -> None:
        monkeypatch.setattr(files.fcntl, "flock", flock)
        remove_partial_files(tmp_path.iterdir())
        flock(file, how)

    monkeypatch.setattr(files.fcntl, "flock", swept_before)
    write_atomically(tmp_path / "a.reds", b"bytes")
    assert (tmp_path / "a.reds").read_bytes() == b"bytes"


@pytest.mark.parametrize("linked", [False, True])
def test_a_device_is_written_to_and_not_replaced(tmp_path: Path, linked: bool) -> None:
    """As root, a rename onto /dev/null would replace it for the whole machine: a terminal stands for it."""
    master, slave = os.openpty()
    path = Path(os.ttyname(slave))
    if linked:
        (tmp_path / "link").symlink_to(path)
        path = tmp_path / "link"
    write_atomically(path, b"bytes")
    assert os.read(master, 100) == b"bytes"
    assert path.is_char_device()
    os.close(master)
    os.close(slave)


def test_a_pipe_that_nobody_reads_is_an_error_and_no_wait(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="pipe"):
        write_atomically(tmp_path / "pipe", b"bytes")
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    write_atomically(tmp_path / "pipe", b"bytes")
    assert os.read(reader, 100) == b"bytes"
    os.close(reader)
