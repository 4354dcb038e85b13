"""A PostgreSQL server of the tests' own: in a temporary folder, on a socket of that folder, not as root."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

import psycopg

START_SECONDS = 60.0
_USER = "hil"


def programs() -> Path | None:
    """Return the folder of the newest server's programs, None if there is none on this machine."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[4]))
    if found:
        return found[-1].parent
    initdb = shutil.which("initdb")
    return Path(initdb).parent if initdb else None


class Postgres:
    """A running server, which ends with the `with` block."""

    def __init__(self, folder: Path) -> None:
        self._programs, self._databases = folder, 0
        self._home = Path(tempfile.mkdtemp(prefix="reds-hil-pg-"))
        self._as = {"user": "postgres"} if os.geteuid() == 0 else {}
        if self._as:
            shutil.chown(self._home, "postgres")

    def __enter__(self) -> Self:
        try:
            how = ["--auth=trust", "--no-sync", "--encoding=UTF8", "--locale=C", f"--username={_USER}"]
            self._run("initdb", "--pgdata=data", *how)
            place = ["-D", "data", "-k", str(self._home), "-h", "", "-c", "fsync=off"]
            with (self._home / "log").open("wb") as log:
                command = [self._programs / "postgres", *place, "-c", "max_connections=40"]
                self._server = subprocess.Popen(
                    command,
                    cwd=self._home,
                    stdout=log,
                    stderr=log,
                    **self._as,  # type: ignore[call-overload]
                )
            self._wait()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with suppress(AttributeError):  # it was not started
            self.stop()
        shutil.rmtree(self._home, ignore_errors=True)

    def stop(self) -> None:
        """End the server at once; whoever is connected loses it."""
        self._server.send_signal(signal.SIGQUIT)
        self._server.wait()

    def database(self) -> str:
        """Make a new database; return its URL."""
        self._databases += 1
        name = f"store{self._databases}"
        with psycopg.connect(self.dsn, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        return f"postgresql+psycopg://{_USER}@/{name}?host={self._home}"

    @property
    def dsn(self) -> str:
        return f"host={self._home} user={_USER} dbname=postgres"

    def _run(self, program: str, *arguments: str) -> None:
        command = [self._programs / program, *arguments]
        subprocess.run(command, cwd=self._home, check=True, capture_output=True, **self._as)  # type: ignore[call-overload]

    def _wait(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                psycopg.connect(self.dsn).close()
                return
            except psycopg.OperationalError:
                if self._server.poll() is not None or time.monotonic() > deadline:
                    raise
            time.sleep(0.05)
