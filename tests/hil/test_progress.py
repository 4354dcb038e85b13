"""Slow work is shown: by a bar on a terminal, which moves by itself, elsewhere by lines."""

import os
import subprocess
import sys

import pytest

PLAIN = {name: value for name, value in os.environ.items() if name != "PYTEST_XDIST_WORKER"}
WORK = """
import time
from hil.results.progress import progress
with progress("left[/a]: storing net", {total}, line_seconds={line_seconds}) as advance:
    {step}
    time.sleep({seconds})
"""


def command(total: int | None, seconds: float, line_seconds: float = 9, step: str = "") -> list[str]:
    work = WORK.format(total=total, seconds=seconds, line_seconds=line_seconds, step=step)
    return [sys.executable, "-c", work]


def on_a_terminal(work: list[str]) -> str:
    master, slave = os.openpty()
    subprocess.run(work, stderr=slave, check=True, env={**PLAIN, "TERM": "xterm"})
    shown = os.read(master, 100_000).decode()
    os.close(master)
    os.close(slave)
    return shown


def piped(work: list[str], **more: str) -> str:
    return subprocess.run(work, capture_output=True, text=True, check=True, env={**PLAIN, **more}).stderr


def test_a_bar_shows_what_is_done_at_once() -> None:
    shown = on_a_terminal(command(10, 0, step="advance(4)"))
    assert "left[/a]: storing net" in shown
    assert "40%" in shown


def test_a_bar_moves_without_being_told() -> None:
    assert on_a_terminal(command(None, 0.9)).count("left[/a]: storing net") >= 2


def test_quick_work_writes_no_line_where_there_is_no_terminal() -> None:
    assert piped(command(10, 0, step="advance(4)")) == ""


@pytest.mark.parametrize(
    ("total", "step", "says"),
    [
        (10, "advance(4)", "left[/a]: storing net: 4 of 10, about "),
        (10, "", "left[/a]: storing net: 0 of 10\n"),
        (None, "", "left[/a]: storing net, for 0 s\n"),
    ],
)
def test_slow_work_writes_lines_where_there_is_no_terminal(total: int | None, step: str, says: str) -> None:
    assert says in piped(command(total, 0.5, 0.1, step))


def test_workers_of_xdist_and_a_closed_stderr_show_nothing() -> None:
    assert piped(command(10, 0.3, 0.05), PYTEST_XDIST_WORKER="gw0") == ""
    closed = ["bash", "-c", 'exec "$@" 2>&-', "bash", *command(10, 0.3, 0.05)]
    assert subprocess.run(closed, env=PLAIN, check=False).returncode == 0
