"""Read boards.toml: the boards of a desk or a lab, one `[[board]]` table each.

[[board]]
name = "nano-left"                  # in ids, tables and results
target = "nano33ble"                # a file of hil/boards/targets
port = "/dev/ttyACM0"               # optional: else found by its USB id. A port of another machine:
                                    # "socket://HOST:PORT" (raw TCP) or "rfc2217://HOST:PORT" (telnet)
serial = "0123456789ABCDEF"         # optional: the USB serial number, to tell two of a kind apart
emulated = true                     # optional: an emulator is at this port of another machine
via = { host = "exporter", user = "lab", port = 22, key = "...", host_key = "..." } # optional: that machine
upload = ["bossac", "-w", "{firmware}"] # optional: a command on it that stores the agent on the board
agent = "slow.elf"                  # optional: a prebuilt agent, for an emulated board, a desktop or a pi
latency_us = { "25%" = 2500.0 }     # optional: limit of one inference by subnet, on a board with a clock
instructions = { "25%" = 30000 }    # optional: the same, on a board that counts instructions
switch_instructions = 100           # optional: limit of the slowest switch, on a board that counts them only
stack_bytes = { "25%" = 512 }       # optional: limit of the stack of one inference by subnet
ram_bytes = { "25%" = 16384 }       # optional: limit of arena, stack and the runtime's state together
power_cycle = ["uhubctl", "-l", "1-1", "-p", "2", "-a", "cycle"]    # optional: a command on this machine
                                    # that restarts a lost board, a program and its arguments, no shell
meter = { kind = "ppk2", port = "/dev/ttyACM1", millivolts = 3300 } # optional: see docs/energy.md

[[board]]
name = "pi-4"
target = "pi"
host = "raspberrypi.local"          # a name or an address; ~/.ssh/config is not read
port = 22                           # optional
user = "pi"                         # optional: else the user here
via = { host = "exporter" }         # optional: connect through this machine, as with ssh -J
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
via = { host = "exporter" }         # optional: it is on the adb server of this machine
host = "192.168.0.7"                # optional: the device is on the network, after `adb tcpip 5555`
port = 5555                         # optional
key = "adbkey"                      # optional: used without an adb server; else ~/.android/adbkey, made
                                    # if it is missing
core = 7                            # optional: pins the agent to a core

A table `[lab]` names a coordinator of labgrid; `hil.boards.lab_table` has its keys.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hil.boards.board_table import BoardTable
from hil.boards.entry import Entry
from hil.boards.lab_table import LabTable, lab_table
from hil.boards.registry import target_names
from hil.errors import BoardsFileError
from reds.fixtures import fixtures_dir
from reds.reading import parse_toml_table, read_regular, reason
from reds.spelling import did_you_mean

_MOST_BOARDS = 1000


def shipped() -> Path:
    """Return the file that is read when none is named."""
    return fixtures_dir() / "boards.toml"


def load(path: Path) -> tuple[Entry, ...]:
    """Read the boards in the order of the file; paths in it are relative to its folder.

    A file with a table `[lab]` may have none.

    Raises:
        BoardsFileError: The file cannot be read, or a key or a value in it is wrong.
    """
    return _entries(path, _table(path))


def load_lab(path: Path) -> LabTable:
    """Read the table `[lab]` of a boards file; an empty one if there is none. Raises `BoardsFileError`."""
    return lab_table(path, _table(path).get("lab", {}))


def rows(path: Path) -> tuple[Mapping[str, Any], ...]:
    """Return the tables `[[board]]` of a boards file, which `load` has checked, as they are written."""
    found = _table(path).get("board", ())
    return tuple(row for row in found if isinstance(row, dict)) if isinstance(found, list) else ()


def _table(path: Path) -> Mapping[str, Any]:
    try:
        table = parse_toml_table(read_regular(path))
    except OSError as error:
        remedy = f"copy {shipped()}, or leave --boards out"
        raise BoardsFileError(f"cannot read the boards: {reason(error)}; {remedy}", file=path) from error
    except ValueError as error:
        raise BoardsFileError(f"not TOML: {reason(error)}", file=path) from error
    for key in table:
        if key not in ("board", "lab"):
            known = did_you_mean(key, ["board", "lab"])
            raise BoardsFileError(f"unknown key {key!r}; {known}", file=path, key=key)
    return table


def _entries(path: Path, table: Mapping[str, Any]) -> tuple[Entry, ...]:
    if "lab" in table:
        lab_table(path, table["lab"])
        if "board" not in table:
            return ()
    tables = table.get("board", [])
    if not isinstance(tables, list) or not tables or not all(isinstance(row, dict) for row in tables):
        raise BoardsFileError("no boards; write each as [[board]] with name and target", file=path)
    if len(tables) > _MOST_BOARDS:
        raise BoardsFileError(f"{len(tables):,} boards; write at most {_MOST_BOARDS:,} in a file", file=path)
    entries = tuple(BoardTable(path, row, str(row.get("name", i))).entry() for i, row in enumerate(tables, 1))
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
        raise BoardsFileError(f"no board {name!r}; {did_you_mean(name, names)}", file=path)
    return Entry(name, name)
