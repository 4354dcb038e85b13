"""List what a lab offers, by kind of board, and hold a board of a kind."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from hil.boards import boards_toml
from hil.boards.entry import Entry
from hil.lab import listing, owner, place_lease
from hil.lab.client import Client
from hil.lab.listing import BOARD, EMULATED, NAME, PROVENANCE
from hil.lab.place_entry import place_entry


@dataclass(frozen=True)
class Offer:
    """Boards of one kind at a lab, of which a run takes one.

    Attributes:
        target: Target of the boards.
        emulated: Whether they are emulated ones.
        places: Names of their places: those that are served first, of these those that nobody has.
        absent: Why none can be used, empty if one can.
        unserved: Names of the places that no exporter serves.
    """

    coordinator: str
    target: str
    emulated: bool
    places: tuple[str, ...]
    absent: str
    tags: tuple[tuple[str, str], ...]
    file: Path
    unserved: tuple[str, ...] = ()

    def only(self, place: str) -> "Offer":
        """Return the offer of one of its places."""
        absent = _unserved([place]) if place in self.unserved else ""
        return replace(self, places=(place,), tags=(*self.tags, (NAME, place)), absent=absent)

    @contextmanager
    def held(self, seconds: float, say: Callable[[str], None]) -> Iterator[tuple[Entry, Callable[[], None]]]:
        """Hold one of the places; yield its board, and a function that raises `LeaseLost` if it is lost.

        Args:
            seconds: How long to wait for a place that others use.
            say: Called once with the owner, if no place is free.

        Raises:
            BoardBusy: No place was free in time.
            LabError: The coordinator does not answer, or refuses.
            BoardsFileError: What the lab or the boards file says of the place cannot be used.
        """
        tags, emulated, first = dict(self.tags), self.emulated, self.places[0]
        with place_lease.held(self.coordinator, self.target, tags, seconds, say, emulated, first) as held:
            lab = boards_toml.load_lab(self.file)
            entry = place_entry(held.place.name, self.target, held.resources, self.file, lab)
            yield replace(entry, emulated=emulated), held.check


def offers(coordinator: str, tags: Mapping[str, str], file: Path) -> tuple[Offer, ...]:
    """Return the kinds of boards that a lab has, sorted.

    Args:
        coordinator: Address of the coordinator.
        tags: Tags that a place must have, beside `board`.
        file: The boards file, which has options of places.

    Raises:
        LabError: The coordinator does not answer.
    """
    client = Client(coordinator, owner.new())
    fitting = [p for p in listing.places(client) if p.target and tags.items() <= p.tags.items()]
    there = listing.resources(client) if fitting else ()
    kinds: dict[tuple[str, bool], list[listing.Place]] = {}
    for place in fitting:
        kinds.setdefault((place.target, place.is_emulated), []).append(place)
    found = []
    for (target, emulated), places in sorted(kinds.items()):
        wanted = {BOARD: target, **({PROVENANCE: EMULATED} if emulated else {}), **tags}
        unserved = {place.name for place in places if not any(map(place.serves, there))}
        best = sorted(places, key=lambda place: (place.name in unserved, bool(place.owner), place.name))
        names, useless = tuple(place.name for place in best), tuple(sorted(unserved))
        absent = _unserved(useless) if len(useless) == len(names) else ""
        found.append(
            Offer(coordinator, target, emulated, names, absent, tuple(wanted.items()), file, useless)
        )
    return tuple(found)


def too_few(offer: Offer, wanted: int) -> str:
    """Return why a lab has fewer boards of a kind than a run wants, with a remedy."""
    has = f"the lab at {offer.coordinator} has {len(offer.places)} of {wanted} boards"
    return f"{has}; lower --boards-per-target, or write all"


def none_of(coordinator: str, target: str, tags: Mapping[str, str]) -> str:
    """Return why a lab has no board of a target, with a remedy."""
    wanted = " ".join(f"{key}={value}" for key, value in {BOARD: target, **tags}.items())
    tagged = f"the lab at {coordinator} has no place with {wanted}"
    return f"{tagged}; tag one: labgrid-client -p PLACE set-tags {wanted}"


def _unserved(names: Sequence[str]) -> str:
    places = f"place {names[0]} is" if len(names) == 1 else f"places {', '.join(names)} are"
    return f"{places} of the lab, but no exporter that is connected serves them; start labgrid-exporter there"
