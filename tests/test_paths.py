"""Every option and argument that names a file: whatever has that name, a command ends in one line."""

from collections.abc import Callable
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

import hil as hil_api
import reds as reds_api
from hil.cli import main as hil
from hil.errors import HilError
from hil.options import read
from hil.results import file
from hil.suite import workload
from hil.suite.board_selection import select_boards
from reds.cli import main as reds
from reds.errors import RedsError
from reds.fixtures import fixtures_dir
from tests.support.odd_files import ODD_FILES

PACK = str(fixtures_dir() / "kws-dnn-s.reds")
THERE = [name for name in ODD_FILES if name != "missing"]
NO_USER = "~nosuchuser/file"
READ: dict[str, tuple[click.Command, list[str]]] = {
    "reds build RECIPE": (reds, ["build", "FILE"]),
    "reds compare RECIPE": (reds, ["compare", "FILE"]),
    "reds inspect PACK": (reds, ["inspect", "FILE"]),
    "reds layout PACK": (reds, ["layout", "FILE", "vnni", "out.reds"]),
    "reds export PACK": (reds, ["export", "FILE", "--tflite"]),
    "hil boards --boards": (hil, ["boards", "--boards=FILE"]),
    "hil latency --boards": (hil, ["latency", "dnn-s", "--boards=FILE"]),
    "hil kernels beside --boards": (hil, ["kernels", "beside", "--boards=FILE"]),
    "hil kernels beside --pack": (hil, ["kernels", "beside", "--pack=FILE"]),
    "hil results import FILE": (hil, ["results", "--store=a.sqlite", "import", "FILE"]),
    "hil summary RESULTS": (hil, ["summary", "FILE", "a.xml"]),
    "hil summary JUNIT": (hil, ["summary", "a.jsonl", "FILE"]),
}
"""Commands that read FILE."""
WRITE: dict[str, tuple[click.Command, list[str]]] = {
    "reds layout OUT": (reds, ["layout", PACK, "vnni", "FILE"]),
    "hil results export --out": (hil, ["results", "--store=a.sqlite", "export", "--out=FILE"]),
    "hil latency --out": (hil, ["latency", "dnn-s", "--board=desktop", "--out=FILE"]),
    "hil kernels order --json": (hil, ["kernels", "order", "--net=dnn-s", "--json=FILE"]),
    "hil kernels order --markdown": (hil, ["kernels", "order", "--net=dnn-s", "--markdown=FILE"]),
}
"""Commands that write FILE, in place of a file that may be there."""
FOLDERS: dict[str, tuple[click.Command, list[str]]] = {
    "reds export --out": (reds, ["export", PACK, "--tflite", "--out=FILE"]),
}
"""Commands that write into the folder FILE."""


def refused(command: click.Command, arguments: list[str], path: str) -> None:
    told = [argument.replace("FILE", path) for argument in arguments]
    done = CliRunner().invoke(command, told)
    assert isinstance(done.exception, SystemExit), done.exception
    assert done.exit_code != 0
    said = done.stderr.splitlines()[-1]
    assert said.startswith("Error: ")
    assert said.isprintable()


@pytest.mark.parametrize("odd", ODD_FILES)
@pytest.mark.parametrize("name", READ)
def test_a_file_that_cannot_be_read_ends_a_command_in_one_line(
    name: str, odd: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    if name.startswith("hil summary") and odd == "missing":
        odd = "folder"  # a missing file is no mistake: the run measured nothing
    refused(*READ[name], str(ODD_FILES[odd](tmp_path)))


@pytest.mark.parametrize("odd", THERE)
@pytest.mark.parametrize("name", WRITE)
def test_a_name_that_cannot_be_written_ends_a_command_in_one_line(
    name: str, odd: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    refused(*WRITE[name], str(ODD_FILES[odd](tmp_path)))


@pytest.mark.parametrize("odd", [odd for odd in THERE if odd != "folder"])
@pytest.mark.parametrize("name", FOLDERS)
def test_a_folder_that_cannot_be_made_ends_a_command_in_one_line(name: str, odd: str, tmp_path: Path) -> None:
    refused(*FOLDERS[name], str(ODD_FILES[odd](tmp_path)))


@pytest.mark.parametrize("name", [*READ, *WRITE, *FOLDERS])
def test_the_home_of_nobody_ends_a_command_in_one_line(name: str) -> None:
    refused(*(READ | WRITE | FOLDERS)[name], NO_USER)


@pytest.mark.parametrize("name", READ)
def test_the_own_home_is_found_in_every_argument(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "mine").write_bytes(b"\xff")
    command, arguments = READ[name]
    done = CliRunner().invoke(command, [argument.replace("FILE", "~/mine") for argument in arguments])
    assert f"{tmp_path}/mine" in done.stderr


class Given:
    """The options of a pytest run."""

    def __init__(self, **options: str) -> None:
        self._options = options

    def getoption(self, name: str, default: object = None, /) -> object:
        return self._options.get(name, default)

    def getini(self, name: str) -> object:
        return ""


USES: dict[str, Callable[[Path], object]] = {
    "boards": lambda path: select_boards(read(Given(hil_boards=str(path)), {}), ()),
    "pack": lambda path: workload.load(read(Given(hil_pack=str(path)), {}).pack or Path()),
    "results": lambda path: file.prepare(read(Given(hil_results=str(path)), {}).results or Path()),
}
"""What a run of `pytest hil` does first with each option that names a file."""


@pytest.mark.parametrize("odd", THERE)
@pytest.mark.parametrize("option", USES)
def test_a_file_that_cannot_be_used_ends_a_run_in_one_line(option: str, odd: str, tmp_path: Path) -> None:
    with pytest.raises((HilError, RedsError)) as caught:
        USES[option](ODD_FILES[odd](tmp_path))
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("option", USES)
def test_the_home_of_nobody_ends_a_run_in_one_line(option: str) -> None:
    with pytest.raises(HilError, match=f"{option} is .*nosuchuser") as caught:
        USES[option](Path(NO_USER))
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("option", USES)
def test_the_own_home_is_found_in_every_option(option: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/h")
    settings = read(Given(**{f"hil_{option}": "~/a"}), {})
    assert getattr(settings, option) == Path("/h/a")


@pytest.mark.parametrize("name", WRITE)
def test_a_file_in_a_folder_that_is_not_there_ends_a_command_with_a_remedy(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    command, arguments = WRITE[name]
    path = f"{tmp_path}/none/file"
    done = CliRunner().invoke(command, [argument.replace("FILE", path) for argument in arguments])
    said = done.stderr.splitlines()[-1]
    assert path in said or f"{tmp_path}/none" in said
    assert "name " in said, said


def open_with(boards: str) -> None:
    with hil_api.open_board("desktop", boards=boards):
        pass


CALLS: dict[str, Callable[[str], object]] = {
    "reds.load": reds_api.load,
    "reds.Dataset.read": reds_api.Dataset.read,
    "hil.open_board": open_with,
}
"""Functions for Python programs that read a file."""


@pytest.mark.parametrize("call", CALLS)
def test_functions_for_python_find_the_own_home(
    call: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "mine").write_bytes(b"\xff")
    with pytest.raises((HilError, RedsError)) as caught:
        CALLS[call]("~/mine")
    assert f"{tmp_path}/mine" in str(caught.value)
    assert "No such file" not in str(caught.value)


@pytest.mark.parametrize("name", [NO_USER, "a\0b", "\ud800", ""])
@pytest.mark.parametrize("call", CALLS)
def test_functions_for_python_refuse_a_name_that_no_file_has_in_one_line(call: str, name: str) -> None:
    with pytest.raises((HilError, RedsError)) as caught:
        CALLS[call](name)
    assert str(caught.value).isprintable()
