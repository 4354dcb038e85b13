"""A PostgreSQL server of the tests' own: in a temporary folder, on a socket of that folder, not as root."""

import os
import shlex
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Self

import psycopg

from hil.lifetime.last_command import LastCommand

START_SECONDS = 60
_USER = "hil"
GUARDED = "guarded"
"""User who needs a password."""
_ROOT = os.geteuid() == 0


def programs() -> Path | None:
    """Return the folder of the newest server's programs, None if there is none on this machine."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[4]))
    if found:
        return found[-1].parent
    initdb = shutil.which("initdb")
    return Path(initdb).parent if initdb else None


class Postgres:
    """A running server, which ends with the `with` block, or with this process, however that ends.

    Attributes:
        stop_command: Command that ends the server at once, so that whoever is connected loses it.
        start_command: Command that starts it again.
    """

    def __init__(self, folder: Path) -> None:
        self._programs, self._databases, self._guarded = folder, 0, False
        self._home = Path(tempfile.mkdtemp(prefix="reds-hil-pg-"))
        if _ROOT:
            shutil.chown(self._home, "postgres")
        place = f"-k {self._home} -h '' -c fsync=off -c max_connections=40"
        self._control = self._command("pg_ctl", f"--pgdata={self._home / 'data'}", "--silent", "--wait")
        self.stop_command = [*self._control, "--mode=immediate", "stop"]
        self.start_command = [*self._control, f"--timeout={START_SECONDS}", f"--log={self._home / 'log'}"]
        self.start_command += ["--options", place, "start"]
        left = f"{shlex.join(self.stop_command)}; {shlex.join(['rm', '-rf', str(self._home)])}"
        self._last = LastCommand(["/bin/sh", "-c", left], {})

    def __enter__(self) -> Self:
        try:
            how = ["--auth=trust", "--no-sync", "--encoding=UTF8", "--locale=C", f"--username={_USER}"]
            self._run(self._command("initdb", "--pgdata=data", *how))
            access = self._home / "data" / "pg_hba.conf"
            access.write_text(f"local all {GUARDED} scram-sha-256\n{access.read_text()}")
            self.start()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        shutil.rmtree(self._home, ignore_errors=True)
        self._last.forget()

    def start(self) -> None:
        """Start the server, unless it runs."""
        try:
            self._run([*self._control, "status"])
        except subprocess.CalledProcessError:
            self._run(self.start_command)

    def stop(self) -> None:
        """End the server at once; whoever is connected loses it."""
        with suppress(subprocess.CalledProcessError):  # it does not run
            self._run(self.stop_command)

    @contextmanager
    def frozen(self, database: str) -> Iterator[None]:
        """Let the server hang, with what serves this database, as on a machine that is cut off."""
        name = database.partition("?")[0].rpartition("/")[2]
        with psycopg.connect(self.dsn) as admin:
            query = "SELECT pid FROM pg_stat_activity WHERE datname = %s"
            pids = [pid for (pid,) in admin.execute(query, [name])]
        pids.append(int((self._home / "data" / "postmaster.pid").read_text().splitlines()[0]))
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            for pid in pids:
                os.kill(pid, signal.SIGCONT)

    def guarded(self, password: str) -> str:
        """Make a new database for a user who needs this password; return its URL without the password."""
        url = self.database()
        with psycopg.connect(self.dsn, autocommit=True) as connection:
            connection.execute(f"DROP OWNED BY {GUARDED}" if self._guarded else f"CREATE ROLE {GUARDED}")
            connection.execute(f"ALTER ROLE {GUARDED} LOGIN PASSWORD '{password}'")
            connection.execute(f"ALTER DATABASE store{self._databases} OWNER TO {GUARDED}")
        self._guarded = True
        return url.replace(f"{_USER}@", f"{GUARDED}@")

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

    def _command(self, program: str, *arguments: str) -> list[str]:
        user = ["runuser", "--user=postgres", "--"] if _ROOT else []
        return [*user, str(self._programs / program), *arguments]

    def _run(self, command: list[str]) -> None:
        silent = subprocess.DEVNULL  # the server keeps what it inherits, so a pipe would never end
        subprocess.run(command, cwd=self._home, check=True, stdout=silent, stderr=silent)
