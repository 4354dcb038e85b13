"""Cut the power of a board and restore it, by the command that its entry in boards.toml names."""

import subprocess

from hil.boards.entry import Entry
from hil.errors import BoardsFileError
from hil.lifetime.child import run

SECONDS = 60.0
"""Deadline of the command."""


def power_cycle(entry: Entry, seconds: float = SECONDS) -> None:
    """Run the command `power_cycle` of an entry on this machine, without a shell and without its output.

    Args:
        entry: The board.
        seconds: Deadline of the command. The command and its children are killed when it has passed.

    Raises:
        BoardsFileError: The command does not start, fails, or does not end in time.
    """
    program = entry.power_cycle[0]
    try:
        status = run(entry.power_cycle, seconds).status
    except OSError as error:
        raise _failed(entry, f"{program} does not start: {error.strerror}") from error
    except subprocess.TimeoutExpired as error:
        raise _failed(entry, f"{program} took longer than {seconds:g} s") from error
    if status:
        raise _failed(entry, f"{program} ended with exit status {status}")


def _failed(entry: Entry, observation: str) -> BoardsFileError:
    remedy = "run it by hand to see why"
    return BoardsFileError(
        f"its `power_cycle` command {observation}; {remedy}", board=entry.name, key="power_cycle"
    )
