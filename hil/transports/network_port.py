"""Describe a serial port behind TCP: `socket://HOST:PORT` for raw bytes, `rfc2217://HOST:PORT` for telnet."""

import re
from dataclasses import dataclass

from hil.transports.host import Host

RAW, TELNET = "socket", "rfc2217"
_URL = re.compile(rf"({RAW}|{TELNET})://(\[[0-9A-Fa-f:.]+(?:%\w+)?\]|[^\s/:@?#\[\]]+):(\d{{1,5}})", re.ASCII)


@dataclass(frozen=True)
class NetworkPort:
    """A serial port that a server on the network carries, raw or by the telnet protocol of RFC 2217."""

    scheme: str
    host: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}"

    @property
    def server(self) -> Host:
        """Return the address of the server."""
        return Host(self.host, self.port)

    @property
    def place(self) -> str:
        """Return host and port: the identity of a board that has no other."""
        return f"{self.host}:{self.port}"

    @property
    def advice(self) -> str:
        """Return the remedy if the server cannot be reached."""
        return f"check that the server of {self} runs, and the network to it"


def on_network(port: str) -> bool:
    """Return whether a port is written as a URL, valid or not; a file may not have such a name."""
    return "://" in port


def network_port(port: str) -> NetworkPort | None:
    """Return the network port of this name; None for a port of this machine.

    Raises:
        ValueError: The name is a URL, but of no kind of network port.
    """
    if not on_network(port):
        return None
    found = _URL.fullmatch(port)
    if found is None or not 1 <= int(found[3]) <= 0xFFFF:
        raise ValueError(f"{port} is neither {RAW}://HOST:PORT nor {TELNET}://HOST:PORT")
    return NetworkPort(found[1], found[2].strip("[]"), int(found[3]))
