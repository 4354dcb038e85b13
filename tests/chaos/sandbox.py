"""Run commands in a folder with its own cache, temporary files and home, so that leftovers are exact."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.chaos.leftovers import MARK, tree, unmount, wait_gone

ROOT = Path(__file__).resolve().parents[2]
GONE_SECONDS = 2.0
"""Time in which all processes of a run end after the run was killed."""
_PATIENCE = 15.0
"""Seconds after which processes that live on are killed: each is a violation long before."""
_COUNTED = re.compile(r"^(?:=+ )?(\d+ \w+.*) in [\d.]+s", re.MULTILINE)
"""Pytest's last line."""


@dataclass(frozen=True)
class Ended:
    """How a command ended.

    Attributes:
        status: Exit status, negative for a signal; None if it was ended at its limit.
        text: Standard output and standard error.
        seconds: How long it ran.
    """

    status: int | None
    text: str
    seconds: float

    @property
    def counts(self) -> dict[str, int]:
        """Return pytest's numbers of tests by outcome, empty if it printed none."""
        last = _COUNTED.findall(self.text)[-1:]
        found = [each for line in last for each in re.findall(r"(\d+) ([a-z]+)", line)]
        return {word.rstrip("s"): int(n) for n, word in found if not word.startswith("warning")}


class Running:
    """A command that runs in a sandbox."""

    def __init__(self, process: "subprocess.Popen[bytes]", output: Path) -> None:
        self.process, self._output, self._begun = process, output, time.monotonic()

    def wait(self, most: float) -> Ended | None:
        """Return how the command ended; None if it still runs after `most` seconds."""
        try:
            status = self.process.wait(most)
        except subprocess.TimeoutExpired:
            return None
        return Ended(status, self._text(), time.monotonic() - self._begun)

    def kill(self) -> Ended:
        """End the command's process now, and return what it printed."""
        self.process.kill()
        self.process.wait()
        return Ended(None, self._text(), time.monotonic() - self._begun)

    def _text(self) -> str:
        return self._output.read_text(errors="replace")


class Sandbox:
    """A folder in which commands run as if for a user of their own.

    Attributes:
        folder: Holds all others.
        work: The current folder of the commands.
        cache: Their XDG_CACHE_HOME.
        temp: Their TMPDIR.
        home: Their HOME.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.work, self.cache, self.temp, self.home = (folder / n for n in ("work", "cache", "temp", "home"))
        for each in (self.work, self.cache, self.temp, self.home):
            each.mkdir(parents=True, exist_ok=True)

    @property
    def environment(self) -> dict[str, str]:
        """Return the environment of the commands."""
        plain = {k: v for k, v in os.environ.items() if not k.startswith(("HIL_", "PYTEST_", "REDS_"))}
        plain |= {"XDG_CACHE_HOME": str(self.cache), "TMPDIR": str(self.temp), "HOME": str(self.home)}
        plain |= {"XDG_DATA_HOME": str(self.home / "data")}  # the store of runs
        path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
        return plain | {MARK: str(self.folder), "PYTHONPATH": path, "REDS_DATA": str(self.work / "data")}

    def start(self, command: Sequence[str]) -> Running:
        """Start a command in a session of its own, with the usual effect of all signals."""
        output = self.folder / "output.txt"
        with output.open("wb") as file:
            process = subprocess.Popen(
                ["env", "--default-signal", *command],
                cwd=self.work,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        return Running(process, output)

    def run(self, command: Sequence[str], most: float) -> Ended:
        """Run a command to its end, at most `most` seconds; nothing of it lives afterwards."""
        running = self.start(command)
        try:
            return running.wait(most) or running.kill()
        finally:
            wait_gone(self.folder, 0 if running.process.returncode == -signal.SIGKILL else GONE_SECONDS)

    def gone(self) -> tuple[float, tuple[str, ...]]:
        """Return the seconds until all processes of the run have ended, and what is wrong then."""
        seconds, killed = wait_gone(self.folder, _PATIENCE)
        mounted = unmount(self.folder)
        if seconds <= GONE_SECONDS:
            return seconds, mounted
        names = "; ".join(sorted(set(killed.values()))) or "all had ended then"
        return seconds, (f"processes lived on for {seconds:.1f} s: {names}", *mounted)

    def files(self) -> set[str]:
        """Return the paths of all files but the captured output."""
        return tree(self.folder) - {"output.txt"}


def python(*arguments: str) -> list[str]:
    """Return the command line of this Python."""
    return [sys.executable, *arguments]
