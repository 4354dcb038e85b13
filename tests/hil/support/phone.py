"""A board over ADB: the scripted peer as a process, and a real adb server, on 127.0.0.1 only.

What the board stores lies in a folder of the test, so that what is left behind can be looked for.
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
from hil.transports.adb.server import Server
from hil.transports.deadline import Deadline
from hil.transports.host import Host
from hil.transports.process import die_with_parent
from tests.hil.support.sshd import LISTENING_SECONDS, free_port, script

ROOT = Path(__file__).parents[3]


class Phone:
    """The board. `options` are the peer's; `programs` and `within` as an `Sshd` has them."""

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
        self._process = subprocess.Popen(
            [*within, sys.executable, "-m", "tests.hil.support.adbpeer", str(self.home), *map(str, options)],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
            env={"PATH": path},
            preexec_fn=die_with_parent(),
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
        """Pull the cable. Twice is harmless."""
        self._process.kill()
        self._process.wait()

    def entry(self, **changed: Any) -> Entry:
        """The board as boards.toml would have it, on the network."""
        host = Host("127.0.0.1", self.port, key=changed.pop("key", None))
        return Entry("phone", "android", host=host, **changed)

    def running(self) -> list[int]:
        """Processes there with a file of that folder as their program or in their command line."""
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                words = (folder / "cmdline").read_bytes()
                if f"{self.home}/".encode() in words and int(folder.name) != os.getpid():
                    found.append(int(folder.name))
        return found

    def agent(self) -> int:
        """The one agent there."""
        (pid,) = self.running()
        return pid

    def stored(self) -> list[Path]:
        """What is in the agents' folder."""
        return sorted((self.home / "reds-hil").glob("*"))


class AdbServer:
    """A real adb server, with a home and a key of its own, and no other program's devices."""

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
            self._process = subprocess.Popen(
                [*self._adb, "nodaemon", "server"],
                env=self._env,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                preexec_fn=die_with_parent(),
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
        self._process.kill()
        self._process.wait()

    def run(self, *words: str, **options: Any) -> subprocess.CompletedProcess[str]:
        """What the adb program does with this server."""
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
        """The serial number of a device at this port, once it is ready."""
        serial = f"127.0.0.1:{port}"
        said = self.run("connect", serial)
        assert said.stdout == f"connected to {serial}\n", said
        return serial


Start = Callable[..., Phone]
Reach = Callable[[Phone], Entry]
