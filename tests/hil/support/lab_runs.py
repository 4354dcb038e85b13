"""Runs that hold a board of a lab until they are told to go on, so that something can happen meanwhile."""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Self

from hil.lifetime.child import Child
from reds import pack
from tests.hil.support.lab import Lab
from tests.hil.support.processes import SECONDS, eventually
from tests.hil.support.suite_run import PLUGINS
from tests.support.nets import dense_model

TEST = """
import os
import time
from pathlib import Path


def test_hold(board, pack):
    board.deploy(pack)
    Path(f"held-{board.name}").touch()
    while not Path("go on").exists():
        board.measure(0, n=2)
        time.sleep(0.02)


def test_after(board, pack):
    board.deploy(pack)
    board.measure(0, n=2)
"""
"""A user's tests. The first one measures until it may go on; the second one says how the board is then."""


class HoldingRun:
    """A run that was started; the `with` block ends it if it has not ended.

    Args:
        lab: The lab.
        folder: A folder of its own.
        words: Further options.
        env: Further variables.
    """

    def __init__(self, lab: Lab, folder: Path, *words: object, env: Mapping[str, str] | None = None) -> None:
        folder.mkdir(parents=True)
        self.folder, self._log = folder, folder / "log"
        pack.save(dense_model([20, 24, 16, 5], [[8, 8, 5], [24, 16, 5]], name="small"), folder / "small.reds")
        (folder / "test_hold.py").write_text(TEST)
        self.results, self.junit = folder / "results.jsonl", folder / "junit.xml"
        options = (f"--lab={lab.address}", "--target=nano33ble", f"--pack={folder / 'small.reds'}")
        kept = (f"--results={self.results}", f"--junitxml={self.junit}")
        command = [sys.executable, "-m", "pytest", *PLUGINS, "test_hold.py", *options, *kept]
        plain = {k: v for k, v in os.environ.items() if not k.startswith(("HIL_", "PYTEST_"))}
        with self._log.open("wb") as log:
            self._process = Child(
                [*command, *map(str, words)],
                cwd=folder,
                env={**plain, "HIL_STORE": "none", **lab.environment, **(env or {})},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._process.end()

    @property
    def text(self) -> str:
        """Return what the run has printed so far."""
        return self._log.read_text(errors="replace")

    @property
    def held(self) -> list[str]:
        """Return the boards that the run has had."""
        return sorted(path.name.removeprefix("held-") for path in self.folder.glob("held-*"))

    @property
    def running(self) -> bool:
        return self._process.poll() is None

    def wait_held(self, seconds: float = SECONDS) -> str:
        """Wait until the run has a board, and return its name."""
        eventually(lambda: self.held or not self.running, seconds)
        assert self.held, self.text
        return self.held[0]

    def wait_said(self, text: str, seconds: float = SECONDS) -> None:
        """Wait until the run has printed a text."""
        assert eventually(lambda: text in self.text or not self.running, seconds)
        assert text in self.text, self.text

    def go_on(self) -> None:
        """Let the run end its first test."""
        (self.folder / "go on").touch()

    def end(self, seconds: float = 2 * SECONDS) -> int:
        """Let the run go on, wait for its end, and return its exit status."""
        self.go_on()
        return self._process.wait(seconds)

    def kill(self) -> None:
        """Kill the process of the run with SIGKILL, and no other process of it."""
        os.kill(self._process.pid, signal.SIGKILL)
        self._process.wait(SECONDS)

    def terminate(self) -> int:
        """Send the run a SIGTERM; return its exit status."""
        os.kill(self._process.pid, signal.SIGTERM)
        return self._process.wait(SECONDS)
