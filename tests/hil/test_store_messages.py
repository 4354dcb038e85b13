"""Test the wording of errors of the store. All other tests match types and attributes."""

from collections.abc import Callable
from pathlib import Path

import pytest

from hil.errors import HilError
from hil.results.store import find_run, open_store


def store_of(content: bytes) -> Callable[[Path], object]:
    """Return what opens a store with this content."""

    def open_it(path: Path) -> object:
        path.write_bytes(content)
        return open_store(str(path))

    return open_it


def store_that_is_a_folder(path: Path) -> None:
    path.mkdir()
    open_store(str(path))


def run_of_an_empty_store(name: str) -> Callable[[Path], object]:
    """Return what looks for a run in an empty store."""

    def find(path: Path) -> object:
        with open_store(str(path)) as store:
            return find_run(store, name)

    return find


ANOTHER = "name another with --store, or keep none with --store none"


@pytest.mark.parametrize(
    ("fail", "message"),
    [
        (
            store_of(b"text " * 200),
            f"{{0}}: cannot be used: file is not a database; move the file away, or {ANOTHER}",
        ),
        (store_that_is_a_folder, f"{{0}}: cannot be used: Is a directory; {ANOTHER}"),
        (run_of_an_empty_store("last"), "{0}: no run last; it keeps none yet; pytest hil keeps each"),
        (
            run_of_an_empty_store("a.jsonl"),
            "{0}: no run begins with 'a.jsonl'; hil results import keeps that of a file",
        ),
        (
            lambda path: open_store(str(path), new=False),
            f"{{0}}: no run is kept there yet; pytest hil keeps each, or {ANOTHER}",
        ),
        (
            run_of_an_empty_store("2026"),
            "{0}: no run begins with '2026'; hil results list shows those that are kept",
        ),
        (
            lambda path: open_store("mysql://me:secret@h/runs"),
            "--store: a database of mysql is no store;"
            " write postgresql+psycopg://USER@HOST/DATABASE, or a file",
        ),
        (
            lambda path: open_store("postgresql://me:secret@127.0.0.1:1/runs"),
            "postgresql+psycopg://me@127.0.0.1:1/runs: cannot be used: connection failed: "
            'connection to server at "127.0.0.1", port 1 failed: Connection refused; '
            f"check the URL and that the server runs, or {ANOTHER}",
        ),
    ],
)
def test_message_of_a_store_that_cannot_be_used(
    fail: Callable[[Path], object], message: str, tmp_path: Path
) -> None:
    with pytest.raises(HilError) as caught:
        fail(tmp_path / "a.sqlite")
    assert str(caught.value) == message.format(tmp_path / "a.sqlite")
