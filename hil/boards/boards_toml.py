"""Read boards.toml: the boards of a desk or a lab, one `[[board]]` table each.

[[board]]
name = "nano-left"                  # in ids, tables and results
target = "nano33ble"                # a file of hil/boards/targets
port = "/dev/ttyACM0"               # optional: else found by its USB id
serial = "0123456789ABCDEF"         # optional: the USB serial number, to tell two of a kind apart
agent = "slow.elf"                  # optional: a prebuilt agent, for an emulated board, a desktop or a pi
latency_us = { "25%" = 2500.0 }     # optional: limit of one inference by subnet, on a board with a clock
instructions = { "25%" = 30000 }    # optional: the same, on a board that counts instructions
switch_instructions = 100           # optional: limit of the slowest switch, on a board that counts them only

[[board]]
name = "pi-4"
target = "pi"
host = "raspberrypi.local"          # a name or an address; ~/.ssh/config is not read
port = 22                           # optional
user = "pi"                         # optional: else the user here
key = "~/.ssh/id_pi"                # optional: a private key file; else ssh-agent and ~/.ssh
host_key = "SHA256:..."             # optional: its host key as `ssh-keygen -l` prints it; else known_hosts
core = 3                            # optional: pins the agent to a core
governor = "performance"            # optional: set for the run, and restored after it
max_celsius = 70                    # optional: latencies are taken at this temperature or below
cool_down = 120                     # optional: seconds to wait for that temperature, else 300

[[board]]
name = "phone"
target = "android"                  # the only device of an adb server, or on USB
serial = "0A061JEC"                 # optional: as `adb devices` prints it, to tell several devices apart;
                                    # "emulator-5554" with --emulate benches that AVD, not our emulator
host = "192.168.0.7"                # optional: the device is on the network, after `adb tcpip 5555`
port = 5555                         # optional
key = "adbkey"                      # optional: used without an adb server; else ~/.android/adbkey, made
                                    # if it is missing
core = 7                            # optional: pins the agent to a core
"""

import math
import re
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hil.boards.entry import Entry
from hil.boards.registry import target, target_names
from hil.errors import BoardsFileError, UnknownTarget, nearest
from hil.transports.host import Host
from reds.fixtures import fixtures_dir


@dataclass(frozen=True)
class Value:
    """The values that a key takes: a phrase for errors, and the test."""

    expected: str
    accepts: Callable[[Any], bool]


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < math.inf


def _is_limits(value: Any) -> bool:
    return isinstance(value, dict) and all(map(_is_number, value.values()))


def _is_whole(value: Any, least: int, most: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= most


def _is_fingerprint(value: Any) -> bool:
    return isinstance(value, str) and bool(re.fullmatch(r"SHA256:[A-Za-z0-9+/]{43}", value))


TEXT = Value("a text", lambda value: isinstance(value, str))
NAME = Value("a text that is not empty", lambda value: isinstance(value, str) and bool(value))
NUMBER = Value("a number above 0", _is_number)
LIMITS = Value('a table of numbers above 0 by subnet, such as { "25%" = 2500.0 }', _is_limits)
CORE = Value("the number of a core, from 0 to 4095", lambda value: _is_whole(value, 0, 4095))
FINGERPRINT = Value("SHA256: and 43 characters, as ssh-keygen -l prints it", _is_fingerprint)
TCP_PORT = Value("a TCP port from 1 to 65535, as the board has a `host`", lambda v: _is_whole(v, 1, 65_535))
SERIAL_PORT = Value("the name of a serial port, as the board has no `host`", lambda v: isinstance(v, str))

OF_HOST = {"user": TEXT, "key": TEXT, "host_key": FINGERPRINT}
"""Keys of a board on the network; an android without a host may have a `key` too."""
VALUES: Mapping[str, Value] = {
    **{"name": NAME, "target": NAME, "host": NAME, "serial": TEXT, "agent": TEXT, "core": CORE},
    **{"governor": TEXT, "max_celsius": NUMBER, "cool_down": NUMBER, "switch_instructions": NUMBER},
    **{"latency_us": LIMITS, "instructions": LIMITS},
    **OF_HOST,
}
"""All keys but `port`, whose values depend on `host`."""
_DEFAULT_PORTS = {"android": 5555}


def shipped() -> Path:
    """Return the file that is read when none is named."""
    return fixtures_dir() / "boards.toml"


def load(path: Path) -> tuple[Entry, ...]:
    """Read the boards in the order of the file; paths in it are relative to its folder.

    Raises:
        BoardsFileError: The file cannot be read, or a key or a value in it is wrong.
    """
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        remedy = f"copy {shipped()}, or leave --boards out"
        raise BoardsFileError(f"cannot read the boards: {error.strerror}; {remedy}", file=path) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BoardsFileError(f"not TOML: {error}", file=path) from error
    for key in table:
        if key != "board":
            raise BoardsFileError(f"unknown key {key!r}{nearest(key, ['board'])}", file=path, key=key)
    rows = table.get("board", [])
    if not isinstance(rows, list) or not rows or not all(isinstance(row, dict) for row in rows):
        raise BoardsFileError("no boards; write each as [[board]] with name and target", file=path)
    entries = tuple(_BoardTable(path, row, str(row.get("name", i))).entry() for i, row in enumerate(rows, 1))
    names = [entry.name for entry in entries]
    for name in names:
        if names.count(name) > 1:
            raise BoardsFileError(f"two boards are named {name!r}; rename one", file=path, key="name")
    return entries


def named(path: Path | None, name: str) -> Entry:
    """Return the board of this name, or else the first of this target.

    A target that the file does not mention is a board without further settings.

    Args:
        path: The boards file, None for the shipped one.
        name: Name of a board, or of a target.

    Raises:
        BoardsFileError: The file is invalid, or the name is unknown.
    """
    path = path or shipped()
    entries = load(path)
    names = {entry.name: entry for entry in entries}
    of_target = [entry for entry in entries if entry.target == name]
    if name in names or of_target:
        return names[name] if name in names else of_target[0]
    if name not in target_names():
        raise BoardsFileError(f"no board {name!r}{nearest(name, names)}", file=path)
    return Entry(name, name)


@dataclass(frozen=True)
class _BoardTable:
    """One `[[board]]` table of a file; `board` is its name, or its number if it has none."""

    file: Path
    row: Mapping[str, Any]
    board: str

    def entry(self) -> Entry:
        """Check all keys and values, and return them as an entry."""
        self._check(self.row.keys() - {"port"})
        for key in ("name", "target"):
            if key not in self.row:
                raise self._error(key, f"it has no `{key}`; add one")
        try:
            target(self.row["target"])
        except UnknownTarget as error:
            raise self._error("target", error.text) from error
        host = self._host() if "host" in self.row else None
        if host is None:
            self._check_without_host()
        wanted = ("serial", "core", "governor", "max_celsius", "cool_down", "switch_instructions")
        return Entry(
            self.row["name"],
            self.row["target"],
            port=None if host else self.row.get("port"),
            agent=self._path("agent"),
            latency_us=self._limits("latency_us"),
            instructions=self._limits("instructions"),
            host=host,
            key=None if host else self._path("key"),
            **{key: self.row[key] for key in wanted if key in self.row},
        )

    def _host(self) -> Host:
        port = self.row.get("port", _DEFAULT_PORTS.get(self.row["target"], 22))
        self._check_value("port", port, TCP_PORT)
        row = self.row
        return Host(row["host"], port, row.get("user"), self._path("key"), row.get("host_key"))

    def _check_without_host(self) -> None:
        if "port" in self.row:
            self._check_value("port", self.row["port"], SERIAL_PORT)
        allowed = {"key"} if self.row["target"] == "android" else set()
        for key in OF_HOST:
            if key in self.row and key not in allowed:
                raise self._error(key, f"`{key}` is for a board that has a host; add `host`")

    def _check(self, keys: Iterable[str]) -> None:
        for key in sorted(keys):
            if key not in VALUES:
                raise self._error(key, f"unknown key {key!r}{nearest(key, (*VALUES, 'port'))}")
            self._check_value(key, self.row[key], VALUES[key])

    def _check_value(self, key: str, value: Any, allowed: Value) -> None:
        if not allowed.accepts(value):
            raise self._error(key, f"`{key}` is {value!r}; write {allowed.expected}")

    def _path(self, key: str) -> Path | None:
        if key not in self.row:
            return None
        file = (self.file.parent / Path(self.row[key]).expanduser()).resolve()
        if not file.is_file():
            raise self._error(key, f"`{key}` names {file}, which does not exist")
        return file

    def _limits(self, key: str) -> Mapping[str, float]:
        return {subnet: float(limit) for subnet, limit in self.row.get(key, {}).items()}

    def _error(self, key: str, text: str) -> BoardsFileError:
        return BoardsFileError(text, file=self.file, board=self.board, key=key)
