"""Mistakes with a lab, each of which raises one error. A script stands in for a client that fails."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from hil.boards import boards_toml
from hil.lab import listing, owner
from hil.lab.client import PROGRAM, Client
from hil.lab.guest import Guest
from hil.lab.listing import Resource
from hil.lab.place_entry import place_entry

Fault = Callable[[Path], object]
SERIAL = {"host": "10.0.0.7", "port": 5701, "speed": 115_200, "protocol": "raw"}
UNREACHABLE = (
    "ERROR              root: coordinator is unavailable: failed to connect to all addresses; last error: "
    "UNKNOWN: ipv4:10.0.0.7:20408: Failed to connect to remote host: Connection refused\n"
    "Server error: Error: Could not connect to coordinator"
)


def program(folder: Path, script: str) -> Path:
    """Write a script in place of labgrid's client."""
    (folder / "bin").mkdir()
    file = folder / "bin" / PROGRAM
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(0o755)
    return file.parent


def calling(script: str | None, coordinator: str = "lab:20408", seconds: float = 60.0) -> Fault:
    """List places through a script in place of labgrid's client; None for no such program."""

    def run(folder: Path) -> None:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("PATH", f"{program(folder, script)}:/bin:/usr/bin" if script else str(folder))
            client = Client(coordinator, owner.new())
            listing._places(client, client.call("-v", "places", seconds=seconds))

    return run


def told(output: str, status: int = 0) -> Fault:
    """List places through a script that prints this."""
    return calling(f"cat <<'END'\n{output}\nEND\nexit {status}")


def guest(target: str = "", emulated: bool | None = None, **tags: str) -> Fault:
    """Open the board of a target of labgrid, whose place has these tags."""

    class RemotePlace:
        name = "nano-1"

    def run(folder: Path) -> object:
        place = RemotePlace()
        place.tags = tags  # type: ignore[attr-defined]
        there = SimpleNamespace(name="main", resources=[place], await_resources=lambda found: None)
        return Guest(target, emulated, boards_toml.shipped(), lambda: there).entry()

    return run


def table(text: str) -> Fault:
    """Read the table `[lab]` of a boards file."""

    def run(folder: Path) -> object:
        path = folder / "boards.toml"
        path.write_text(text)
        return boards_toml.load(path), boards_toml.load_lab(path)

    return run


def entry(
    *resources: tuple[str, dict[str, object]],
    text: str = "[lab]\n",
    target: str = "nano33ble",
    place: str = "nano-1",
    **extra: object,
) -> Fault:
    """Make the entry of a place with these resources."""

    def run(folder: Path) -> object:
        path = folder / "boards.toml"
        path.write_text(text)
        found = [Resource(("rack-1", place, kind, kind), params, extra) for kind, params in resources]
        return place_entry(place, target, found, path, boards_toml.load_lab(path))

    return run


LAB_FAULTS: dict[str, Fault] = {
    "lab: no labgrid on this machine": calling(None),
    "lab: no coordinator at the address": told(UNREACHABLE, 1),
    "lab: a server of another kind at the address": told("Error: Could not connect to coordinator", 1),
    "lab: a coordinator that does not answer": calling("exec sleep 60", seconds=0.1),
    "lab: a client that cannot be run": calling("exec /nowhere"),
    "lab: a coordinator that refuses": told("Server error: Error: Place nano-1 was not reserved for a/b", 1),
    "lab: a client of another version": told("place nano-1 is free"),
    "lab: a table that is none": table("lab = 3\n"),
    "lab: a misspelled key": table('[lab]\ncordinator = "lab:20408"\n'),
    "lab: a coordinator without a port": table('[lab]\ncoordinator = "lab"\n'),
    "lab: a tag that labgrid does not take": table('[lab]\ntags = { Site = "attic" }\n'),
    "lab: the target among the tags": table('[lab]\ntags = { board = "pi" }\n'),
    "lab: a place that is no table": table("[lab.places]\nnano-1 = 3\n"),
    "lab: a misspelled key of a place": table('[lab.places.nano-1]\nseriel = "S1"\n'),
    "lab: a port of a place, which the lab knows": table('[lab.places.nano-1]\nport = "/dev/ttyACM0"\n'),
    "lab: a wrong value of a place": table("[lab.places.nano-1]\nlatency_us = 3\n"),
    "lab: a target of labgrid of no known kind": guest(),
    "lab: a target of labgrid of another kind": guest("pi", board="nano33ble"),
    "lab: a target of labgrid that is no emulated one": guest("pi", True, board="pi"),
    "lab: a place without a resource": entry(),
    "lab: a place whose resource no board has": entry(("NetworkPowerPort", {})),
    "lab: a serial port of another protocol": entry(("NetworkSerialPort", {**SERIAL, "protocol": "ssh"})),
    "lab: a serial port without a number": entry(("NetworkSerialPort", {**SERIAL, "port": None})),
    "lab: a host that is none": entry(("NetworkSerialPort", {**SERIAL, "host": "a b"})),
    "lab: an isolated exporter": entry(("NetworkSerialPort", SERIAL), proxy_required=True),
    "lab: a place that is described twice": entry(
        ("NetworkSerialPort", SERIAL),
        text='[[board]]\nname = "nano-1"\ntarget = "nano33ble"\n[lab.places.nano-1]\nserial = "S1"\n',
    ),
    "lab: a board of another target than its place": entry(
        ("NetworkSerialPort", SERIAL), text='[[board]]\nname = "nano-1"\ntarget = "pi"\n[lab]\n'
    ),
}
