"""Check the keys by which Pis and Androids know this computer, and those by which it knows them."""

import os
import shlex
import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from hil.doctor.finding import Finding, fault, ok
from hil.doctor.machine import Machine

if TYPE_CHECKING:
    from hil.boards.entry import Entry
    from hil.transports.host import Host

_KEYS = ("id_ed25519", "id_ecdsa", "id_rsa")
"""Private keys in ~/.ssh that paramiko tries."""


def ssh(machine: Machine) -> Iterator[Finding]:
    """Check the private key and the host key of each Pi, and of each machine that `via` names."""
    for entry in machine.entries():
        if entry.target == "pi" and entry.host:
            yield _private_key(entry.name, entry.host)
            yield _host_key(entry.name, entry.host)
        if entry.via:
            yield _private_key(f"via of {entry.name}", entry.via)
            yield _host_key(f"via of {entry.name}", entry.via)


def adb(machine: Machine) -> Iterator[Finding]:
    """Check adb's own key and those that the boards file names."""
    from hil.errors import LoginError
    from hil.transports.adb.key import own_file

    try:
        own = own_file()
    except LoginError as error:
        yield fault("adb key", False, error.observation, "export HOME=FOLDER, with a folder of yours")
        return
    named = [key for entry in machine.entries() if (key := _adb_key(entry))]
    if own.exists():
        named.insert(0, own)
    for key in dict.fromkeys(named):
        yield _usable(key)
    if not named:
        yield ok("adb key", f"none yet; {own} is made when a device asks for it")


def _adb_key(entry: "Entry") -> Path | None:
    if entry.target != "android":
        return None
    return entry.host.key if entry.host else entry.key


def _usable(key: Path) -> Finding:
    from hil.errors import LoginError
    from hil.transports.adb.key import Key

    if not key.is_file():
        return fault("adb key", True, f"{key} is not a regular file", f"rm -r {_quoted(key)}")
    try:
        Key(key).GetPublicKey()
    except LoginError as error:
        remedy = f"adb keygen {_quoted(key)}"
        return fault("adb key", True, error.observation, remedy)
    return ok("adb key", str(key))


def _private_key(name: str, host: "Host") -> Finding:
    subject = f"key of {name}"
    if host.key:
        if os.access(host.key, os.R_OK):
            return ok(subject, str(host.key))
        return fault(subject, True, f"{host.key} cannot be read", f"sudo chown $USER {_quoted(host.key)}")
    found = [key for name in _KEYS if (key := Path.home() / ".ssh" / name).is_file()]
    if found:
        return ok(subject, ", ".join(map(str, found)))
    if _agent_answers():
        return ok(subject, "none in ~/.ssh; left to ssh-agent")
    return fault(subject, True, "no key in ~/.ssh, and no ssh-agent answers", "ssh-keygen -t ed25519")


def _agent_answers() -> bool:
    with suppress(OSError), socket.socket(socket.AF_UNIX) as agent:
        agent.settimeout(1.0)
        agent.connect(os.environ.get("SSH_AUTH_SOCK", ""))
        return True
    return False


def _host_key(owner: str, host: "Host") -> Finding:
    subject = f"host key of {owner}"
    if host.host_key:
        return ok(subject, "in the boards file")
    import paramiko

    file = Path.home() / ".ssh" / "known_hosts"
    known = paramiko.HostKeys()
    if file.exists():
        try:
            if not file.is_file():
                raise ValueError("it is not a regular file")
            known.load(str(file))
        except Exception as error:  # of paramiko, of base64, of the codec, of the cryptography library
            return fault(subject, True, f"{file} cannot be read: {error}", f"ls -l {_quoted(file)}")
    name = host.name if host.port == 22 else f"[{host.name}]:{host.port}"
    if known.lookup(name) is not None:
        return ok(subject, f"in {file}")
    user = ("-l", host.user) if host.user else ()
    command = shlex.join(("ssh", *user, "-p", str(host.port), "--", host.name, "true"))
    return fault(subject, True, f"neither in the boards file nor in {file}", command)


def _quoted(path: Path) -> str:
    return shlex.quote(str(path))
