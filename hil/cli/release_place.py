"""Give back a place of a lab for its owner (`hil release --lab`)."""

import os
import shlex
import sys

import click

from hil.boards import lease_holder
from hil.errors import LabError, LeaseError
from hil.lab import listing, owner
from hil.lab.client import Client
from hil.lab.give_back import give_back, release
from hil.lab.owner import Owner
from reds.spelling import did_you_mean


def release_place(coordinator: str, name: str, force: bool) -> None:
    """End the run that has a place, if it is one of this machine, and give the place back.

    Args:
        coordinator: Address of the lab's coordinator.
        name: Name of the place.
        force: Whether nobody is asked.

    Raises:
        LabError: The lab does not answer, or has no such place.
        LeaseError: The user says no, nobody can be asked, or the run cannot be ended.
    """
    client = Client(coordinator, owner.new())
    places = {place.name: place for place in listing.places(client)}
    if name not in places:
        lacks = f"the lab at {coordinator} has no place {name!r} (--lab none names a board of this machine)"
        raise LabError(f"{lacks}; {did_you_mean(name, places)}")
    who = places[name].owner
    if not who:
        click.echo(f"{name} is free")
        return
    click.echo(f"{name} is in use by {owner.described(who)}")
    if not force and not sys.stdin.isatty():
        again = f"hil release --force {shlex.quote(name)} --lab {coordinator}"
        raise LeaseError(f"{name} was not taken, as nobody can be asked here; {again}")
    if not force and not click.confirm(f"Take {name} from {owner.described(who)}?"):
        raise LeaseError(f"{name} was not taken; wait until its owner gives it back")
    ours = owner.parse(who)
    if ours and ours.is_of_this_machine and ours.lives:
        _end(ours)
    if ours:
        give_back(client, who)
    else:
        release(client, name, who)  # a person may have other places, and reservations
    click.echo(f"{name} is free")


def _end(run: Owner) -> None:
    try:
        handle = os.pidfd_open(run.pid)
    except ProcessLookupError:
        return
    try:
        if run.lives:  # looked at after the handle was opened: no later process with this number is signalled
            click.echo(f"process {run.pid} has ended, by {lease_holder.signalled(handle, run.pid)}")
    finally:
        os.close(handle)
