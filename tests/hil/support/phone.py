"""Start a board over ADB: the scripted peer as a process, or a real adb server, on 127.0.0.1 only.

The board stores files in a folder of the test, so that a test sees what it leaves behind.
"""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

import pytest

from hil.boards.entry import Entry
from hil.lifetime.child import Child
from hil.transports.adb.server import Server
from hil.transports.deadline import Deadline
from hil.transports.host import Host
from tests.hil.support.sshd import LISTENING_SECONDS, free_port, script

ROOT = Path(__file__).parents[3]


class Phone:
    """A board over ADB. `options` are those of the peer; `programs` and `within` are as for `Sshd`."""

    def __init__(
        self,
        folder: Path,
        *options: object,
        programs: Mapping[str, str] | None = None,
        within: tuple[str, ...] = (),
    ) -> None:
        self.home = folder / "tmp"
        self.home.mkdir(exist_ok=True)
        for name, body in ({"getprop": "true"} | dict(programs or {})).items():
            script(folder / "bin" / name, body)
        path = f"{folder}/bin:/usr/local/bin:/usr/bin:/bin"
        self._process = Child(
            [*within, sys.executable, "-m", "tests.hil.support.adbpeer", str(self.home), *map(str, options)],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            env={"PATH": path},
        )
        assert self._process.stdout is not None
        self.port = int(self._process.stdout.readline())
        self.pid = self._process.pid

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.vanish()
        for pid in self.running():  # a test has failed
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def vanish(self) -> None:
        """Kill the device, as if its cable were pulled; a second call is harmless."""
        self._process.end()

    def entry(self, **changed: Any) -> Entry:
        """Return the board's entry, with its address on the network."""
        host = Host("127.0.0.1", self.port, key=changed.pop("key", None))
        return Entry("phone", "android", host=host, **changed)

    def running(self) -> list[int]:
        """Return the processes whose command line names a file in the board's folder."""
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                words = (folder / "cmdline").read_bytes()
                if f"{self.home}/".encode() in words and int(folder.name) != os.getpid():
                    found.append(int(folder.name))
        return found

    def agent(self) -> int:
        """Return the process of the one agent."""
        (pid,) = self.running()
        return pid

    def stored(self) -> list[Path]:
        """Return the files in the folder of agents."""
        return sorted((self.home / "reds-hil").glob("*"))


class AdbServer:
    """A real adb server with its own home and key, which sees no devices of other programs."""

    def __init__(self, home: Path) -> None:
        program = shutil.which("adb")
        if program is None:
            pytest.fail("no adb on this machine: install adb")
        home.mkdir(exist_ok=True)
        self.port = free_port()
        self.socket = f"tcp:localhost:{self.port}"
        self._adb = [program, "-L", self.socket]
        self._env = {"HOME": str(home), "PATH": os.environ["PATH"]}
        self.log = home / "log"
        self._key = home / ".android" / "adbkey.pub"  # which it makes, before it listens or after
        with self.log.open("wb") as log:
            self._process = Child(
                [*self._adb, "nodaemon", "server"],
                env=self._env,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        self.pid = self._process.pid

    def __enter__(self) -> Self:
        deadline = Deadline.after(LISTENING_SECONDS)
        while not (Server("127.0.0.1", self.port).listens() and self._key.is_file()):
            if deadline.passed or self._process.poll() is not None:
                self.__exit__()
                pytest.fail("adb does not start: " + self.log.read_text())
        return self

    def __exit__(self, *error: object) -> None:
        self._process.end()

    def run(self, *words: str, **options: Any) -> subprocess.CompletedProcess[str]:
        """Run the adb program with this server."""
        return subprocess.run(
            [*self._adb, *words],
            env=self._env,
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
            **options,
        )

    def connect(self, port: int) -> str:
        """Connect the device at this port, and return its serial number."""
        serial = f"127.0.0.1:{port}"
        said = self.run("connect", serial)
        assert said.stdout == f"connected to {serial}\n", said
        return serial


Start = Callable[..., Phone]
Reach = Callable[[Phone], Entry]
