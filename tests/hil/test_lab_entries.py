"""Test that a place of a lab becomes the board that its resources and the boards file describe."""

from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

from hil.boards.boards_toml import load, load_lab
from hil.boards.entry import Entry
from hil.errors import BoardsFileError
from hil.lab import listing, owner
from hil.lab.client import Client
from hil.lab.listing import Resource
from hil.lab.place_entry import place_entry
from hil.options import lab_address
from hil.transports.host import Host
from tests.hil.support.raising import raises

KEY = "SHA256:" + "A" * 43
LAB = f"""
[lab]
coordinator = "lab:20408"
tags = {{ site = "attic" }}

[lab.places.left]
serial = "S1"
latency_us = {{ "25%" = 2500 }}
upload = ["bossac", "-w", "{{firmware}}"]

[lab.places.pi-1]
host_key = "{KEY}"
core = 3

[lab.places.phone]
serial = "0A061JEC"

[[board]]
name = "right"
target = "nano33ble"
port = "/dev/ttyACM0"
serial = "S2"
"""


def entry(tmp_path: Path, place: str, target: str, kind: str, **params: Any) -> Entry:
    path = tmp_path / "boards.toml"
    path.write_text(LAB)
    resource = Resource(("rack-1", place, kind, kind), params, {"proxy": "rack-1", "proxy_required": False})
    other = Resource(("rack-1", place, "NetworkPowerPort", "power"), {})
    return place_entry(place, target, [other, resource], path, load_lab(path))


@pytest.mark.parametrize(
    ("host", "more", "port"),
    [
        ("10.0.0.7", {"protocol": "raw"}, "socket://10.0.0.7:5701"),
        ("exporter-1", {"protocol": "rfc2217"}, "rfc2217://exporter-1:5701"),
        ("exporter-1", {}, "rfc2217://exporter-1:5701"),  # as labgrid's resource has it
        ("fe80::7", {"protocol": "raw"}, "socket://[fe80::7]:5701"),
    ],
)
def test_network_serial_port_is_the_port_of_a_nano(
    tmp_path: Path, host: str, more: dict[str, str], port: str
) -> None:
    found = entry(
        tmp_path, "left", "nano33ble", "NetworkSerialPort", host=host, port=5701, speed=115200, **more
    )
    via, upload = Host(host), ("bossac", "-w", "{firmware}")
    expected = Entry("left", "nano33ble", port=port, serial="S1", latency_us={"25%": 2500.0}, via=via)
    assert found == Entry(**{**vars(expected), "upload": upload})


def test_network_service_is_the_host_of_a_pi(tmp_path: Path) -> None:
    found = entry(tmp_path, "pi-1", "pi", "NetworkService", address="10.0.0.8", username="lab", port=2222)
    assert found == Entry("pi-1", "pi", host=Host("10.0.0.8", 2222, "lab", None, KEY), core=3)
    other = entry(tmp_path, "pi-2", "pi", "NetworkService", address="10.0.0.9", username="lab")
    assert other == Entry("pi-2", "pi", host=Host("10.0.0.9", 22, "lab"))


def test_android_is_on_the_network_or_on_the_adb_server_of_its_exporter(tmp_path: Path) -> None:
    networked = entry(
        tmp_path, "tablet", "android", "NetworkService", address="10.0.0.9", username="x", port=5555
    )
    assert networked == Entry("tablet", "android", host=Host("10.0.0.9", 5555))
    plugged = entry(tmp_path, "phone", "android", "NetworkAndroidFastboot", host="rack-1", busnum=1)
    assert plugged == Entry("phone", "android", serial="0A061JEC", via=Host("rack-1"))


def test_board_with_the_name_of_a_place_gives_its_keys_but_not_its_port(tmp_path: Path) -> None:
    found = entry(tmp_path, "right", "nano33ble", "NetworkSerialPort", host="h", port=1, protocol="raw")
    assert found == Entry("right", "nano33ble", port="socket://h:1", serial="S2")


def test_file_with_a_lab_alone_has_no_boards(tmp_path: Path) -> None:
    path = tmp_path / "boards.toml"
    path.write_text('[lab]\ncoordinator = "lab:20408"\n')
    assert load(path) == ()
    path.write_text('[lab]\ncoordinator = "lab:70000"\n')
    with raises(BoardsFileError, file=path, key="coordinator"):
        load(path)


@pytest.mark.parametrize(
    ("address", "good"),
    [("lab:20408", True), ("[fe80::7]:1", True), ("fe80::7:1", False), ("lab:0", False), (":1", False)],
)
def test_option_and_file_name_a_coordinator_alike(tmp_path: Path, address: str, good: bool) -> None:
    path = tmp_path / "boards.toml"
    path.write_text(f'[lab]\ncoordinator = "{address}"\n')
    with nullcontext() if good else pytest.raises(ValueError, match="HOST:PORT"):
        assert lab_address(address) == address
    with nullcontext() if good else raises(BoardsFileError, file=path, key="coordinator"):
        assert load_lab(path).coordinator == address


@pytest.mark.parametrize("value", ["3", "true", '""', '"a b"'])
def test_tag_that_no_place_can_have_is_refused(tmp_path: Path, value: str) -> None:
    path = tmp_path / "boards.toml"
    path.write_text(f"[lab]\ntags = {{ rack = {value} }}\n")
    with raises(BoardsFileError, file=path, key="tags"):
        load_lab(path)


OUTPUT = """\
INFO               root: a line of a log
Place 'nano-1':
  aliases: left
  comment: the loud one: do not touch
  tags: board=nano33ble, site=attic
  matches:
    */nano-rack/*
    rack-1/power/NetworkPowerPort -> power
  acquired: pc7/anna
  acquired resources:
    rack-1/nano-rack/NetworkSerialPort/NetworkSerialPort
  created: 2026-11-29 00:40:54.515309
  changed: 2026-11-29 00:40:58.882997
  reservation: XPNGMQF1XK
Acquired resource 'NetworkSerialPort' (rack-1/nano-rack/NetworkSerialPort/NetworkSerialPort):
  {'acquired': 'nano-1',
   'avail': True,
   'cls': 'NetworkSerialPort',
   'params': {'extra': {'proxy_required': False}, 'port': 5701}}
Orphaned resource 'power' (rack-1/power/NetworkPowerPort/power)
"""


def test_place_is_read_as_labgrid_shows_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    client = Client("lab:20408", owner.new())
    monkeypatch.setattr(Client, "call", lambda *_: OUTPUT)
    place, (resource,) = listing.shown(client, "nano-1")
    assert place.tags == {"board": "nano33ble", "site": "attic"}
    assert place.owner == "pc7/anna"
    assert resource.params == {"port": 5701}
    assert place.serves(resource)
    assert place.serves(Resource(("rack-1", "power", "NetworkPowerPort", "power"), {}))
    assert not place.serves(Resource(("rack-2", "power", "NetworkPowerPort", "power"), {}))
