"""boards.toml: the boards of a desk or a lab, one `[[board]]` each.

[[board]]
name = "nano-left"                  # in ids, tables and results
target = "nano33ble"                # a file of hil/boards
port = "/dev/ttyACM0"               # optional: else found by its USB id
serial = "0123456789ABCDEF"         # optional: the USB serial number, to tell two of a kind apart
agent = "slow.elf"                  # optional: a prebuilt agent for a board that runs on this machine
latency_us = { "25%" = 2500.0 }     # optional: what a subnet's inference may take
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hil.boards import nearest, target
from hil.errors import BoardsFileError, UnknownTarget
from reds.fixtures import fixtures_dir

_TEXTS = ("name", "target", "port", "serial", "agent")
_KEYS = (*_TEXTS, "latency_us")


@dataclass(frozen=True)
class Entry:
    """One board of the file. `latency_us` holds budgets in microseconds by the subnet's label."""

    name: str
    target: str
    port: str | None = None
    serial: str | None = None
    agent: Path | None = None
    latency_us: Mapping[str, float] = field(default_factory=dict, hash=False)


def shipped() -> Path:
    """The file that is read when none is named."""
    return fixtures_dir() / "boards.toml"


def load(path: Path) -> tuple[Entry, ...]:
    """The boards in the file's order; a relative `agent` lies beside it. Raises `BoardsFileError`."""
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        what = f"{path}: cannot read the boards: {error.strerror}"
        raise BoardsFileError(f"{what}; copy {shipped()}, or leave --boards out") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BoardsFileError(f"{path}: not TOML: {error}") from error
    for key in table:
        _require(key == "board", f"{path}: unknown key {key!r}{nearest(key, ['board'])}")
    rows = table.get("board", [])
    listed = isinstance(rows, list) and bool(rows) and all(isinstance(row, dict) for row in rows)
    _require(listed, f"{path}: no boards; write each as [[board]] with name and target")
    entries = tuple(_entry(path, i, row) for i, row in enumerate(rows))
    names = [entry.name for entry in entries]
    for name in names:
        _require(names.count(name) == 1, f"{path}: two boards are named {name!r}; rename one")
    return entries


def _entry(path: Path, index: int, row: dict[str, Any]) -> Entry:
    where = f"{path}: board {row.get('name', index + 1)!r}"
    for key, value in row.items():
        _require(key in _KEYS, f"{where}: unknown key {key!r}{nearest(key, _KEYS)}")
        _require(key not in _TEXTS or isinstance(value, str), f"{where}: {key} is text, not {value!r}")
    for key in ("name", "target"):
        _require(bool(row.get(key)), f"{where}: it has no {key}")
    try:
        target(row["target"])
    except UnknownTarget as error:
        raise BoardsFileError(f"{where}: {error}") from error
    agent = (path.parent / row["agent"]).resolve() if "agent" in row else None
    _require(agent is None or agent.is_file(), f"{where}: its agent {agent} does not exist")
    budgets = _budgets(where, row.get("latency_us", {}))
    return Entry(row["name"], row["target"], row.get("port"), row.get("serial"), agent, budgets)


def _budgets(where: str, table: Any) -> Mapping[str, float]:
    _require(isinstance(table, dict), f'{where}: latency_us is a table, as {{ "25%" = 2500.0 }}')
    for label, limit in table.items():
        number = isinstance(limit, int | float) and not isinstance(limit, bool) and limit > 0
        _require(number, f"{where}: latency_us of {label!r} is a number of microseconds, not {limit!r}")
    return {label: float(limit) for label, limit in table.items()}


def _require(condition: bool, text: str) -> None:
    if not condition:
        raise BoardsFileError(text)
