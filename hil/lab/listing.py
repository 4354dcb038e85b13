"""Read what `labgrid-client` prints about places, their resources and reservations."""

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from hil.lab.client import Client

BOARD, PROVENANCE, EMULATED = "board", "provenance", "emulated"
"""Tags of a place: `board=TARGET`, and `provenance=emulated` if its board is an emulated one."""
NAME = "name"
"""Tag that a reservation may ask for, although no place has it: the name of the place."""
_PLACE = re.compile(r"Place '(.*)':")
_RESERVATION = re.compile(r"Reservation '(\w+)':")
_RESOURCE = re.compile(r" *(?:Resource|Acquired resource|Matching resource) '(.*)' \((.*)\):")
_LOG = re.compile(r"(?:DEBUG|INFO|WARNING|ERROR)\b.*|[IWEF]\d{4} .*")
"""A line of a log, of labgrid or of gRPC, between the lines of an output."""
Blocks = Iterator[tuple[str, list[str]]]


@dataclass(frozen=True)
class Place:
    """A place of a lab: tags, patterns of its resources, and its owner, empty if it is free."""

    name: str
    tags: Mapping[str, str]
    matches: tuple[str, ...]
    owner: str

    def serves(self, resource: "Resource") -> bool:
        """Return whether a resource belongs to this place."""
        return any(_matches(pattern.split("/"), resource.path) for pattern in self.matches)

    @property
    def target(self) -> str:
        """Return the target of its board, which its tag `board` names; empty if it has none."""
        return self.tags.get(BOARD, "")

    @property
    def is_emulated(self) -> bool:
        """Return whether its board is an emulated one, which its tag `provenance` says."""
        return self.tags.get(PROVENANCE) == EMULATED


@dataclass(frozen=True)
class Resource:
    """A resource that an exporter offers.

    Attributes:
        path: Exporter, group, class and name.
        params: Its parameters.
        extra: What its exporter adds, such as a proxy.
    """

    path: tuple[str, str, str, str]
    params: Mapping[str, Any]
    extra: Mapping[str, Any] = field(default_factory=dict)

    @property
    def kind(self) -> str:
        """Return its class."""
        return self.path[2]

    @property
    def exporter(self) -> str:
        """Return the name of its exporter."""
        return self.path[0]


@dataclass(frozen=True)
class Reservation:
    """A reservation.

    Attributes:
        timeout: The time until which it was refreshed, by the clock of the coordinator.
        filters: The tags that it asks for, as `board=pi site=attic`.
        place: The place that is allocated for it, empty if none is.
    """

    token: str
    owner: str
    timeout: str
    filters: str
    place: str


def places(client: Client) -> tuple[Place, ...]:
    """Return all places, by name."""
    return _places(client, client.call("-v", "places"))


def reservations(client: Client) -> tuple[Reservation, ...]:
    """Return all reservations."""
    found = []
    for token, lines in _blocks(client, _RESERVATION, client.call("reservations")):
        values = _values(lines)
        main = [line.partition("main: ")[2] for line in lines if line.startswith("    main: ")]
        place = main[1] if len(main) > 1 else ""
        who, until = values.get("owner", ""), values.get("timeout", "")
        found.append(Reservation(token, who, until, main[0] if main else "", place))
    return tuple(found)


def resources(client: Client) -> tuple[Resource, ...]:
    """Return the available resources of all exporters that are connected."""
    return tuple(_resources(client, client.call("-v", "resources")))


def shown(client: Client, name: str) -> tuple[Place, tuple[Resource, ...]]:
    """Return a place and its resources, with the ports that an acquired one has."""
    text = client.call("-p", name, "show")
    head = "\n".join(line for line in text.splitlines() if line[:1] == " " or line.startswith("Place "))
    found = [place for place in _places(client, head) if place.name == name]
    if not found:
        raise client.strange(text.partition("\n")[0])
    return found[0], tuple(_resources(client, text))


def _places(client: Client, text: str) -> tuple[Place, ...]:
    return tuple(_place(name, lines) for name, lines in _blocks(client, _PLACE, text))


def _blocks(client: Client, head: re.Pattern[str], text: str) -> Blocks:
    """Split an output at its heads; lines of a block begin with spaces."""
    name, lines = None, list[str]()
    for line in text.splitlines():
        if found := head.fullmatch(line):
            if name is not None:
                yield name, lines
            name, lines = found[1], []
        elif line[:1] == " " and name is not None:
            lines.append(line)
        elif line.strip() and not _LOG.fullmatch(line):
            raise client.strange(line)
    if name is not None:
        yield name, lines


def _values(lines: list[str]) -> dict[str, str]:
    """Return the values of lines as `  key: value`, the first of each key."""
    pairs = [line.strip().partition(":") for line in lines if line[2:3] != " "]
    return {key: value.strip() for key, _, value in reversed(pairs)}


def _place(name: str, lines: list[str]) -> Place:
    values = _values(lines)
    words = (word.partition("=") for word in values.get("tags", "").split(", ") if word)
    after = next((at for at, line in enumerate(lines) if line == "  matches:"), len(lines))
    matches = []
    for line in lines[after + 1 :]:
        if line[:4] != "    ":
            break
        matches.append(line.strip().partition(" -> ")[0])
    owner = values.get("acquired", "None")
    tags = {key: value for key, _, value in words}
    return Place(name, tags, tuple(matches), "" if owner == "None" else owner)


def _resources(client: Client, text: str) -> Iterator[Resource]:
    path, lines = None, list[str]()
    for line in [*text.splitlines(), "end"]:
        found = _RESOURCE.fullmatch(line)
        if path is not None and (
            found or line[:1] not in (" ", "") or re.match(r" *(Group|Exporter) '", line)
        ):
            yield _resource(client, path, lines)
            path = None
        if found:
            path, lines = found[2].replace("[", "").replace("]", ""), []
        elif path is not None:
            lines.append(line)


def _resource(client: Client, path: str, lines: list[str]) -> Resource:
    text = "\n".join(lines)
    try:
        data = ast.literal_eval(text.strip())
        exporter, group, kind, name = path.split("/")
        params = dict(data["params"])
        return Resource((exporter, group, kind, name), params, dict(params.pop("extra", {})))
    except (ValueError, SyntaxError, KeyError, TypeError, MemoryError, RecursionError):
        raise client.strange(text) from None


def _matches(pattern: list[str], path: tuple[str, str, str, str]) -> bool:
    """Return whether a pattern EXPORTER/GROUP/CLASS or EXPORTER/GROUP/CLASS/NAME is that of a resource."""
    return len(pattern) in (3, 4) and all(map(fnmatchcase, path, pattern))
