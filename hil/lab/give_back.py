"""Give back what an owner has in a lab: places and reservations. As a program, for an owner that was killed.

python -m hil.lab.give_back COORDINATOR HOST/USER
"""

import sys

from hil.errors import HilError, LabError
from hil.lab import listing, owner
from hil.lab.client import Client
from hil.lab.owner import Owner
from hil.lab.reserving import cancel


def give_back(client: Client, of: str) -> tuple[str, ...]:
    """Release the places of an owner, then cancel its reservations; return the names of the places.

    Args:
        client: Calls of any owner: labgrid lets everybody release.
        of: The owner, as labgrid shows it.

    Raises:
        LabError: The coordinator does not answer.
    """
    places = tuple(place.name for place in listing.places(client) if place.owner == of)
    for place in places:
        release(client, place, of)
    for reservation in listing.reservations(client):
        if reservation.owner == of:
            cancel(client, reservation.token)
    return places


def release(client: Client, place: str, of: str) -> None:
    """Release a place, but only from this owner. Raises `LabError` if the lab is gone."""
    try:
        client.call("-p", place, "release-from", of)
    except LabError as error:
        if not error.said:  # else it is free already
            raise


def main(coordinator: str, of: str) -> None:
    """Give back what an owner has; errors have nobody to tell."""
    found: Owner | None = owner.parse(of)
    if found is not None:
        give_back(Client(coordinator, found), of)


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except HilError as error:
        sys.exit(str(error))
