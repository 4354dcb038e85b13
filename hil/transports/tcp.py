"""Talk to an agent behind a TCP port that carries the bytes of a serial port, as ser2net and socat do.

Whoever connects first has the board. A server that serves somebody else closes the connection at once, and
may say why in a line of text, which is shown.
"""

import select
import socket
import time
from contextlib import suppress

from hil.errors import DeadlineError, LinkError
from hil.transports.deadline import Deadline
from hil.transports.host import open_tcp
from hil.transports.network_port import NetworkPort
from hil.transports.transport import Advice
from reds.text import printable

NETWORK_ADVICE = Advice(
    "check the board, the server of its port and the network, then run again", "reset the board and run again"
)
QUIET_SECONDS = 0.03
"""Shortest time without a byte after which nothing is left of an earlier connection."""
DRAIN_SECONDS = 0.5
"""Longest time that is spent on such bytes; the hello finds its way through later ones."""
_CHUNK = 1 << 16
MOST_WORDS = 100
"""Bytes that a server which closes at once may have said."""


class ClosedAtOnce(LinkError):  # noqa: N818, it names what happened, not a bug
    """The server closed a new connection, as one does whose port another client has open."""


class TcpTransport:
    """A raw TCP connection to a serial port.

    Args:
        address: Host and port.
        deadline: When the connection must be open.
        advice: Remedies for errors.

    Raises:
        DeadlineError: The host does not answer in time.
        LinkError: The host refuses, or its name is unknown.
    """

    def __init__(self, address: NetworkPort, deadline: Deadline, advice: Advice = NETWORK_ADVICE) -> None:
        self.name = f"port {address}"
        self.advice = advice
        begun = time.monotonic()
        self._socket = open_tcp(address.server, deadline, address.advice)
        try:
            self._socket.setblocking(False)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except BaseException:
            self.close()
            raise
        self._quiet = max(QUIET_SECONDS, 2 * (time.monotonic() - begun))

    def write(self, data: bytes, deadline: Deadline) -> None:
        """Send all of `data`."""
        rest = memoryview(data)
        while rest:
            if deadline.passed or not select.select([], [self._open()], [], deadline.left)[1]:
                slow = f"{self.name} did not take {len(data):,} bytes within {deadline.span:g} s"
                raise DeadlineError(slow)
            try:
                rest = rest[self._socket.send(rest) :]
            except BlockingIOError:
                continue
            except OSError as error:
                raise LinkError(f"{self.name} is lost: {error.strerror or error}") from error

    def read(self, deadline: Deadline) -> bytes:
        """Return at least one byte that arrived."""
        while not deadline.passed and select.select([self._open()], [], [], deadline.left)[0]:
            try:
                data = self._socket.recv(_CHUNK)
            except BlockingIOError:
                continue
            except OSError as error:
                raise LinkError(f"{self.name} is lost: {error.strerror or error}") from error
            if not data:
                raise LinkError(f"{self.name} was closed by its server")
            return data
        raise DeadlineError(f"{self.name} was silent for {deadline.span:g} s")

    def close(self) -> None:
        """Close the connection; closing it twice is harmless."""
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    def _open(self) -> socket.socket:
        if self._socket.fileno() < 0:
            raise LinkError(f"{self.name} is closed; open it again")
        return self._socket

    def drain(self) -> None:
        """Drop what the server held for an earlier client, which arrives within one round trip.

        Raises:
            ClosedAtOnce: The server closes the connection.
        """
        deadline, said = Deadline.after(DRAIN_SECONDS), b""
        try:
            while True:
                said = (said + self.read(deadline.at_most(self._quiet)))[:MOST_WORDS]
        except DeadlineError:
            return
        except LinkError as error:
            raise closed_at_once(self.name, said) from error


def closed_at_once(name: str, said: bytes) -> ClosedAtOnce:
    """Return the error of a new connection that was closed by a server which said this."""
    words = printable(said.decode(errors="replace").strip())
    why = f"{name} was closed by its server at once{f': {words}' if words else ''}"
    return ClosedAtOnce(f"{why}; another client may have it open: close that and run again")
