"""Reach a board whose serial port is on the network.

The port has one client at a time. So a board that a run of this machine holds is not probed: the connection
would take bytes of that run, or its place.
"""

import time
from contextlib import closing, suppress

from hil.boards import lease, lease_holder
from hil.boards.entry import Entry, errors_naming
from hil.errors import BoardAbsent, LeaseError, LinkError, SetupError
from hil.transports.deadline import Deadline
from hil.transports.host import open_tcp, resolved
from hil.transports.network_port import TELNET, NetworkPort
from hil.transports.rfc2217 import RefusedOption, Rfc2217Transport
from hil.transports.tcp import NETWORK_ADVICE, ClosedAtOnce, TcpTransport
from hil.transports.transport import Advice, Transport

REACH_SECONDS = 4.0
"""Seconds that the server of a port may take to answer."""
RELEASE_SECONDS = 1.5
"""Seconds that a server may take to release the port of an earlier connection."""
_POLL_SECONDS = 0.05


def absent(port: NetworkPort, device: str | None) -> str | None:
    """Return why nothing listens at a port, or None; nothing is sent to the board.

    Args:
        port: The board's port.
        device: Identity of the board for its lease; None if the port has no address.
    """
    if device is None:
        return f"{port} has no address: the name {port.host} is not known here; check `port` and the network"
    with suppress(LeaseError):
        if lease_holder.in_use(lease.path_of(device)):
            return None
    try:
        open_tcp(port.server, Deadline.after(REACH_SECONDS), port.advice).close()
    except LinkError as error:
        return error.text
    return None


def address(port: NetworkPort) -> str | None:
    """Return the IP address of a port's server and its TCP port; None if the server's name is unknown."""
    ip = resolved(port.server, Deadline.after(REACH_SECONDS))
    return ip and f"{ip}:{port.port}"


def open_port(port: NetworkPort, deadline: Deadline, advice: Advice) -> Transport:
    """Open a port whose bytes are all of this connection. Raises `DeadlineError` or `LinkError`."""
    if port.scheme == TELNET:
        return Rfc2217Transport(port, deadline, advice)
    raw = TcpTransport(port, deadline, advice)
    try:
        raw.drain()
    except BaseException:
        raw.close()
        raise
    return raw


def connect(entry: Entry, port: NetworkPort, advice: Advice = NETWORK_ADVICE) -> Transport:
    """Open the board's port. A server that is still busy with an earlier connection is tried again.

    Raises:
        BoardAbsent: The server does not answer.
        SetupError: The server does not speak RFC 2217, which the scheme of the port says.
        LinkError: Another client has the port.
    """
    deadline, busy = Deadline.after(REACH_SECONDS), Deadline.after(RELEASE_SECONDS)
    with errors_naming(entry):
        while True:
            try:
                return open_port(port, deadline, advice)
            except ClosedAtOnce:
                if busy.passed:
                    raise
            except RefusedOption as error:
                raise SetupError(error.text) from error
            except LinkError as error:
                raise BoardAbsent(error.text) from error
            time.sleep(_POLL_SECONDS)


def touch(port: NetworkPort) -> None:
    """Start the bootloader of a Nano, if its port takes settings; a command that uploads may do so too."""
    if port.scheme == TELNET:
        deadline = Deadline.after(REACH_SECONDS)
        with suppress(LinkError), closing(Rfc2217Transport(port, deadline)) as link:
            link.touch(deadline)
