"""Whether a machine is the one it should be: its host key is checked, never learned on the way."""

from typing import Any

import paramiko

from hil.errors import HostKeyError
from hil.transports.host import Host


class Checked(paramiko.MissingHostKeyPolicy):  # type: ignore[misc]  # paramiko has no types
    """Takes the key whose fingerprint boards.toml gives; without one, none that known_hosts lacks."""

    def __init__(self, host: Host) -> None:
        self._host = host

    def missing_host_key(self, client: Any, hostname: str, key: paramiko.PKey) -> None:
        """Raises `HostKeyError` with the line to add."""
        shown = f"{self._host} shows the host key {described(key)}"
        line = f'host_key = "{key.fingerprint}"'
        if self._host.host_key is None:
            says = f"{shown}, which is not known here"
            raise HostKeyError(f"{says}; if that is its key, add to its board in boards.toml: {line}")
        if self._host.host_key != key.fingerprint:
            says = f"{shown}, not {self._host.host_key}"
            raise HostKeyError(f"{says}; another machine answers, or it was set up anew: then write {line}")


def contradicted(host: Host, error: paramiko.BadHostKeyException) -> HostKeyError:
    """The error for a machine that known_hosts has another key of."""
    says = f"{host} shows the host key {described(error.key)}, not {error.expected_key.fingerprint}"
    name = host.name if host.port == 22 else f"[{host.name}]:{host.port}"
    advice = f"another machine answers, or it was set up anew: then run ssh-keygen -R '{name}'"
    return HostKeyError(f"{says} as in known_hosts; {advice}")


def described(key: paramiko.PKey) -> str:
    """Kind and fingerprint, as `ssh-keygen -l` prints them."""
    return f"{key.fingerprint} ({key.get_name()})"
