"""Start a board over SSH: a real sshd on 127.0.0.1, run by the user of the tests.

The home of its user is a folder of the test, so that a test sees what is left behind.
"""

import os
import random
import select
import shutil
import signal
import socket
import subprocess
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Self

import pytest

from hil.boards.entry import Entry
from hil.lifetime.child import Child
from hil.transports.host import Host

LISTENING_SECONDS = 10.0
GONE_SECONDS = 10.0
ASKED = ("agent", "core", "governor", "max_celsius", "cool_down")
PASSED_ON = ("PATH", "LANG")


def keygen(path: Path) -> Path:
    """Make a private key without a passphrase."""
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(path)], check=True)
    return path


def fingerprint(key: Path) -> str:
    """Return the fingerprint of a key, as ssh-keygen prints it."""
    done = subprocess.run(["ssh-keygen", "-lf", str(key)], capture_output=True, text=True, check=True)
    return done.stdout.split()[1]


def script(path: Path, body: str) -> Path:
    """Write an executable shell script."""
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return path


def free_port() -> int:
    """Find a port below those that outgoing connections get, which another test could be given meanwhile."""
    while True:
        port = random.randrange(20_000, 32_768)
        with socket.socket() as found, suppress(OSError):
            found.bind(("127.0.0.1", port))
            return port


class Sshd:
    """A board over SSH.

    Args:
        folder: Folder of the test.
        login: Shell script in place of the user's login shell and its scripts; "$1" is the command to run.
        programs: Shell scripts that replace programs of the board.
        within: Command that runs sshd, such as `unshare -m`.
        config: Further lines of its sshd_config.
    """

    def __init__(
        self,
        folder: Path,
        login: str = "",
        programs: Mapping[str, str] | None = None,
        within: tuple[str, ...] = (),
        config: str = "",
    ) -> None:
        program = shutil.which("sshd", path="/usr/sbin:/usr/local/sbin:" + os.environ["PATH"])
        if program is None:
            pytest.fail("no sshd on this machine: install openssh-server")
        if os.geteuid() == 0:
            Path("/run/sshd").mkdir(
                mode=0o755, exist_ok=True
            )  # root's sshd wants it, as Debian's service makes it
        self.home = folder / "home"
        self.home.mkdir(exist_ok=True)
        for name, body in (programs or {}).items():
            script(folder / "bin" / name, body)
        forced = f'ForceCommand {script(folder / "login", login)} "$SSH_ORIGINAL_COMMAND"' if login else ""
        self.port = free_port()
        self.key, self.host_key = keygen(folder / "id"), keygen(folder / "host")
        shutil.copy(folder / "id.pub", folder / "authorized_keys")
        lines = f"""
            ListenAddress 127.0.0.1
            Port {self.port}
            HostKey {self.host_key}
            AuthorizedKeysFile {folder}/authorized_keys
            StrictModes no
            UsePAM no
            PidFile none
            PasswordAuthentication no
            SetEnv HOME={self.home} PATH={folder}/bin:/usr/local/bin:/usr/bin:/bin
            {forced}
            {config}
        """
        (folder / "sshd_config").write_text(lines)
        command = [*within, program, "-D", "-e", "-f", str(folder / "sshd_config")]
        environment = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
        self._process = Child(command, stderr=subprocess.PIPE, env=environment)
        self.pid = self._process.pid
        self.log: list[str] = []
        self._ready = threading.Event()
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    def __enter__(self) -> Self:
        if not self._ready.wait(LISTENING_SECONDS) or self._process.poll() is not None:
            self.__exit__()
            pytest.fail("sshd does not start: " + "".join(self.log))
        return self

    def __exit__(self, *error: object) -> None:
        self._process.kill()
        self._process.wait()
        for pid in self.running():  # a test has failed
            os.kill(pid, signal.SIGKILL)

    def entry(self, **changed: object) -> Entry:
        """Return the board's entry."""
        asked = {key: changed.pop(key) for key in ASKED if key in changed}
        plain = {"port": self.port, "key": self.key, "host_key": fingerprint(self.host_key)}
        host = Host("127.0.0.1", **{**plain, **changed})  # type: ignore[arg-type]
        return Entry("pi-1", "pi", host=host, **asked)  # type: ignore[arg-type]

    def keys(self) -> dict[str, object]:
        """Return the board's keys for a boards file."""
        entry = self.entry()
        assert entry.host is not None
        host = entry.host
        return {"host": host.name, "port": host.port, "key": str(host.key), "host_key": host.host_key}

    def running(self) -> list[int]:
        """Return the processes whose command line names a file in the board's home, such as the agent."""
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                if str(self.home).encode() in (folder / "cmdline").read_bytes():
                    found.append(int(folder.name))
        return found

    def agent(self) -> int:
        """Return the process of the one agent."""
        (pid,) = self.running()
        return pid

    def stored(self) -> list[Path]:
        """Return the files in the folder of agents."""
        return sorted((self.home / ".cache" / "reds-hil").glob("*"))

    def _listen(self) -> None:
        assert self._process.stderr is not None
        for line in self._process.stderr:
            self.log.append(line.decode())
            if b"Server listening" in line:
                self._ready.set()
        self._ready.set()


def wait_gone(pids: list[int]) -> bool:
    """Return whether all these processes end in time."""
    for pid in pids:
        try:
            handle = os.pidfd_open(pid)
        except ProcessLookupError:
            continue
        try:
            if not select.select([handle], [], [], GONE_SECONDS)[0]:
                return False
        finally:
            os.close(handle)
    return True


def parent(pid: int) -> int:
    """Return the parent of a process."""
    (line,) = [row for row in Path(f"/proc/{pid}/status").read_text().splitlines() if row.startswith("PPid:")]
    return int(line.split()[1])


def mounting(*mounts: str) -> tuple[str, ...]:
    """Return a command prefix that makes these mounts visible to one process only, root or not."""
    me = os.geteuid(), os.getegid()
    back = "" if me[0] == 0 else f"unshare -U --map-user={me[0]} --map-group={me[1]} "
    script = " && ".join([*mounts, f'exec {back}"$@"'])
    within = ("unshare", "-m" if me[0] == 0 else "-rm", "sh", "-c", script, "sh")
    done = subprocess.run([*within, "true"], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"no file system may be mounted here: {done.stderr.strip()}")
    return within


Start = Callable[..., Sshd]
