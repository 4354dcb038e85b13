"""Read the table `[lab]` of a boards file: a coordinator of labgrid, and options of its places.

[lab]
coordinator = "10.0.0.2:20408"      # optional: else --lab names it
tags = { site = "attic" }           # optional: tags that a place must have, beside `board`

[lab.places.nano-3]                 # optional: a place of labgrid by its name, with keys of a board, except
latency_us = { "25%" = 2500.0 }     # those that the lab itself knows, as name and port
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hil.boards.board_table import VALUES
from hil.errors import BoardsFileError
from hil.options import is_coordinator
from reds.spelling import did_you_mean
from reds.text import is_printable, shown

_KEYS = ("coordinator", "tags", "places")
OF_LAB = ("name", "target", "host", "port", "user", "emulated")
"""Keys of a board that the lab itself knows."""
_TAG = re.compile(r"[a-z][a-z0-9_]+", re.ASCII)
_TAG_VALUE = re.compile(r"[A-Za-z0-9_.-]+", re.ASCII)


@dataclass(frozen=True)
class LabTable:
    """The table `[lab]` of a boards file.

    Attributes:
        tags: Tags that a place must have, beside `board`.
        places: Keys of a board by the name of a place.
    """

    coordinator: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    places: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


def lab_table(file: Path, table: Any) -> LabTable:
    """Check the table `[lab]` of a file. Raises `BoardsFileError`, which names the key."""

    def refuse(key: str, text: str) -> BoardsFileError:
        return BoardsFileError(f"[lab]: {text}", file=file, key=key)

    if not isinstance(table, dict):
        raise refuse("lab", f"`lab` is {shown(table)}; write a table [lab]")
    for key in table:
        if key not in _KEYS:
            raise refuse(key, f"unknown key {key!r}; {did_you_mean(key, _KEYS)}")
    coordinator, tags, places = table.get("coordinator"), table.get("tags", {}), table.get("places", {})
    if coordinator is not None and not (isinstance(coordinator, str) and is_coordinator(coordinator)):
        raise refuse("coordinator", f"`coordinator` is {shown(coordinator)}; write HOST:PORT")
    if not isinstance(tags, dict) or not all(_is_tag(key, value) for key, value in tags.items()):
        example = 'a table of tags of labgrid, such as { site = "attic" }, without `board`'
        raise refuse("tags", f"`tags` is {shown(tags)}; write {example}")
    if not isinstance(places, dict) or not all(map(is_printable, places)):
        raise refuse("places", f"`places` is {shown(places)}; write a table [lab.places.NAME] for each")
    for name, row in places.items():
        _check_place(file, name, row)
    return LabTable(coordinator, tags, places)


def _is_tag(key: Any, value: Any) -> bool:
    fits = _TAG.fullmatch(key) and isinstance(value, str) and _TAG_VALUE.fullmatch(value)
    return key != "board" and bool(fits)


def _check_place(file: Path, name: str, row: Any) -> None:
    """Check the keys of a place; their values are checked with the target that its tag `board` names."""
    if not isinstance(row, dict):
        raise BoardsFileError(f"it is {shown(row)}; write a table of keys", file=file, board=name)
    for key, value in row.items():
        if key in OF_LAB:
            known = f"`{key}` is what the lab says of its place; remove it"
            raise BoardsFileError(known, file=file, board=name, key=key)
        if key not in VALUES:
            known = did_you_mean(key, sorted(set(VALUES) - set(OF_LAB)))
            raise BoardsFileError(f"unknown key {key!r}; {known}", file=file, board=name, key=key)
        if not VALUES[key].accepts(value):
            text = f"`{key}` is {shown(value)}; write {VALUES[key].expected}"
            raise BoardsFileError(text, file=file, board=name, key=key)
