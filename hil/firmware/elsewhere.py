"""Upload an agent to a board that is plugged in to another machine, by a command of that machine."""

import shlex
from collections.abc import Callable, Sequence
from pathlib import Path

from hil.firmware.upload import store_once
from hil.transports.deadline import Deadline
from hil.transports.host import Host

FIRMWARE = "{firmware}"
"""Text that stands for the agent's file in a command that uploads it."""
LOGIN_SECONDS, UPLOAD_SECONDS = 15.0, 120.0
"""Deadlines of the login, and of the command."""


def uploader(firmware: Callable[[], Path]) -> Callable[[Host, Sequence[str], Callable[[], None]], None]:
    """Return a function that does `run_there` with an agent that it builds.

    It raises `BuildError` if the agent does not build, with the board left as it was.

    Args:
        firmware: Builds the agent.
    """
    return lambda via, command, touch: run_there(via, command, firmware().read_bytes(), touch)


def run_there(via: Host, command: Sequence[str], firmware: bytes, touch: Callable[[], None]) -> None:
    """Copy firmware to a machine and run a command there that stores it on a board.

    Args:
        via: The machine, which is logged in to over SSH.
        command: Program and arguments, without a shell. `{firmware}` stands for the file.
        firmware: Bytes of the file.
        touch: Starts the board's bootloader. It is called when nothing but the command is left to do, so that
            a login that fails leaves the board as it was.

    Raises:
        BuildError: The machine does not store the file, or the command fails.
        HostKeyError: The host key of the machine is not the expected one.
        LoginError: The machine accepts none of our keys.
        LinkError: The machine cannot be reached or was lost.
    """
    from hil.transports.ssh.machine import SshMachine  # imported here: it is slow, and most runs need none

    with SshMachine(via, Deadline.after(LOGIN_SECONDS)) as machine:
        file = store_once(machine, firmware, ".bin")
        script = shlex.join(word.replace(FIRMWARE, file) for word in command)
        touch()
        machine.run(script, "upload the agent", Deadline.after(UPLOAD_SECONDS), "run it by hand to see why")
