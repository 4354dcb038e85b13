"""Use the board of a `target` of labgrid, as its pytest plugin and its Python API give it to a user's code.

labgrid has acquired the place and gives it back; hil takes the board's address from the target's resources.
Nothing of labgrid is imported.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

from hil.boards import boards_toml
from hil.boards.entry import Entry
from hil.errors import BoardsFileError
from hil.lab.listing import BOARD, EMULATED, PROVENANCE, Resource
from hil.lab.place_entry import USABLE, place_entry

_PARAMS = ("host", "port", "protocol", "address", "username")
"""Attributes of labgrid's resources that say how a board is reached."""
_REMOTE_PLACE = "RemotePlace"


class LabgridTarget(Protocol):
    """The part of labgrid's `Target` that hil uses."""

    name: str
    resources: Sequence[Any]

    def await_resources(self, resources: Sequence[Any]) -> None:
        """Wait until resources are available."""
        ...


def not_yet() -> LabgridTarget:
    """Stand in for the target of labgrid until a test runs."""
    raise AssertionError("the target of labgrid is known when a test runs")


def _trust() -> None:
    """Return: labgrid keeps the place until its user gives it back."""


@dataclass(frozen=True)
class Guest:
    """The board of a target of labgrid, as a lab offers a board.

    Attributes:
        target: Kind of the board; empty for the one that the tag `board` of its place names.
        emulated: Whether the board is an emulated one; None for what the tag `provenance` says.
        file: The boards file, which has options of places.
        there: Returns labgrid's target; its plugin knows it when a test runs.
    """

    target: str
    emulated: bool | None
    file: Path
    there: Callable[[], LabgridTarget]

    @contextmanager
    def held(self, seconds: float, say: Callable[[str], None]) -> Iterator[tuple[Entry, Callable[[], None]]]:
        """Yield the board, and a function that does nothing: labgrid holds the place.

        Args:
            seconds: Not used.
            say: Not used.

        Raises:
            BoardsFileError: The target has no resource that hil can use, or another board than is asked for.
        """
        yield self.entry(), _trust

    def entry(self) -> Entry:
        """Return the board. Raises `BoardsFileError`, as `held` does."""
        there = self.there()
        places = [each for each in there.resources if type(each).__name__ == _REMOTE_PLACE]
        place = places[0].name if places else there.name
        tags = dict(places[0].tags) if places else {}
        target, emulated = self._target(place, tags), self._emulated(place, tags)
        usable = [each for each in there.resources if type(each).__name__ in USABLE]
        there.await_resources(usable)
        found = [_resource(each) for each in [*usable, *(r for r in there.resources if r not in usable)]]
        known = [each for each in found if each.kind != _REMOTE_PLACE]
        lab = boards_toml.load_lab(self.file)
        return replace(place_entry(place, target, known, self.file, lab), emulated=emulated)

    def _target(self, place: str, tags: dict[str, str]) -> str:
        tagged = tags.get(BOARD, "")
        if self.target and tagged not in ("", self.target):
            differs = f"its place has the tag {BOARD}={tagged}, and {self.target} is asked for"
            raise BoardsFileError(f"{differs}; name that target, or correct the tag", board=place)
        if not (self.target or tagged):
            remedy = f"name its target, or labgrid-client -p {place} set-tags {BOARD}=TARGET"
            raise BoardsFileError(f"nothing says which kind of board it is; {remedy}", board=place)
        return self.target or tagged

    def _emulated(self, place: str, tags: dict[str, str]) -> bool:
        tagged = tags.get(PROVENANCE) == EMULATED
        if self.emulated is None or self.emulated == tagged or not tags:
            return tagged if self.emulated is None else self.emulated
        is_ = "an emulated one" if tagged else "no emulated one"
        asked = "leave --emulate out" if self.emulated else "add --emulate"
        raise BoardsFileError(f"its place says that its board is {is_}; {asked}", board=place)


def _resource(there: Any) -> Resource:
    """Return a resource of labgrid as its coordinator lists it."""
    params = {key: getattr(there, key) for key in _PARAMS if getattr(there, key, None) is not None}
    path = "", "", type(there).__name__, str(getattr(there, "name", "") or "")
    return Resource(path, params, dict(getattr(there, "extra", None) or {}))
