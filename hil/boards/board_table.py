"""Check one `[[board]]` table of a boards file, key by key, and make it an entry."""

import math
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hil.boards.entry import LIMITS_BY_SUBNET, Entry
from hil.boards.meter_table import meter_of
from hil.boards.registry import target
from hil.energy.meter import Meter
from hil.errors import BoardsFileError, UnknownTarget
from hil.firmware.elsewhere import FIRMWARE
from hil.transports.host import Host
from hil.transports.network_port import network_port
from reds.reading import check_regular, reason, user_path
from reds.spelling import did_you_mean
from reds.text import is_printable, shown


@dataclass(frozen=True)
class Value:
    """The valid values of a key: a phrase for errors, and a test."""

    expected: str
    accepts: Callable[[Any], bool]


def _is_name(value: Any) -> bool:
    return is_printable(value) and bool(value.strip())


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < math.inf


def _is_limits(value: Any) -> bool:
    return isinstance(value, dict) and all(map(is_printable, value)) and all(map(_is_number, value.values()))


def _is_whole(value: Any, least: int, most: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= most


def _is_command(value: Any) -> bool:
    if not (isinstance(value, list) and value and all(isinstance(word, str) for word in value)):
        return False
    program = value[0]
    by_path = not Path(program).is_absolute() and "/" in program
    return bool(program) and not by_path and all(word.isprintable() for word in value)


def _is_fingerprint(value: Any) -> bool:
    return isinstance(value, str) and bool(re.fullmatch(r"SHA256:[A-Za-z0-9+/]{43}", value))


def _is_serial_port(value: Any) -> bool:
    if not is_printable(value):
        return False
    try:
        network_port(value)
    except ValueError:
        return False
    return True


TEXT = Value("a printable text of up to 200 characters", is_printable)
NAME = Value("a printable text of up to 200 characters, not blank", _is_name)
NUMBER = Value("a number above 0", _is_number)
LIMITS = Value('a table of numbers above 0 by subnet, such as { "25%" = 2500.0 }', _is_limits)
CORE = Value("the number of a core, from 0 to 4095", lambda value: _is_whole(value, 0, 4095))
FINGERPRINT = Value("SHA256: and 43 characters, as ssh-keygen -l prints it", _is_fingerprint)
COMMAND = Value(
    'a list of a program (on PATH, or its whole path) and its arguments, such as ["uhubctl", "-a", "cycle"]',
    _is_command,
)
YES_OR_NO = Value("true or false", lambda value: isinstance(value, bool))
UPLOAD = Value(
    f'a list of a program and its arguments, one with {FIRMWARE}, such as ["bossac", "-w", "{FIRMWARE}"]',
    lambda value: _is_command(value) and any(FIRMWARE in word for word in value),
)
VIA = Value(
    'a table of a host and its login, such as { host = "exporter", user = "lab" }',
    lambda value: isinstance(value, dict) and "host" in value,
)
METER = Value('a table with a kind, such as { kind = "hwmon" }', lambda value: isinstance(value, dict))
_VIA_PORT = Value("a TCP port from 1 to 65535", lambda value: _is_whole(value, 1, 65_535))
TCP_PORT = Value("a TCP port from 1 to 65535, as the board has a `host`", lambda v: _is_whole(v, 1, 65_535))
SERIAL_PORT = Value(
    "the name of a serial port, or socket://HOST:PORT or rfc2217://HOST:PORT, as the board has no `host`",
    _is_serial_port,
)

OF_HOST = {"user": TEXT, "key": TEXT, "host_key": FINGERPRINT}
"""Keys of a board on the network; an android without a host may have a `key` too."""
VALUES: Mapping[str, Value] = {
    **{"name": NAME, "target": NAME, "host": NAME, "serial": TEXT, "agent": TEXT, "core": CORE},
    **{"governor": TEXT, "max_celsius": NUMBER, "cool_down": NUMBER, "switch_instructions": NUMBER},
    **dict.fromkeys(LIMITS_BY_SUBNET, LIMITS),
    "power_cycle": COMMAND,
    "emulated": YES_OR_NO,
    "via": VIA,
    "upload": UPLOAD,
    "meter": METER,
    **OF_HOST,
}
"""Valid values of all keys except `port`, which depends on `host`."""
VIA_VALUES: Mapping[str, Value] = {"host": NAME, "port": _VIA_PORT, **OF_HOST}
"""Valid values of the keys of `via`."""
_DEFAULT_PORTS = {"android": 5555}


@dataclass(frozen=True)
class BoardTable:
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
        via = BoardTable(self.file, self.row["via"], self.board).via() if "via" in self.row else None
        if host is None:
            self._check_without_host()
        wanted = ("serial", "core", "governor", "max_celsius", "cool_down", "switch_instructions", "emulated")
        limits: dict[str, Any] = {key: self._limits(key) for key in LIMITS_BY_SUBNET}
        return Entry(
            self.row["name"],
            self.row["target"],
            port=None if host else self.row.get("port"),
            agent=self._path("agent"),
            host=host,
            key=None if host else self._path("key"),
            power_cycle=tuple(self.row.get("power_cycle", ())),
            via=via,
            upload=tuple(self.row.get("upload", ())),
            meter=self._meter(),
            **limits,
            **{key: self.row[key] for key in wanted if key in self.row},
        )

    def via(self) -> Host:
        """Check all keys and values of this table as those of `via`, and return the machine."""
        self._check(self.row.keys(), VIA_VALUES, "via.")
        row = self.row
        return Host(row["host"], row.get("port", 22), row.get("user"), self._path("key"), row.get("host_key"))

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

    def _check(self, keys: Iterable[str], values: Mapping[str, Value] = VALUES, of: str = "") -> None:
        known = sorted(values.keys() | {"port"})
        for key in sorted(keys):
            if key not in values:
                raise self._error(key, f"unknown key {of + key!r}; {did_you_mean(key, known)}")
            self._check_value(key, self.row[key], values[key])

    def _check_value(self, key: str, value: Any, allowed: Value) -> None:
        if not allowed.accepts(value):
            raise self._error(key, f"`{key}` is {shown(value)}; write {allowed.expected}")

    def _path(self, key: str) -> Path | None:
        if key not in self.row:
            return None
        try:
            file = self.file.parent / user_path(self.row[key])
            check_regular(file)
            return file.resolve(strict=True)
        except FileNotFoundError:
            raise self._error(key, f"`{key}` names {file}, which does not exist") from None
        except OSError as error:
            raise self._error(key, f"`{key}` names {file}, which cannot be read: {reason(error)}") from error
        except ValueError as error:
            raise self._error(key, f"`{key}`: {error}") from None

    def _meter(self) -> Meter | None:
        if "meter" not in self.row:
            return None
        try:
            return meter_of(self.row["meter"])
        except ValueError as error:
            raise self._error("meter", str(error)) from None

    def _limits(self, key: str) -> Mapping[str, float]:
        return {subnet: float(limit) for subnet, limit in self.row.get(key, {}).items()}

    def _error(self, key: str, text: str) -> BoardsFileError:
        return BoardsFileError(text, file=self.file, board=self.board, key=key)
