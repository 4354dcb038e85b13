"""Log in to a machine over SSH, run commands and store files.

Every wait has an end. paramiko waits for some answers without a timeout, so the login is closed at the
deadline of each operation.
"""

import logging
import shlex
import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager

import paramiko

from hil.errors import BuildError, LoginError, SetupError
from hil.transports.deadline import Deadline
from hil.transports.host import Host, open_tcp
from hil.transports.machine import NOTICE_SECONDS, Machine
from hil.transports.ssh.host_key import HostKeyPolicy, mismatch
from hil.transports.ssh.session import SshSession, closing_after
from reds.text import printable

_LOG = "reds-hil.ssh"
MALFORMED = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError, struct.error)
"""Errors that paramiko raises, as they are, for bytes that are not of SSH."""


class SshMachine(Machine):
    """A login over SSH. Raises `HostKeyError`, `LoginError`, `LinkError` or `DeadlineError`."""

    folder = '"${XDG_CACHE_HOME:-$HOME/.cache}/reds-hil"'
    lost = (paramiko.SSHException, EOFError, OSError, *MALFORMED)
    lost_advice = "check its power, memory and network, then run again"
    barred_advice = "set XDG_CACHE_HOME there to a folder that allows programs"

    def __init__(self, host: Host, deadline: Deadline) -> None:
        self.name = str(host)
        self._client = paramiko.SSHClient()
        self._client.set_log_channel(_LOG)
        logging.getLogger(_LOG).setLevel(logging.CRITICAL)  # it logs errors that are raised here too
        self._client.set_missing_host_key_policy(HostKeyPolicy(host))
        if host.host_key is None:
            self._client.load_system_host_keys()
        sock = open_tcp(host, deadline)
        try:
            with self.within(deadline, "log in"):
                self._log_in(host, sock, deadline)
        except BaseException:
            self.close()
            sock.close()
            raise

    def close(self) -> None:
        """Close the login and everything that runs over it; closing it twice is harmless."""
        transport = self._client.get_transport()
        self._client.close()
        if transport is not None:
            transport.packetizer.complete_handshake()  # else the timer of a failed one runs on

    def put(self, data: bytes, path: str, deadline: Deadline) -> None:
        """Write a file.

        Raises:
            BuildError: The machine refuses the file.
            SetupError: The machine has no SFTP.
        """
        with self.within(deadline, "store a file"):
            try:
                sftp = paramiko.SFTPClient.from_transport(self._client.get_transport())
            except self.lost as error:
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

    def execute(self, script: str, deadline: Deadline) -> SshSession:
        """Start a POSIX shell script. Call it `within` the deadline."""
        transport = self._client.get_transport()
        if transport is None:
            raise EOFError("the login is closed")
        channel = transport.open_session()
        channel.exec_command(f"exec sh -c {shlex.quote(script)}")
        return SshSession(channel)

    def alive(self) -> bool:
        """Return whether the login still works, after waiting long enough to notice that it does not."""
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
            raise mismatch(host, error) from error
        except paramiko.PasswordRequiredException as error:
            which = f"the key {host.key}" if host.key else "a key in ~/.ssh"
            raise LoginError(
                f"{self.name}: {which} has a passphrase; give it to ssh-agent: ssh-add"
            ) from error
        except (paramiko.SSHException, OSError, ValueError) as error:
            if deadline.passed or not self.alive():
                raise
            tried = f"the key {host.key}" if host.key else "all keys of ssh-agent and ~/.ssh"
            refused = f"{self.name} refuses {tried}: {printable(str(error).rstrip('.'))}"
            raise LoginError(
                f"{refused}; add the public key there (ssh-copy-id), or check `user` and `key`"
            ) from error

    @contextmanager
    def within(self, deadline: Deadline, doing: str) -> Iterator[None]:
        """Close the login at the deadline."""
        with closing_after(deadline.left, self.close), super().within(deadline, doing):
            yield
