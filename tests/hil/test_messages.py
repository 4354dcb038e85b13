"""Test the wording of errors that users meet. All other tests match types and attributes."""

from collections.abc import Callable
from pathlib import Path

import pytest

from hil import cache
from hil.boards import boards_toml
from hil.boards.capacity import best_layout, check_capacity
from hil.boards.entry import Entry
from hil.boards.facts import Provenance
from hil.boards.registry import target
from hil.boards.targets.nano33ble import Desk, absent
from hil.errors import HilError
from hil.firmware import build
from hil.lifetime.folder import TemporaryFolder
from hil.protocol.frame import decode
from hil.protocol.hello import read_hello
from hil.results import store
from hil.transports.adb.find import choose
from hil.transports.host import Host
from hil.transports.process import ProcessTransport
from hil.transports.serial import SerialTransport
from hil.transports.serial_ports import Port
from reds.pack.layouts import CANONICAL
from tests.support.nets import dense_model

NET = dense_model([20, 24, 16, 5], [[8, 8, 5], [24, 16, 5]], name="small")
BOARD = '[[board]]\nname = "left"\ntarget = "nano33ble"\n'
PI = '[[board]]\nname = "pi"\ntarget = "pi"\n'
EMPTY_DESK = Desk(lambda: (Port("/dev/ttyS0"),), lambda port: None, lambda: "")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no boards; write each as [[board]] with name and target"),
        ("[[boards]]", "unknown key 'boards'; did you mean board? Known: board"),
        (BOARD + 'prot = "x"', "board 'left': unknown key 'prot'; did you mean port? Known: agent, "),
        (
            BOARD + "port = 3",
            "board 'left': `port` is 3; write the name of a serial port, as the board has no",
        ),
        ('[[board]]\nname = "left"', "board 'left': it has no `target`; add one"),
        (
            '[[board]]\nname = "left"\ntarget = "nano"',
            "board 'left': there is no target 'nano'; did you mean",
        ),
        (
            BOARD + 'latency_us = { "25%" = 0 }',
            "board 'left': `latency_us` is {'25%': 0}; write a table of nu",
        ),
        (BOARD + "max_celsius = -1", "board 'left': `max_celsius` is -1; write a number above 0"),
        (BOARD + BOARD, "two boards are named 'left'; rename one"),
        (PI + 'user = "u"', "board 'pi': `user` is for a board that has a host; add `host`"),
        (
            PI + 'host = "h"\nport = 65536',
            "board 'pi': `port` is 65536; write a TCP port from 1 to 65535, as",
        ),
        (
            PI + 'host = "h"\nhost_key = "ab:cd"',
            "board 'pi': `host_key` is 'ab:cd'; write SHA256: and 43 char",
        ),
        (PI + "core = 4096", "board 'pi': `core` is 4096; write the number of a core, from 0 to 4095"),
    ],
)
def test_message_of_an_invalid_boards_file(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "boards.toml"
    path.write_text(text)
    with pytest.raises(HilError) as caught:
        boards_toml.load(path)
    assert str(caught.value).startswith(f"{path}: {message}")


@pytest.mark.parametrize(
    ("states", "serial", "message"),
    [
        (
            {},
            None,
            "no Android device on USB; enable USB debugging on it and plug it in, or set `host` in a ",
        ),
        ({}, "A", "no Android device A on USB; plug it in"),
        ({"emulator-5554": "device"}, None, "no Android device on USB (there: emulator-5554); enable USB"),
        ({"B": "device"}, "A", "no Android device A on USB (there: B); plug it in"),
        ({}, "emulator-5554", "no Android device emulator-5554 on USB; start it"),
        ({"A": "device", "B": "device"}, None, "2 Android devices on USB (A, B); choose by `serial` in a"),
        ({"A": "unauthorized"}, None, "A on USB is not ready (unauthorized); unlock its screen and"),
        ({"A": "no permissions; see [http]"}, None, "A on USB is not ready (no permissions); install"),
        ({"A": "offline"}, "A", "A on USB is not ready (offline); unplug it and plug it in again"),
        ({"A": "recovery"}, "A", "A on USB is not ready (recovery); start its system and"),
    ],
)
def test_message_of_a_device_that_cannot_be_chosen(
    states: dict[str, str], serial: str | None, message: str
) -> None:
    with pytest.raises(HilError) as caught:
        choose(states, serial, "USB")
    assert str(caught.value).startswith(message)


def start(entry: Entry) -> None:
    with target(entry.target).start(entry, Provenance.HARDWARE):
        pass


def hello_of_version_9() -> None:
    read_hello(b"\x09\x00" + bytes(62))


MESSAGES: list[tuple[Callable[[], object], str]] = [
    (
        lambda: start(Entry("desk", "desktop", host=Host("h"))),
        "desk: `host` is for a board on a port or the network, not a desktop; remove it",
    ),
    (
        lambda: start(Entry("left", "nano33ble", core=1)),
        "left: `core` is for a board that runs Linux, not a nano33ble; remove it",
    ),
    (
        lambda: start(Entry("left", "nano33ble", agent=Path("x.elf"))),
        "left: `agent` is for an emulated board; remove it or add --emulate",
    ),
    (
        lambda: start(Entry("pi-1", "pi")),
        "pi-1: its entry names no host; add `host` and `user` in a boards file",
    ),
    (
        lambda: start(Entry("pi-1", "pi", serial="S1")),
        "pi-1: `serial` is for a board on a port, not a pi; remove it",
    ),
    (
        lambda: start(Entry("phone", "android", port="/dev/ttyACM0")),
        "phone: `port` without a host is for a board on a serial port, not an android; remove it",
    ),
    (
        lambda: check_capacity("nano", NET, CANONICAL, 1, 1 << 20),
        "nano: small takes 1,968 bytes of 1; no subnet of it would fit",
    ),
    (
        lambda: best_layout("nano", NET, frozenset({31})),
        "nano: no layout of its agent runs the dense of small; upload the agent again",
    ),
    (
        lambda: target("desktp"),
        "there is no target 'desktp'; did you mean desktop? Known: android, desktop, nano33ble, pi",
    ),
    (
        lambda: boards_toml.load(Path("nowhere.toml")),
        f"nowhere.toml: cannot read the boards: No such file or directory; copy {boards_toml.shipped()},"
        " or leave --boards out",
    ),
    (
        lambda: ProcessTransport(Path("/nowhere/agent")),
        "/nowhere/agent: the agent does not start: No such file or directory;"
        " check that it is a program for this machine",
    ),
    (
        lambda: SerialTransport("/dev/ttyNOWHERE"),
        "port /dev/ttyNOWHERE cannot be opened: No such file or directory; plug it in",
    ),
    (
        lambda: SerialTransport("/dev/null"),
        "port /dev/null is not a serial port; name another",
    ),
    (
        lambda: store.prepare(Path("/")),
        "/: cannot write the results there; name a file in a folder of yours",
    ),
    (
        lambda: decode(b"\x02\x01"),
        "a frame has 1 bytes, fewer than the least of 6",
    ),
    (
        lambda: TemporaryFolder("x", Path("/nowhere")),
        "no temporary folder can be made in /nowhere: No such file or directory;"
        " make room there, or set TMPDIR to a folder of yours",
    ),
    (
        hello_of_version_9,
        "the agent speaks version 9 of the protocol, this program 2",
    ),
]


@pytest.mark.parametrize(("fail", "message"), MESSAGES, ids=[message[:30] for _, message in MESSAGES])
def test_message_names_observation_and_remedy(fail: Callable[[], object], message: str) -> None:
    with pytest.raises(HilError) as caught:
        fail()
    assert str(caught.value) == message


def test_message_of_a_cache_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "reds-hil").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with pytest.raises(HilError) as caught:
        cache.keep(cache.cache_dir() / "agent", b"")
    failed = f"the cache cannot be written in {tmp_path}/reds-hil: File exists"
    assert str(caught.value) == f"{failed}; make room there, or set XDG_CACHE_HOME to a folder of yours"


def test_message_of_a_folder_that_platformio_cannot_use(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a$b").mkdir()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "a$b"))
    with pytest.raises(HilError) as caught:
        build.upload_nano("/dev/ttyNOWHERE")
    barred = f"PlatformIO cannot build in '{tmp_path}/a$b/reds-hil/platformio', because of its character '$'"
    assert str(caught.value) == f"{barred}; set XDG_CACHE_HOME to a folder without it"


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        (Entry("left", "nano33ble"), "no Arduino Nano 33 BLE on USB; plug it in"),
        (
            Entry("left", "nano33ble", serial="S9"),
            "no Arduino Nano 33 BLE with serial number S9 on USB; plug it in",
        ),
        (
            Entry("left", "nano33ble", port="/dev/ttyACM9"),
            "port /dev/ttyACM9 does not exist (ports here: /dev/ttyS0); plug it in",
        ),
    ],
)
def test_reason_why_a_nano_is_absent(entry: Entry, reason: str) -> None:
    assert absent(entry, EMPTY_DESK) == reason
