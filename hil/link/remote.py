"""A machine that is reached over SSH: logging in, commands, files.

Every wait has an end: paramiko waits for some answers without one, so the connection is cut when the time
for an operation is up.
"""

import logging
import shlex
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Self

import paramiko

from hil.errors import BuildError, DeadlineError, LinkError, LoginError, SetupError
from hil.link.deadline import Deadline
from hil.link.host import Host, reach
from hil.link.hostkey import Checked, contradicted

LOST = (paramiko.SSHException, EOFError, OSError)
"""What paramiko raises when a connection is gone, among other things."""
LOST_ADVICE = "check its power, memory and network, then run again"
NOTICE_SECONDS = 0.5
"""By when a connection that is gone is known to be."""
_LOG = "reds-hil.ssh"


class Remote:
    """An open connection. Raises `HostKeyError`, `LoginError`, `LinkError` or `DeadlineError`."""

    def __init__(self, host: Host, deadline: Deadline) -> None:
        self.name = str(host)
        self._client = paramiko.SSHClient()
        self._client.set_log_channel(_LOG)
        logging.getLogger(_LOG).setLevel(logging.CRITICAL)  # what it logs is raised here too
        self._client.set_missing_host_key_policy(Checked(host))
        if host.host_key is None:
            self._client.load_system_host_keys()
        sock = reach(host, deadline)
        try:
            with self.within(deadline, "log in"):
                self._log_in(host, sock, deadline)
        except BaseException:
            self.close()
            sock.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection and all that runs over it; twice is harmless."""
        self._client.close()

    def run(self, script: str, doing: str, deadline: Deadline) -> str:
        """What a POSIX shell script prints there. Raises `BuildError` with its complaint if it fails."""
        with self.within(deadline, doing):
            with self.execute(script) as channel:
                channel.shutdown_write()
                out, complaint = channel.makefile("rb").read(), channel.makefile_stderr("rb").read()
                status = channel.recv_exit_status()
            if status < 0:
                raise EOFError("it ended without an exit status")
        if status:
            says = complaint.decode(errors="replace").strip().partition("\n")[0]
            raise BuildError(f"{self.name} cannot {doing}: {says or f'exit status {status}'}")
        return str(out.decode(errors="replace"))

    def put(self, data: bytes, path: str, deadline: Deadline) -> None:
        """Write a file. Raises `BuildError` if the machine refuses it, `SetupError` if it has no SFTP."""
        with self.within(deadline, "store a file"):
            try:
                sftp = paramiko.SFTPClient.from_transport(self._client.get_transport())
            except LOST as error:
                if not self.alive():
                    raise
                raise SetupError(f"{self.name} has no SFTP; install openssh-sftp-server there") from error
            try:
                with sftp.open(path, "wb") as file:
                    file.write(data)
            except OSError as error:
                if sftp.get_channel().closed:
                    raise
                raise BuildError(
                    f"{self.name} cannot store {len(data):,} bytes in {path}: {error}"
                ) from error
            finally:
                sftp.close()

    def execute(self, script: str) -> paramiko.Channel:
        """A shell script that runs there, to be talked to; to be called `within` a deadline."""
        transport = self._client.get_transport()
        if transport is None:
            raise EOFError("it is closed")
        channel = transport.open_session()
        channel.exec_command(f"exec sh -c {shlex.quote(script)}")
        return channel

    def alive(self) -> bool:
        """Whether the connection stands, after the time it takes to notice that it does not."""
        transport = self._client.get_transport()
        if transport is not None:
            transport.join(NOTICE_SECONDS)
        return transport is not None and transport.is_alive()

    def _log_in(self, host: Host, sock: socket.socket, deadline: Deadline) -> None:
        seconds = dict.fromkeys(
            ("timeout", "banner_timeout", "auth_timeout", "channel_timeout"), max(deadline.left, 0.001)
        )
        keys = {"key_filename": str(host.key), "look_for_keys": False} if host.key else {}
        try:
            self._client.connect(host.name, host.port, host.user, sock=sock, **keys, **seconds)
        except paramiko.BadHostKeyException as error:
            raise contradicted(host, error) from error
        except paramiko.PasswordRequiredException as error:
            which = f"the key {host.key}" if host.key else "a key in ~/.ssh"
            raise LoginError(
                f"{self.name}: {which} has a passphrase; give it to ssh-agent: ssh-add"
            ) from error
        except (paramiko.SSHException, OSError, ValueError) as error:
            if deadline.passed or not self.alive():
                raise
            tried = f"the key {host.key}" if host.key else "all keys of ssh-agent and ~/.ssh"
            says = f"{self.name} refuses {tried}: {str(error).rstrip('.')}"
            raise LoginError(
                f"{says}; add the public key there (ssh-copy-id), or check `user` and `key`"
            ) from error

    @contextmanager
    def within(self, deadline: Deadline, doing: str) -> Iterator[None]:
        """Cuts the connection at the deadline; says what became of it as `LinkError` or `DeadlineError`."""
        timer = threading.Timer(deadline.left, self.close)
        timer.daemon = True
        timer.start()
        try:
            yield
        except LOST as error:
            if deadline.passed:
                took = f"{self.name} took longer than {deadline.span:g} s to {doing}"
                raise DeadlineError(f"{took}; check its load and its network") from error
            words = str(error).partition("\n")[0].rstrip(": ") or type(error).__name__
            raise LinkError(f"{self.name} was lost as it was to {doing}: {words}; {LOST_ADVICE}") from error
        finally:
            timer.cancel()
