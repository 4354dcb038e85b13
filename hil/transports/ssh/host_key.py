"""Check that a machine is the expected one by its host key, which is never learned automatically."""

from typing import Any

import paramiko

from hil.errors import HostKeyError
from hil.transports.host import Host


class HostKeyPolicy(paramiko.MissingHostKeyPolicy):  # type: ignore[misc]  # paramiko has no types
    """Accepts only the host key in boards.toml; without one there, only the keys in known_hosts."""

    def __init__(self, host: Host) -> None:
        self._host = host

    def missing_host_key(self, client: Any, hostname: str, key: paramiko.PKey) -> None:
        """Raise `HostKeyError` with the line to add, unless boards.toml has this key."""
        shown = f"{self._host} shows the host key {describe(key)}"
        line = f'host_key = "{key.fingerprint}"'
        if self._host.host_key is None:
            remedy = f"if that is its key, add to its board in boards.toml: {line}"
            raise HostKeyError(f"{shown}, which is not known here; {remedy}")
        if self._host.host_key != key.fingerprint:
            remedy = f"another machine answers, or it was set up anew: then write {line}"
            raise HostKeyError(f"{shown}, not {self._host.host_key}; {remedy}")


def mismatch(host: Host, error: paramiko.BadHostKeyException) -> HostKeyError:
    """Return the error for a machine whose host key differs from that in known_hosts."""
    shown = f"{host} shows the host key {describe(error.key)}, not {error.expected_key.fingerprint}"
    name = host.name if host.port == 22 else f"[{host.name}]:{host.port}"
    advice = f"another machine answers, or it was set up anew: then run ssh-keygen -R '{name}'"
    return HostKeyError(f"{shown} as in known_hosts; {advice}")


def describe(key: paramiko.PKey) -> str:
    """Return fingerprint and kind of a key, as `ssh-keygen -l` prints them."""
    return f"{key.fingerprint} ({key.get_name()})"
