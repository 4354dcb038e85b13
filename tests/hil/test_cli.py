"""The command `hil`: help for someone with a board in one hand, errors in one line."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from hil.cli import main
from hil.protocol import definition
from hil.results.store import open_store
from reds.commands import EXTRAS
from tests.hil.support.runs import NANO, figure, outcome, run_at

USERS = [
    *("baseline", "boards", "costs", "doctor", "image", "kernels"),
    *("latency", "load", "predict", "profile", "release", "replay", "report", "results"),
    *("serial", "summary", "update"),
]


def run(*words: object) -> Result:
    return CliRunner().invoke(main, list(map(str, words)))


def in_process_without(packages: tuple[str, ...], *words: object) -> subprocess.CompletedProcess[str]:
    """Run the command where some packages are not installed."""
    code = f"import sys; sys.modules.update(dict.fromkeys({packages!r}))\n"
    code += "from hil.cli import main; main(prog_name='hil')"
    command = [sys.executable, "-c", code, *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_help_lists_the_commands_of_users_each_in_one_whole_line() -> None:
    text = run("--help").output
    listed = text.partition("Commands:\n")[2].splitlines()
    assert [line.split()[0] for line in listed] == USERS
    assert not any("..." in line for line in listed)
    for name in USERS:
        assert run(name, "--help").exit_code == 0


def test_commands_for_developers_work_and_are_hidden() -> None:
    assert " dev" not in run("--help").output
    assert run("dev", "protocol-header").output == definition.c_header()


def test_boards_are_listed_with_the_reason_why_one_is_absent(tmp_path: Path) -> None:
    file = tmp_path / "boards.toml"
    rows = [("left", "nano33ble", 'port = "/dev/ttyNOWHERE"'), ("desk", "desktop", "")]
    file.write_text("".join(f'[[board]]\nname = "{n}"\ntarget = "{t}"\n{more}\n' for n, t, more in rows))
    result = run("boards", "--boards", file)
    assert result.exit_code == 0, result.output
    lines = [" ".join(line.split()) for line in result.output.splitlines()]
    assert lines[1].startswith("left nano33ble absent: port /dev/ttyNOWHERE does not exist")
    assert lines[1].endswith("; --emulate uses its emulator")
    assert lines[2] == "desk desktop here"


@pytest.mark.parametrize(
    "words",
    [
        ["boards", "--boards", "none.toml"],
        ["latency", "dnn-x"],
        ["latency", "dnn-s", "--board", "nowhere"],
        ["profile", "none.reds"],
        ["profile", __file__],
        ["summary", __file__, __file__],
        ["update", "none.reds"],
        ["update", __file__],
        ["kernels", "beside", "--pack", "none.reds"],
        ["kernels", "order", "--net", "dnn-s", "--json", "/nowhere/out.json"],
    ],
)
def test_error_is_one_line_and_exit_status_1(words: list[str]) -> None:
    result = run(*words)
    assert result.exit_code == 1
    assert isinstance(result.exception, SystemExit)
    assert result.stderr.startswith("Error: ")
    assert result.stderr.count("\n") == 1


def test_help_needs_no_extra_and_a_command_names_the_one_it_needs() -> None:
    packages = tuple(EXTRAS)
    assert in_process_without(packages, "--help").returncode == 0
    done = in_process_without(packages, "boards")
    assert (done.returncode, done.stdout.count("\n")) == (1, 0)
    assert done.stderr.count("\n") == 1
    assert "pip install 'reds-hil[hil]'" in done.stderr


def test_damaged_package_stops_only_the_commands_that_use_it() -> None:
    done = in_process_without(("numpy", "torch", *EXTRAS), "doctor")
    assert (done.returncode, done.stderr) == (1, "")
    assert "numpy is damaged" in done.stdout
    assert "pip install 'reds-hil[hil]'" in done.stdout
    assert "make: " in done.stdout


@pytest.mark.parametrize("package", ["cobs", "serial", "paramiko", "adb_shell"])
def test_bench_without_the_extra_is_one_line_that_names_it(package: str, tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(f"import sys; sys.modules['{package}'] = None")
    plain = {k: v for k, v in os.environ.items() if not k.startswith(("HIL_", "PYTEST_"))}
    path = f"{tmp_path}:{os.environ.get('PYTHONPATH', '')}"
    for words in (["--pyargs", "hil"], ["test_mine.py"]):
        (tmp_path / "test_mine.py").write_text("def test_mine(board): pass")
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q", "--target=desktop", *words],
            cwd=tmp_path,
            env={**plain, "PYTHONPATH": path},
            capture_output=True,
            text=True,
            check=False,
        )
        said = done.stdout + done.stderr
        if package == "cobs" or words[-1] == "hil":
            assert done.returncode != 0
            assert f"{package} is missing: a board needs `pip install 'reds-hil[hil]'`" in said
        assert "Traceback" not in said
        assert "import_module" not in said


def test_output_that_nobody_reads_on_ends_in_silence(tmp_path: Path) -> None:
    with open_store(str(tmp_path / "a.sqlite")) as store:
        writer = store.begin(run_at(1))
        writer.test_ended(outcome(NANO, "t"), NANO, [figure(NANO, f"{i}%", 1.0) for i in range(3000)])
    command = [
        sys.executable,
        "-c",
        "from hil.cli import main; main()",
        "results",
        f"--store={tmp_path / 'a.sqlite'}",
        "export",
    ]
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writing)
    assert (done.returncode, done.stderr) == (1, "")


def test_a_full_disk_behind_the_output_is_one_line_with_a_remedy() -> None:
    with open("/dev/full", "w", encoding="utf-8") as full:
        command = [sys.executable, "-c", "from hil.cli import main; main()", "dev", "protocol-header"]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "make room there" in done.stderr
