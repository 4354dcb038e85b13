"""Log in to a machine over SSH, run commands and store files.

Every wait has an end. paramiko waits for some answers without a timeout, so the login is closed at the
deadline of each operation.
"""

import logging
import shlex
import socket
import struct
from collections.abc import Iterator
from contextlib import closing, contextmanager
from getpass import getuser

import paramiko

from hil.errors import BuildError, HostKeyError, LinkError, LoginError
from hil.transports.deadline import Deadline
from hil.transports.host import Host, open_tcp
from hil.transports.machine import NOTICE_SECONDS, Machine, first_line
from hil.transports.ssh import login_shell
from hil.transports.ssh.host_key import HostKeyPolicy, mismatch
from hil.transports.ssh.session import SshSession, closing_after
from reds.text import printable

_PROHIBITED = 1
"""Code of SSH for a channel that the server's settings forbid."""
_LOG = "reds-hil.ssh"
MALFORMED = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError, struct.error)
"""Errors that paramiko raises, as they are, for bytes that are not of SSH."""


def _user(host: Host) -> str:
    """Return the user to log in as. Raises `LoginError` if that has no name, as in containers."""
    try:
        return host.user or getuser()
    except (KeyError, OSError) as error:
        raise LoginError(
            f"{host}: the user here has no name to log in as; write `user` in a boards file"
        ) from error


class Unreachable(LinkError):  # noqa: N818, it names what happened, not a bug
    """Another machine cannot be reached from the one that is logged in to."""


class SshMachine(Machine):
    """A login over SSH, directly or through another machine, as with `ssh -J`.

    Args:
        host: The machine.
        deadline: When the login must have succeeded.
        via: Machine that the connection goes through; it is logged in to first.

    Raises:
        HostKeyError: The host key of one of both is not the expected one.
        LoginError: One of both accepts none of our keys, or `via` forwards no connection.
        LinkError: One of both cannot be reached.
        DeadlineError: The login took too long.
    """

    folder = '"${XDG_CACHE_HOME:-$HOME/.cache}/reds-hil"'
    lost = (paramiko.SSHException, EOFError, OSError, *MALFORMED)
    lost_advice = "check its power, memory and network, then run again"
    barred_advice = "set XDG_CACHE_HOME there to a folder that allows programs"
    folder_advice = "let its user write there, or set XDG_CACHE_HOME there to another folder"

    def __init__(self, host: Host, deadline: Deadline, via: Host | None = None) -> None:
        self.name = f"{host} through {via}" if via else str(host)
        self._via: SshMachine | None = None
        self._client = paramiko.SSHClient()
        self._client.set_log_channel(_LOG)
        logging.getLogger(_LOG).setLevel(logging.CRITICAL)  # it logs errors that are raised here too
        self._client.set_missing_host_key_policy(HostKeyPolicy(host))
        if host.host_key is None:
            self._load_known_hosts(host)
        sock: socket.socket | paramiko.Channel | None = None
        try:
            if via is None:
                sock = open_tcp(host, deadline)
            else:
                self._via = SshMachine(via, deadline)
                sock = self._via.forward(host.name, host.port, deadline)
            with self.within(deadline, "log in"):
                self._log_in(host, sock, deadline)
        except BaseException:
            self.close()
            if sock is not None:
                sock.close()
            raise

    def close(self) -> None:
        """Close the login and everything that runs over it; closing it twice is harmless."""
        transport = self._client.get_transport()
        self._client.close()
        if transport is not None:
            transport.packetizer.complete_handshake()  # else the timer of a failed one runs on
        if self._via is not None:
            self._via.close()

    def forward(self, name: str, port: int, deadline: Deadline) -> paramiko.Channel:
        """Open a TCP connection from this machine to another, or to itself. It ends with the login.

        Args:
            name: Name of the other machine, as this one knows it.
            port: TCP port there.
            deadline: When the connection must be open.

        Raises:
            LoginError: This machine forwards no connections.
            Unreachable: The port cannot be reached from there.
        """
        there = f"{name} port {port}"
        with self.within(deadline, f"connect to {there}"):
            transport = self._client.get_transport()
            if transport is None:
                raise EOFError("the login is closed")
            try:
                target, origin = (name, port), ("127.0.0.1", 0)
                return transport.open_channel("direct-tcpip", target, origin, timeout=deadline.remaining())
            except paramiko.ChannelException as error:
                if error.code == _PROHIBITED:
                    barred = f"{self.name} forwards no connection to {there}"
                    raise LoginError(f"{barred}; allow it in its sshd_config (AllowTcpForwarding)") from error
                refused = f"{there} cannot be reached from {self.name}: {printable(error.text)}"
                raise Unreachable(f"{refused}; check its power, its network and its name there") from error

    def put(self, data: bytes, path: str, deadline: Deadline) -> None:
        """Write a file. Raises `BuildError` if the machine refuses it. Needs no SFTP there."""
        script = f"cat >{shlex.quote(path)}"
        with self.within(deadline, "store a file"), closing(self.execute(script, deadline)) as session:
            try:
                session.write(data, deadline)
                session.end_input(deadline)
            except self.lost:
                if not (session.status(NOTICE_SECONDS) or 0) > 0:  # else the script has ended with an error
                    raise
            status = session.status(deadline.left)
            if status is None or status < 0:
                raise EOFError("the file was not stored to its end")
            if status:
                refused = f"{self.name} cannot store {len(data):,} bytes in {path}"
                raise BuildError(f"{refused}: {first_line(session.stderr()) or f'exit status {status}'}")

    def execute(self, script: str, deadline: Deadline) -> SshSession:
        """Start a POSIX shell script. Call it `within` the deadline.

        Raises:
            LoginError: The user has no shell there, or may open no further session.
            DeadlineError: No command starts in time.
        """
        transport = self._client.get_transport()
        if transport is None:
            raise EOFError("the login is closed")
        try:
            channel = transport.open_session()
        except paramiko.ChannelException as error:
            refused = f"{self.name} opens no further session for us: {error.text}"
            raise LoginError(f"{refused}; let its sshd open more (MaxSessions 10 in sshd_config)") from error
        return login_shell.start(channel, self.name, script, deadline)

    def serial(self, deadline: Deadline) -> str:
        """Return the fingerprint of the host key, as `ssh-keygen -l` prints it."""
        transport = self._client.get_transport()
        return printable(transport.get_remote_server_key().fingerprint) if transport else ""

    def alive(self) -> bool:
        """Return whether the login still works, after waiting long enough to notice that it does not."""
        transport = self._client.get_transport()
        if transport is not None:
            transport.join(NOTICE_SECONDS)
        return transport is not None and transport.is_alive()

    def _load_known_hosts(self, host: Host) -> None:
        try:
            self._client.load_system_host_keys()
        except Exception as error:  # of paramiko, of base64, of the codec, of the cryptography library
            bad = f"~/.ssh/known_hosts cannot be read to check {host}: {printable(str(error))}"
            raise HostKeyError(f"{bad}; remove that line, or write `host_key` in a boards file") from error

    def _log_in(self, host: Host, sock: socket.socket | paramiko.Channel, deadline: Deadline) -> None:
        seconds = dict.fromkeys(
            ("timeout", "banner_timeout", "auth_timeout", "channel_timeout"), max(deadline.left, 0.001)
        )
        keys = {"key_filename": str(host.key), "look_for_keys": False} if host.key else {}
        try:
            self._client.connect(host.name, host.port, _user(host), sock=sock, **keys, **seconds)
        except paramiko.BadHostKeyException as error:
            raise mismatch(host, error) from error
        except paramiko.PasswordRequiredException as error:
            which = f"the key {host.key}" if host.key else "a key in ~/.ssh"
            raise LoginError(
                f"{self.name}: {which} has a passphrase; give it to ssh-agent: ssh-add"
            ) from error
        except paramiko.ssh_exception.IncompatiblePeer as error:
            why = f"{self.name} and this machine share no way to encrypt: {printable(str(error))}"
            raise LoginError(f"{why}; update its sshd, or allow current algorithms in sshd_config") from error
        except (paramiko.SSHException, OSError, ValueError) as error:
            if deadline.passed or not self._speaks() or not (isinstance(error, ValueError) or self.alive()):
                raise
            reason = printable((getattr(error, "strerror", None) or str(error)).rstrip("."))
            if host.key and not isinstance(error, paramiko.AuthenticationException):
                unusable = f"{self.name}: the key {host.key} cannot be used: {reason}"
                raise LoginError(f"{unusable}; name a private key that ssh-keygen has made") from error
            tried = f"the key {host.key}" if host.key else "all keys of ssh-agent and ~/.ssh"
            by_log = "or see why in its log (journalctl -u ssh)"
            remedy = f"add the public key there (ssh-copy-id), check `user` and `key`, {by_log}"
            raise LoginError(f"{self.name} refuses {tried}: {reason}; {remedy}") from error

    def _speaks(self) -> bool:
        """Return whether the other end has shown that it speaks SSH."""
        transport = self._client.get_transport()
        return transport is not None and transport.initial_kex_done

    @contextmanager
    def within(self, deadline: Deadline, doing: str) -> Iterator[None]:
        """Close the login at the deadline."""
        with closing_after(deadline.left, self.close), super().within(deadline, doing):
            yield
