"""Write boards as a boards file that `hil.boards.boards_toml` reads."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

from hil.boards.entry import Entry
from hil.transports.host import Host


def boards_text(entries: Iterable[Entry]) -> str:
    """Return the text of a boards file with these boards, each with all keys that it has."""
    return "\n".join(
        "[[board]]\n" + "".join(f"{key} = {value(each)}\n" for key, each in _keys(entry)) for entry in entries
    )


def value(of: Any) -> str:
    """Return a value in TOML's notation; whatever a text holds, it stays one text."""
    if isinstance(of, bool):
        return "true" if of else "false"
    if isinstance(of, Mapping):
        return "{ " + ", ".join(f"{value(key)} = {value(each)}" for key, each in of.items()) + " }"
    if isinstance(of, list | tuple):
        return "[" + ", ".join(map(value, of)) + "]"
    if isinstance(of, str | Path):
        return '"' + "".join(_escaped(character) for character in str(of)) + '"'
    return repr(of)


def _keys(entry: Entry) -> Iterator[tuple[str, Any]]:
    for each in fields(entry):
        found = getattr(entry, each.name)
        default = each.default_factory() if each.default_factory is not MISSING else each.default
        if each.name == "host" and found is not None:
            yield from _login(found)
        elif each.name == "via" and found is not None:
            yield "via", dict(_login(found))
        elif found != default:
            yield each.name, found


def _login(host: Host) -> Iterator[tuple[str, Any]]:
    yield "host", host.name
    yield from ((key, of) for key in ("port", "user", "key", "host_key") if (of := getattr(host, key)))


def _escaped(character: str) -> str:
    if character in '"\\':
        return f"\\{character}"
    if character.isprintable():
        return character
    return f"\\U{ord(character):08x}"
