"""Test that a run that is interrupted, in whatever way, closes its board and frees its lease."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from hil.boards import lease, opening
from hil.boards.entry import Entry
from hil.boards.facts import Provenance
from tests.hil.support.ptyboard import PtyBoard, nano_agent
from tests.hil.support.suite_run import (
    PLUGINS,
    BoardsToml,
    run_pytest,
)

STOPS = {
    "interrupt": "raise KeyboardInterrupt",
    "signal": "signal.signal(signal.SIGINT, signal.default_int_handler); os.kill(os.getpid(), signal.SIGINT)",
    "exit": "raise SystemExit(3)",
    "pytest.exit": "pytest.exit('enough')",
    "failure": "assert False",
}


@pytest.mark.parametrize(
    ("stop", "option"), [*((stop, "-q") for stop in STOPS), ("failure", "-x"), ("failure", "--maxfail=1")]
)
def test_run_that_stops_in_any_way_closes_the_board_and_frees_its_lease(
    small_pack: Path, boards_toml: BoardsToml, tmp_path: Path, stop: str, option: str
) -> None:
    text = "import os, pytest, signal\n@pytest.mark.parametrize('n', [1, 2])\ndef test_it(board, n):\n    "
    (tmp_path / "test_mine.py").write_text(text + STOPS[stop])
    with PtyBoard(nano_agent()) as there:
        boards = boards_toml("nano33ble", port=there.port)
        done = run_pytest(tmp_path, "test_mine.py", option, "--boards", boards, "--pack", small_pack)
        assert done.returncode != 0
        with opening.started(
            Entry("left", "nano33ble", port=there.port), Provenance.HARDWARE, wait=0
        ) as board:
            assert board.facts().name == "left"


def test_interrupt_ends_the_wait_for_a_lease(
    small_pack: Path, boards_toml: BoardsToml, tmp_path: Path
) -> None:
    """Python ignores the signal if a shell started it in the background, so the program asks for it."""
    program = "import signal, sys, pytest; signal.signal(signal.SIGINT, signal.default_int_handler); "
    program += "sys.exit(pytest.main(sys.argv[1:]))"
    with PtyBoard(nano_agent()) as there:
        args = [
            "--pyargs",
            "hil",
            "--boards",
            boards_toml("nano33ble", port=there.port),
            "--pack",
            small_pack,
        ]
        with lease.held("other", there.port, 0, print):
            waiting = subprocess.Popen(
                [sys.executable, "-c", program, *map(str, args), *PLUGINS],
                cwd=tmp_path,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            assert waiting.stderr is not None
            while "; waiting up to 300 s" not in waiting.stderr.readline():
                pass
            waiting.send_signal(signal.SIGINT)
            out, _ = waiting.communicate(timeout=60)
        assert waiting.returncode == pytest.ExitCode.INTERRUPTED, out
        with lease.held("other", there.port, 0, print):
            pass
