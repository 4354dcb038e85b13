"""Say of each place of a lab whether it is free, who has it, and whether an exporter serves it."""

from dataclasses import dataclass

from hil.lab import listing, owner
from hil.lab.client import Client


@dataclass(frozen=True)
class State:
    """A place as `hil boards` lists it; `target` is `-` if it has no tag `board`."""

    place: str
    target: str
    text: str


def states(coordinator: str) -> tuple[State, ...]:
    """Return the state of each place, by name. Raises `LabError` if the coordinator does not answer."""
    client = Client(coordinator, owner.new())
    places, there = listing.places(client), listing.resources(client)
    found = []
    for place in sorted(places, key=lambda each: each.name):
        served = any(place.serves(resource) for resource in there)
        text = f"in use by {owner.described(place.owner)}" if place.owner else "free"
        unserved = "" if served else ", but no exporter that is connected serves it"
        found.append(State(place.name, place.target or "-", text + unserved))
    return tuple(found)
