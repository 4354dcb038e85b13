"""Test that GNU cpio unpacks archives as they were written."""

import stat
import subprocess
import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from hil.emulators.cpio import Archive

NAMES = st.text("abc.-_ é", min_size=1, max_size=9).filter(lambda name: name.strip(".- ") != "")
FILES = st.dictionaries(NAMES, st.tuples(st.binary(max_size=70), st.sampled_from([0o600, 0o644, 0o755])))
FOLDERS = st.dictionaries(NAMES, st.tuples(st.sampled_from([0o700, 0o755, 0o1777]), FILES), max_size=4)


def cpio(archive: bytes, folder: Path, *options: str) -> str:
    command = ["cpio", "--quiet", "--no-absolute-filenames", *options]
    done = subprocess.run(command, input=archive, cwd=folder, capture_output=True, check=True)
    assert done.stderr == b""
    return done.stdout.decode()


@settings(max_examples=30)
@given(FOLDERS, st.dictionaries(NAMES, NAMES, max_size=3))
def test_packed_files_are_unpacked_unchanged(
    folders: dict[str, tuple[int, dict[str, tuple[bytes, int]]]], links: dict[str, str]
) -> None:
    archive = Archive()
    for name, (mode, files) in folders.items():
        for file, (data, file_mode) in files.items():
            archive.file(f"/top/{name}/{file}", data, file_mode)
        archive.folder(f"top/{name}", mode)
    for name, to in links.items():
        archive.link(f"links/{name}", to)
    with tempfile.TemporaryDirectory() as there:
        cpio(archive.packed(), Path(there), "-i")
        for name, (mode, files) in folders.items():
            folder = Path(there) / "top" / name
            assert stat.S_IMODE(folder.stat().st_mode) == mode
            assert {path.name for path in folder.iterdir()} == files.keys()
            for file, (data, file_mode) in files.items():
                assert (folder / file).read_bytes() == data
                assert stat.S_IMODE((folder / file).stat().st_mode) == file_mode
        assert {name: str((Path(there) / "links" / name).readlink()) for name in links} == links


def test_everything_belongs_to_root_and_devices_have_their_numbers(tmp_path: Path) -> None:
    archive = Archive()
    archive.device("dev/console", 5, 1)
    archive.file("etc/key", b"secret", 0o600)
    rows = {row.split()[-1]: row.split() for row in cpio(archive.packed(), tmp_path, "-itvn").splitlines()}
    assert list(rows) == ["dev", "dev/console", "etc", "etc/key"]
    assert rows["dev/console"][0] == "crw-------"
    assert rows["dev/console"][4:6] == ["5,", "1"]
    assert rows["etc/key"][0] == "-rw-------"
    assert {tuple(row[2:4]) for row in rows.values()} == {("0", "0")}


def test_order_of_adding_changes_nothing_and_a_later_file_wins() -> None:
    first, second = Archive(), Archive()
    first.file("a/b", b"1")
    first.link("c", "a")
    second.link("c", "a")
    second.file("a/b", b"0")
    second.file("a/b", b"1")
    assert first.packed() == second.packed()
