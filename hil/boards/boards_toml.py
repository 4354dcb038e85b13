"""boards.toml: the boards of a desk or a lab, one `[[board]]` each.

[[board]]
name = "nano-left"                  # in ids, tables and results
target = "nano33ble"                # a file of hil/boards/targets
port = "/dev/ttyACM0"               # optional: else found by its USB id
serial = "0123456789ABCDEF"         # optional: the USB serial number, to tell two of a kind apart
agent = "slow.elf"                  # optional: a prebuilt agent for an emulated board, a desktop or a pi
latency_us = { "25%" = 2500.0 }     # optional: what a subnet's inference may take, on a board with a clock
instructions = { "25%" = 30000 }    # optional: the same on a board that counts instructions
switch_instructions = 100           # optional: what the worst switch may take on one that counts nothing else

[[board]]
name = "pi-4"
target = "pi"
host = "raspberrypi.local"          # a name or an address; ~/.ssh/config is not read
port = 22                           # optional
user = "pi"                         # optional: else the user here
key = "~/.ssh/id_pi"                # optional: a private key file; else ssh-agent and ~/.ssh
host_key = "SHA256:..."             # optional: its host key as `ssh-keygen -l` prints it; else known_hosts
core = 3                            # optional: pins the agent to a core
governor = "performance"            # optional: set for the run, and put back after it
max_celsius = 70                    # optional: latencies are taken at this temperature or below
cool_down = 120                     # optional: seconds to wait for it, else 300

[[board]]
name = "phone"
target = "android"                  # the only one that an adb server has, or that is on USB
serial = "0A061JEC"                 # optional: as `adb devices` prints it, to tell several apart; with
                                    # "emulator-5554" and --emulate that AVD is benched in place of ours
host = "192.168.0.7"                # optional: on the network instead, after `adb tcpip 5555`
port = 5555                         # optional
key = "adbkey"                      # optional: for no adb server; else ~/.android/adbkey, made if need be
core = 7                            # optional: pins the agent to a core
"""

import math
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hil.boards.entry import COOL_DOWN, SWITCH_INSTRUCTIONS, Entry
from hil.boards.registry import target, target_names
from hil.errors import BoardsFileError, UnknownTarget, nearest
from hil.transports.host import Host
from reds.fixtures import fixtures_dir

_OF_HOST = ("user", "key", "host_key")
_TEXTS = ("name", "target", "serial", "agent", "host", "governor", *_OF_HOST)
_NUMBERS = ("max_celsius", "cool_down", "switch_instructions")
_BUDGETS = {"latency_us": "microseconds", "instructions": "instructions"}
_KEYS = (*_TEXTS, *_NUMBERS, *_BUDGETS, "port", "core")
_HOST_PORTS = {"android": 5555}


def shipped() -> Path:
    """The file that is read when none is named."""
    return fixtures_dir() / "boards.toml"


def load(path: Path) -> tuple[Entry, ...]:
    """The boards in the file's order; relative files lie beside it. Raises `BoardsFileError`."""
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


def named(path: Path | None, name: str) -> Entry:
    """Return the board of this name, else the first of this target; in the shipped file if none is given.

    A target that the file does not mention is a board without further settings. Raises `BoardsFileError`.
    """
    path = path or shipped()
    entries = load(path)
    names = {entry.name: entry for entry in entries}
    of_target = [entry for entry in entries if entry.target == name]
    known = name in names or of_target or name in target_names()
    _require(bool(known), f"{path}: no board {name!r}{nearest(name, names)}")
    return names.get(name) or (of_target[0] if of_target else Entry(name, name))


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
    core = row.get("core")
    _require(core is None or _whole(core, 0, 4095), f"{where}: core is the number of one, not {core!r}")
    for key in _NUMBERS:
        _require(
            key not in row or _above_0(row[key]), f"{where}: {key} is a number above 0, not {row.get(key)!r}"
        )
    host = _host(where, path.parent, row) if "host" in row else None
    port = row.get("port") if host is None else None
    _require(port is None or isinstance(port, str), f"{where}: port is text, not {port!r}")
    for key in _OF_HOST if host is None else ():
        alone = key == "key" and row["target"] == "android"
        _require(key not in row or alone, f"{where}: {key} is for a board that has a host; add `host`")
    own = _file(where, path.parent, row, "key") if host is None else None
    agent, us = _file(where, path.parent, row, "agent"), _budgets(where, row, "latency_us")
    cool_down = float(row.get("cool_down", COOL_DOWN))
    kept = core, row.get("governor"), row.get("max_celsius"), cool_down
    counted = _budgets(where, row, "instructions"), row.get("switch_instructions", SWITCH_INSTRUCTIONS)
    return Entry(row["name"], row["target"], port, row.get("serial"), agent, us, host, *kept, *counted, own)


def _host(where: str, folder: Path, row: dict[str, Any]) -> Host:
    port, host_key = row.get("port", _HOST_PORTS.get(row["target"], 22)), row.get("host_key")
    _require(bool(row["host"]), f"{where}: its host is empty")
    _require(_whole(port, 1, 65_535), f"{where}: port of a host is a number up to 65535, not {port!r}")
    good = host_key is None or re.fullmatch(r"SHA256:[A-Za-z0-9+/]{43}", host_key)
    shape = "host_key is SHA256: and 43 characters, as ssh-keygen -l prints it"
    _require(bool(good), f"{where}: {shape}, not {host_key!r}")
    return Host(row["host"], port, row.get("user"), _file(where, folder, row, "key"), host_key)


def _file(where: str, folder: Path, row: dict[str, Any], key: str) -> Path | None:
    if key not in row:
        return None
    file = (folder / Path(row[key]).expanduser()).resolve()
    _require(file.is_file(), f"{where}: its {key} {file} does not exist")
    return file


def _whole(value: Any, least: int, most: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= most


def _above_0(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < math.inf


def _budgets(where: str, row: dict[str, Any], key: str) -> Mapping[str, float]:
    table = row.get(key, {})
    _require(isinstance(table, dict), f'{where}: {key} is a table, as {{ "25%" = 2500.0 }}')
    for subnet, limit in table.items():
        number = f"{key} of {subnet!r} is a number of {_BUDGETS[key]}"
        _require(_above_0(limit), f"{where}: {number}, not {limit!r}")
    return {subnet: float(limit) for subnet, limit in table.items()}


def _require(condition: bool, text: str) -> None:
    if not condition:
        raise BoardsFileError(text)
