"""Store a program on a machine with a shell, named by its hash, so that it is sent once."""

import hashlib
import shlex
import uuid

from hil.errors import BuildError
from hil.transports.deadline import Deadline
from hil.transports.machine import Machine, key_values

LOOK_SECONDS, STORE_SECONDS = 10.0, 60.0
"""Deadlines of a command, and of storing the program."""
_KEPT_DAYS = 7
"""Older programs are removed when a program is stored, and partial files of the day before."""


def store_once(machine: Machine, program: bytes, suffix: str = "") -> str:
    """Return the path of the program on the machine, and send it unless the same bytes are there.

    Args:
        machine: The machine.
        program: The bytes.
        suffix: End of its name, such as ".bin".

    Raises:
        BuildError: The machine cannot store the program.
        LinkError: The login was lost.
    """
    digest = hashlib.sha256(program).hexdigest()
    name = f"agent-{digest[:16]}{suffix}"
    look = f"""umask 077; mkdir -p {machine.folder} && cd {machine.folder} && echo "folder=$PWD" &&
        if [ ! -w . ]; then echo "$PWD may not be written to" >&2; exit 1; fi &&
        if [ -f {name} ]; then chmod 700 {name} && echo "held=$(sha256sum <{name})"; fi"""
    said = key_values(_run(machine, look, "make the agent's folder"))
    folder = said.get("folder", "")
    if not said.get("held", "").startswith(digest):
        _store(machine, program, digest, folder, name)
    return f"{folder}/{name}"


def _store(machine: Machine, program: bytes, digest: str, folder: str, name: str) -> None:
    """Store the program under a temporary name first, so that a partial program never runs."""
    partial, there = f"{name}.{uuid.uuid4().hex[:8]}", f"cd {shlex.quote(folder)}"
    try:
        machine.put(program, f"{folder}/{partial}", Deadline.after(STORE_SECONDS))
    except BuildError as error:
        room = f'{there} && rm -f {partial} && echo "free=$(df -Pk . | tail -n 1)"'
        said = _run(machine, room, "say what room it has")
        words = key_values(said).get("free", "").split()
        free = f", {words[3]} kB are free there" if len(words) > 3 and words[3].isdigit() else ""
        raise BuildError(f"{error}{free}; make room and run again") from error
    settle = f"""{there} && if [ "$(sha256sum <{partial})" != "{digest}  -" ]; then
        echo "other bytes than were sent" >&2; exit 1; fi
        if [ -d {name} ]; then rm -rf {name}; fi
        chmod 700 {partial} && mv -f {partial} {name} &&
        {{ find . -name "agent-*" ! -name {name} -mtime +{_KEPT_DAYS} -exec rm -f {{}} +
        find . -name "agent-*.????????" -mtime +0 -exec rm -f {{}} +; true; }}"""
    _run(machine, settle, "keep the agent")


def _run(machine: Machine, script: str, doing: str) -> str:
    return machine.run(script, doing, Deadline.after(LOOK_SECONDS), machine.folder_advice)
