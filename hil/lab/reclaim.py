"""Reclaim places of runs that were killed.

On this machine a run is dead if its process is. Of a run on another machine only its sign of life is seen: a
reservation that it refreshes every second. If that stands still while we look, the run is dead, whatever the
clocks of the machines say.
"""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from hil.lab import listing, owner
from hil.lab.client import Client
from hil.lab.give_back import release
from hil.lab.listing import Place, Reservation
from hil.lab.reserving import ALIVE, cancel

SILENT_SECONDS = 25.0
"""Seconds without a sign of life after which a run on another machine is dead.

A run whose coordinator does not answer for 18 s knows that it has lost its places: gRPC ends its client then.
"""


@dataclass
class Watch:
    """The owners of a lab's places and reservations, as they were seen so far."""

    client: Client
    silent_seconds: float = SILENT_SECONDS
    _signs: dict[str, tuple[str, float]] = field(default_factory=dict)
    """The latest sign of life of each owner, and when it was first seen."""

    def reclaim(self, wanted: Callable[[Place], bool]) -> tuple[Place, ...]:
        """Take back what the dead have of the wanted places; return the wanted places that have an owner."""
        places = [place for place in listing.places(self.client) if place.owner and wanted(place)]
        reservations = listing.reservations(self.client)
        owners = {*(place.owner for place in places), *(each.owner for each in reservations)}
        dead = {each for each in owners if self.is_dead(each, reservations)}
        for place in places:
            if place.owner in dead:
                release(self.client, place.name, place.owner)
        for reservation in reservations:
            if reservation.owner in dead:
                cancel(self.client, reservation.token)
        return tuple(place for place in places if place.owner not in dead)

    def is_dead(self, who: str, reservations: Iterable[Reservation]) -> bool:
        """Return whether an owner has ended, as far as this machine, or its sign of life, tells."""
        ours = owner.parse(who)
        if ours is None:
            return False
        if ours.is_of_this_machine:
            return not ours.lives
        signs = (each.timeout for each in reservations if each.owner == who and ALIVE in each.filters)
        sign, now = max(signs, default=""), time.monotonic()
        if self._signs.get(who, ("", 0.0))[0] != sign or who not in self._signs:
            self._signs[who] = sign, now
        return now - self._signs[who][1] > self.silent_seconds
