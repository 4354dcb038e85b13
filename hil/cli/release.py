"""End the run that holds the lease of a board (`hil release`)."""

import os
import shlex
import sys
from pathlib import Path

import click

from hil.cli.options import BOARDS, LAB, coordinator_of


@click.command()
@click.argument("board")
@BOARDS
@LAB
@click.option("--force", is_flag=True, help="End the run without a question.")
def release(board: str, boards_file: Path | None, lab: str | None, force: bool) -> None:
    """End a stuck run that holds BOARD.

    BOARD is a name in the boards file, or a lock file that `hil doctor` shows. Only a process of yours is
    ended, if the kernel confirms that it holds the board. It is asked to end (SIGTERM), then killed.

    With a lab, BOARD is the name of a place. A run on this machine that holds it is ended. The place is taken
    from a run on another machine, which then stops using it, and from a person.
    """
    from hil.boards import lease_holder, process_table
    from hil.errors import LeaseError

    if coordinator := coordinator_of(lab, boards_file):
        from hil.cli.release_place import release_place

        release_place(coordinator, board, force)
        return
    path = _lock_file(board, boards_file)
    found = lease_holder.holders(path)
    if not found:
        if who := lease_holder.in_use(path):
            raise LeaseError(f"{board} is in use by {who}; end that run in its container, or as its owner")
        click.echo(f"{board} is free: no process holds its lease {path}")
        return
    for holder in found:
        click.echo(f"{board} is in use by {holder}")
        if not holder.seen or holder.uid != os.getuid():
            theirs = f"process {holder.pid} belongs to {holder.user} and was not ended"
            raise LeaseError(f"{theirs}; its owner ends it by: kill {holder.pid}")
        if not force and not sys.stdin.isatty():
            again = f"hil release --force {shlex.quote(board)}"
            raise LeaseError(f"process {holder.pid} was not ended, as nobody can be asked here; {again}")
        if not force and not click.confirm(f"End process {holder.pid}?"):
            raise LeaseError(f"process {holder.pid} goes on; wait for its end")
        run = holder.run
        click.echo(f"process {holder.pid} has ended, by {lease_holder.end(holder, path)}")
        if run and process_table.lives(run):
            click.echo(f"process {run}, which started it, may take {board} again; end it by: kill {run}")
    if who := lease_holder.in_use(path):
        raise LeaseError(f"{board} is in use again by {who}; release it again")
    click.echo(f"{board} is free")


def _lock_file(board: str, boards_file: Path | None) -> Path:
    """Return the lock file of a board; where its device is absent, only the path itself can name it."""
    from hil.boards import boards_toml, lease, registry
    from hil.errors import BoardAbsent

    if Path(board) in lease.lock_files():
        return Path(board)
    entry = boards_toml.named(boards_file, board)
    device = registry.target(entry.target).device(entry)
    if device is None:
        held = "name its lock file in place of the board; `hil doctor` lists those in use"
        raise BoardAbsent(f"it is not here, so its lease is not known; {held}", board=board)
    if not device:
        raise BoardAbsent("each run has a board of this target of its own; no lease to release", board=board)
    return lease.path_of(device)
