"""Test the summary of a run, from files that real runs keep."""

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner
from markdown_it import MarkdownIt

from hil.cli import main
from hil.errors import ResultsError
from hil.firmware import build
from hil.results import file
from hil.results.measurement import INFRASTRUCTURE_ERRORS, Measurement
from hil.results.summary import cases, render
from tests.hil.support import AGENTS
from tests.hil.support.raising import raises
from tests.hil.support.suite_run import Run
from tests.support.odd_files import ODD_FILES

Summary = Callable[..., subprocess.CompletedProcess[str]]
FILES = ("--results=a.jsonl", "--junitxml=a.xml", "--samples=7")


@pytest.fixture
def summary(tmp_path: Path) -> Summary:
    def run() -> subprocess.CompletedProcess[str]:
        command = [
            sys.executable,
            "-c",
            "from hil.cli import main; main()",
            "summary",
            "--title=Night",
            "a.jsonl",
            "a.xml",
        ]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

    return run


def test_failures_come_before_boards_and_figures(
    hil: Run, summary: Summary, small_pack: Path, tmp_path: Path
) -> None:
    wrong = build.agent("desktop", AGENTS / "wrong.c")
    rows = [
        ("nano-left", "nano33ble", 'port = "/dev/ttyNOWHERE"'),
        ("desk", "desktop", f'agent = "{wrong}"'),
        ("mute", "desktop", 'agent = "/bin/true"'),
    ]
    (tmp_path / "b.toml").write_text(
        "".join(f'[[board]]\nname = "{n}"\ntarget = "{t}"\n{more}\n' for n, t, more in rows)
    )
    hil("--boards=b.toml", "--pack", small_pack, *FILES)
    done = summary()
    assert (done.returncode, done.stderr) == (0, "")
    parts = done.stdout.split("\n\n")
    assert re.fullmatch(r"# Night: \d+ failed, 1 error, \d+ passed, \d+ skipped", parts[0])
    assert parts[1] == "## Failures"
    failures = parts[2].splitlines()
    assert len(failures) == int(parts[0].split()[2]) + 1
    conformance = r"^- `test_outputs_equal_the_reference\[desk-hardware-50%\]`: .*: 50%: 256 of 256"
    assert re.search(conformance, parts[2], re.MULTILINE)
    assert "- `test_accuracy[mute-hardware-50%]`: failed on setup with" in parts[2]
    assert parts[3] == "## What ran on what"
    ran = parts[4].splitlines()
    assert ran[0] == "| target | board | ran on | why |"
    assert ran[4].startswith(
        "| nano33ble | nano-left | absent | nano-left: port /dev/ttyNOWHERE does not exist"
    )
    assert ran[2] == "| desktop | desk | hardware |  |"
    says = "| desktop | mute | hardware, quarantined | mute: quarantined for this run: agent true ended"
    assert ran[3].startswith(says)
    assert parts[5] == "## Figures"
    figures = [line.split(" | ") for line in parts[6].splitlines()]
    assert [line[1:3] for line in figures[2:]] == [["desk", "50%"], ["desk", "100%"]]
    assert {len(line) for line in figures} == {len(figures[0])}


@pytest.mark.qemu("qemu-system-arm")
@pytest.mark.cross("arm-none-eabi-gcc")
def test_emulated_figures_in_place_of_hardware_get_a_warning(
    hil: Run, summary: Summary, small_pack: Path, boards_toml: Callable[..., Path]
) -> None:
    boards = boards_toml("nano33ble", port="/dev/ttyNOWHERE")
    hil("--boards", boards, "--missing=emulate", "--pack", small_pack, *FILES)
    loud = "> [!WARNING]\n> **No hardware answered for board: these figures are of EMULATORS.**\n"
    assert loud in summary().stdout
    hil("--boards", boards, "--emulate", "--pack", small_pack, *FILES)
    said = summary().stdout
    assert "WARNING" not in said
    assert "| nano33ble | board | emulated |  |" in said


def test_text_of_users_is_escaped(hil: Run, summary: Summary, small_pack: Path, tmp_path: Path) -> None:
    (tmp_path / "b.toml").write_text('[[board]]\nname = "a|b[/lab] <img>"\ntarget = "desktop"\n')
    done = hil("--boards=b.toml", "--pack", small_pack, *FILES)
    assert done.returncode == 0
    assert "a|b[/lab] <img>" in done.stdout.partition("= reds-hil =")[2]
    assert "| desktop | a\\|b\\[/lab\\] &lt;img&gt; | hardware |  |" in summary().stdout


def test_run_of_infrastructure_errors_only_has_measured_nothing(summary: Summary, tmp_path: Path) -> None:
    lost = ("desktop", "desk", "hardware", "p", "0", "all", INFRASTRUCTURE_ERRORS, "count", 2.0, ())
    file.write(tmp_path / "a.jsonl", [Measurement(*lost).plain()])
    done = summary()
    assert (done.returncode, done.stdout) == (1, "# Night: NOTHING WAS MEASURED\n")


def test_a_results_file_alone_has_tests_limits_and_the_numbers_of_figures(
    hil: Run, small_pack: Path, tmp_path: Path
) -> None:
    board = '[[board]]\nname = "board"\ntarget = "desktop"\n'
    limits = 'latency_us = { "100%" = 0.001, "50%" = 1e6 }\n'
    (tmp_path / "b.toml").write_text(board + limits)
    hil("--boards=b.toml", "--pack", small_pack, *FILES)
    done = CliRunner().invoke(main, ["summary", str(tmp_path / "a.jsonl")])
    assert done.exit_code == 0, done.output
    assert re.match(r"# Bench: \d+ failed, \d+ passed", done.stdout)
    assert "- `test_latency[board-hardware-100%]`: " in done.stdout
    assert "| desktop | board | hardware |  |" in done.stdout
    table = done.stdout.partition("## Limits\n\n")[2].splitlines()
    first, second = (line.split(" | ") for line in table[2:4])
    assert (first[:4], first[6:]) == (
        ["| board hardware", "100%", "latency", "us"],
        ["at most 0.001", "FAILED |"],
    )
    assert re.fullmatch(r"[\d,.]+ to [\d,.]+", first[5])
    assert second[-1] == "ok |"
    assert done.stdout.count("<details><summary>") >= 2
    assert "<details><summary>Latency of each subnet</summary>" in done.stdout
    assert "p95 (95 %)" in done.stdout
    MarkdownIt("commonmark").enable("table").parse(done.stdout)


def test_missing_or_invalid_files_fail(summary: Summary, tmp_path: Path) -> None:
    done = summary()
    assert (done.returncode, done.stdout) == (1, "# Night: NOTHING WAS MEASURED\n")
    (tmp_path / "a.jsonl").write_text("{")
    assert "Error: a.jsonl: line 1 is no measurement: " in summary().stderr
    (tmp_path / "a.jsonl").write_text("")
    (tmp_path / "a.xml").write_text("<testsuite>")
    assert "Error: a.xml: not a JUnit file: " in summary().stderr


CASE = '<testcase name="{}"><properties>{}</properties><failure message="{}"/></testcase>'


def junit(folder: Path, text: str) -> Path:
    path = folder / "a.xml"
    path.write_text(f"<testsuite>{text}</testsuite>", encoding="utf-8")
    return path


def of_board(**properties: str) -> str:
    return "".join(f"<property name='{name}' value='{value}'/>" for name, value in properties.items())


@pytest.mark.parametrize(
    "properties",
    [{}, {"board": "a"}, {"target": "t"}, {"board": "a", "target": "t"}, {"no hardware": "a"}, {"": ""},
     {"board": "a", "no hardware": "x"}, {"provenance": "x"}],
)  # fmt: skip
def test_tests_of_others_are_counted_and_name_no_board(properties: dict[str, str], tmp_path: Path) -> None:
    text = render("T", [], cases(junit(tmp_path, CASE.format("n", of_board(**properties), "m"))))
    assert text == "# T: NOTHING WAS MEASURED, 1 failed\n\n## Failures\n\n- `n`: m\n"


HOSTILE = "a`b|c\u202e[x](http://e) &lt;img&gt; ${2} *d* \u009b31m&#10;&#10;# head"


def test_text_of_a_junit_file_is_no_markup(tmp_path: Path) -> None:
    facts = of_board(target="t", board=HOSTILE, absent=HOSTILE)
    text = render(
        HOSTILE.replace("&#10;", "\n"), [], cases(junit(tmp_path, CASE.format(HOSTILE, facts, HOSTILE)))
    )
    assert all(line.isprintable() for line in text.splitlines())
    tokens = MarkdownIt("commonmark").enable("table").parse(text)
    assert [token.type for token in tokens].count("heading_open") == 3
    inside = {child.type for token in tokens for child in token.children or []}
    assert inside <= {"text", "text_special", "code_inline"}


@pytest.mark.parametrize(
    "content",
    [b"", b"<", b"<a>", b"\xff", b"<?xml version='1.0' encoding='none'?><a/>", b"<a>\x01</a>", b"\0",
     b"<?xml version='1.0' encoding='utf-16'?><a/>", b"<!DOCTYPE a [<!ENTITY b SYSTEM 'file:///etc/passwd'>]><a>&b;</a>"],
)  # fmt: skip
def test_a_file_that_is_no_junit_is_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "a.xml"
    path.write_bytes(content)
    with raises(ResultsError, file=path) as caught:
        cases(path)
    assert str(caught.value).isprintable()


def test_entities_that_grow_without_bound_are_refused(tmp_path: Path) -> None:
    levels = "".join(f'<!ENTITY a{i} "{f"&a{i - 1};" * 10}">' for i in range(1, 12))
    path = tmp_path / "a.xml"
    path.write_text(f'<!DOCTYPE a [<!ENTITY a0 "x">{levels}]><a>&a11;</a>')
    with raises(ResultsError, file=path):
        cases(path)


@pytest.mark.parametrize("name", [name for name in ODD_FILES if name != "missing"])
def test_a_junit_file_that_is_no_file_is_refused(name: str, tmp_path: Path) -> None:
    path = ODD_FILES[name](tmp_path)
    with raises(ResultsError, file=path):
        cases(path)


def test_recovered_board_is_noted_beside_its_provenance(
    hil: Run, summary: Summary, small_pack: Path, posix_agent: Path, tmp_path: Path
) -> None:
    agent = tmp_path / "agent.sh"
    agent.write_text(f"#!/bin/sh\nmkdir {tmp_path}/started 2>/dev/null || exec {posix_agent}\n")
    agent.chmod(0o755)
    (tmp_path / "b.toml").write_text('[[board]]\nname = "desk"\ntarget = "desktop"\nagent = "agent.sh"\n')
    hil("--boards=b.toml", "--pack", small_pack, *FILES)
    parts = summary().stdout.split("\n\n")
    says = "agent agent.sh ended by itself with exit status 0; it works after a restart"
    assert f"| desktop | desk | hardware | desk: {says} |" in parts[2]
    figures = [line.split(" | ")[2] for line in parts[4].splitlines()[2:]]
    assert figures == ["50%", "100%"]
