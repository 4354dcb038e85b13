import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from hil.boards.board_table import VALUES
from hil.boards.boards_toml import load
from hil.boards.entry import LIMITS_BY_SUBNET, Entry
from hil.boards.facts import Provenance
from hil.boards.registry import target, target_names
from hil.energy.meter import Meter
from hil.errors import BoardAbsent, BoardsFileError, UnknownTarget
from hil.suite.board_selection import SelectedBoard, select_boards
from hil.transports.host import Host
from reds.fixtures import fixtures_dir
from tests.hil.support.raising import raises
from tests.hil.support.settings import SUBNETS, settings
from tests.support.odd_files import ODD_FILES, OddFile
from tests.support.refusals import may_refuse

Write = Callable[[str], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def file(text: str) -> Path:
        path = tmp_path / "boards.toml"
        path.write_text(text)
        return path

    return file


def test_every_key_is_read_and_files_are_relative_to_the_boards_file(write: Write, tmp_path: Path) -> None:
    (tmp_path / "slow.elf").touch()
    path = write("""
        [[board]]
        name = "left"
        target = "nano33ble"
        port = "/dev/ttyACM0"
        serial = "S1"
        agent = "slow.elf"
        latency_us = { "25%" = 2500, "100%" = 9000.5 }
        instructions = { "25%" = 30000 }
        switch_instructions = 20
        stack_bytes = { "25%" = 512 }
        ram_bytes = { "100%" = 2048 }
        power_cycle = ["uhubctl", "-a", "cycle", "; true"]
        meter = { kind = "ppk2", port = "/dev/ttyACM1", millivolts = 3300, marker = 0 }
    """)
    budgets = {"25%": 2500.0, "100%": 9000.5}
    more: dict[str, Any] = {"instructions": {"25%": 30_000.0}, "switch_instructions": 20}
    more |= {"stack_bytes": {"25%": 512.0}, "ram_bytes": {"100%": 2048.0}}
    more["power_cycle"] = ("uhubctl", "-a", "cycle", "; true")
    more["meter"] = Meter("ppk2", "/dev/ttyACM1", 3300, marker=0)
    entry = Entry("left", "nano33ble", "/dev/ttyACM0", "S1", tmp_path / "slow.elf", budgets, **more)
    assert load(path) == (entry,)


FINGERPRINT = "SHA256:" + "n9Zc+/" * 7 + "A"
PI = '[[board]]\nname = "pi"\ntarget = "pi"\n'
ON_NET = PI + 'host = "h"\n'


def test_host_is_read_with_its_keys(write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / "home").mkdir()
    for key in (tmp_path / "id", tmp_path / "home" / "id"):
        key.touch()
    more = f'port = 2222\nuser = "u"\nkey = "id"\nhost_key = "{FINGERPRINT}"\ncore = 3\n'
    more += 'governor = "performance"\nmax_celsius = 70\ncool_down = 0.5\n'
    (entry,) = load(write(ON_NET + more))
    host = Host("h", 2222, "u", tmp_path / "id", FINGERPRINT)
    asked = {"core": 3, "governor": "performance", "max_celsius": 70, "cool_down": 0.5}
    assert entry == Entry("pi", "pi", host=host, **asked)  # type: ignore[arg-type]
    assert str(host) == "u@h port 2222"
    (entry,) = load(write(ON_NET + 'key = "~/id"'))
    assert entry.host == Host("h", 22, None, tmp_path / "home" / "id", None)
    assert str(entry.host) == "h"


RACK = """
[[board]]
name = "rack"
target = "nano33ble"
port = "rfc2217://exporter:5701"
serial = "S1"
via = { host = "exporter", port = 2222, user = "lab", key = "id", host_key = "%s" }
upload = ["bossac", "-w", "{firmware}"]
"""


def test_machine_that_a_board_is_plugged_in_to_is_read_with_its_keys(write: Write, tmp_path: Path) -> None:
    (tmp_path / "id").touch()
    (entry,) = load(write(RACK % FINGERPRINT))
    via = Host("exporter", 2222, "lab", tmp_path / "id", FINGERPRINT)
    upload = "bossac", "-w", "{firmware}"
    expected = Entry("rack", "nano33ble", "rfc2217://exporter:5701", "S1", via=via, upload=upload)
    assert entry == expected
    (entry,) = load(write(ON_NET + 'via = { host = "exporter" }'))
    assert entry.via == Host("exporter")
    (entry,) = load(write(BOARD + 'port = "socket://exporter:1"\nemulated = true'))
    assert entry.emulated


PHONE = '[[board]]\nname = "phone"\ntarget = "android"\n'


def test_android_has_a_serial_number_or_a_host_with_adbs_port(write: Write, tmp_path: Path) -> None:
    (tmp_path / "adbkey").touch()
    key = tmp_path / "adbkey"
    (entry,) = load(write(PHONE + 'serial = "S1"\nkey = "adbkey"\ncore = 7\n'))
    assert entry == Entry("phone", "android", serial="S1", key=key, core=7)
    (entry,) = load(write(PHONE + 'host = "h"\nkey = "adbkey"\n'))
    assert entry == Entry("phone", "android", host=Host("h", 5555, key=key))


def test_shipped_file_lists_every_target() -> None:
    assert {entry.target for entry in load(fixtures_dir() / "boards.toml")} == set(target_names())


BOARD = '[[board]]\nname = "left"\ntarget = "desktop"\n'


@pytest.mark.parametrize("name", ["desktop", "nano33ble"])
def test_host_of_a_board_without_network_is_refused(name: str) -> None:
    entry = Entry("left", name, host=Host("h"))
    with (
        raises(BoardsFileError, board="left", key="host"),
        target(name).start(entry, Provenance.HARDWARE),
    ):
        pass


@pytest.mark.parametrize("key", ["core", "governor", "max_celsius"])
def test_nano_refuses_keys_of_linux(key: str) -> None:
    entry = Entry("left", "nano33ble", **{key: 1})  # type: ignore[arg-type]
    with (
        raises(BoardsFileError, board="left", key=key),
        target("nano33ble").start(entry, Provenance.HARDWARE),
    ):
        pass


def test_desktop_runs_on_its_cores_only() -> None:
    core, most = min(os.sched_getaffinity(0)), max(os.sched_getaffinity(0))
    with target("desktop").start(Entry("d", "desktop", core=core), Provenance.HARDWARE) as board:
        assert board.facts().model == "desktop"
    with (
        raises(BoardsFileError, board="d", key="core"),
        target("desktop").start(Entry("d", "desktop", core=most + 1), Provenance.HARDWARE),
    ):
        pass


@pytest.mark.parametrize(
    ("text", "board", "key"),
    [
        ("[[board", "", ""),
        ("", "", ""),
        ("board = 3", "", ""),
        ("[[boards]]", "", "boards"),
        (BOARD + 'prot = "x"', "left", "prot"),
        (BOARD + "port = 3", "left", "port"),
        (BOARD + 'port = "socket://exporter"', "left", "port"),
        (BOARD + 'port = "http://exporter:80"', "left", "port"),
        (BOARD + 'emulated = "yes"', "left", "emulated"),
        (BOARD + 'via = "exporter"', "left", "via"),
        (BOARD + 'via = { user = "lab" }', "left", "via"),
        (BOARD + 'via = { host = "h", port = "5701" }', "left", "port"),
        (BOARD + 'via = { host = "h", via = "h" }', "left", "via"),
        (BOARD + 'via = { host = "h", key = "gone" }', "left", "key"),
        (BOARD + 'upload = ["bossac"]', "left", "upload"),
        (BOARD + 'upload = "bossac {firmware}"', "left", "upload"),
        ('[[board]]\ntarget = "desktop"', "1", "name"),
        ('[[board]]\nname = "left"', "left", "target"),
        ('[[board]]\nname = "left"\ntarget = "nano"', "left", "target"),
        (BOARD + 'agent = "gone"', "left", "agent"),
        (BOARD + 'latency_us = { "25%" = "1 ms" }', "left", "latency_us"),
        (BOARD + 'latency_us = { "25%" = 0 }', "left", "latency_us"),
        (BOARD + "latency_us = 3", "left", "latency_us"),
        (BOARD + 'instructions = { "25%" = -1 }', "left", "instructions"),
        (BOARD + 'stack_bytes = { "25%" = 0 }', "left", "stack_bytes"),
        (BOARD + "ram_bytes = 4096", "left", "ram_bytes"),
        (BOARD + "instructions = 3", "left", "instructions"),
        (BOARD + 'switch_instructions = "few"', "left", "switch_instructions"),
        (BOARD + 'power_cycle = "uhubctl -a cycle"', "left", "power_cycle"),
        (BOARD + "power_cycle = []", "left", "power_cycle"),
        (BOARD + 'power_cycle = [""]', "left", "power_cycle"),
        (BOARD + 'power_cycle = ["uhubctl", 2]', "left", "power_cycle"),
        (BOARD + 'power_cycle = ["bin/cycle"]', "left", "power_cycle"),
        (BOARD + 'power_cycle = ["~/cycle"]', "left", "power_cycle"),
        (BOARD + 'power_cycle = ["cycle", "\\u0000"]', "left", "power_cycle"),
        (BOARD + 'power_cycle = ["cycle", "\\u001b[2J"]', "left", "power_cycle"),
        (BOARD + 'meter = "ppk2"', "left", "meter"),
        (BOARD + "meter = {}", "left", "meter"),
        (BOARD + 'meter = { kind = "ppk" }', "left", "meter"),
        (BOARD + 'meter = { kind = "hwmon", ports = "x" }', "left", "meter"),
        (BOARD + 'meter = { kind = "hwmon", port = "x" }', "left", "meter"),
        (BOARD + 'meter = { kind = "hwmon", marker = 0 }', "left", "meter"),
        (BOARD + 'meter = { kind = "battery", supplies = true }', "left", "meter"),
        (BOARD + 'meter = { kind = "battery", seconds = 0.01 }', "left", "meter"),
        (BOARD + 'meter = { kind = "ppk2", port = "x" }', "left", "meter"),
        (BOARD + 'meter = { kind = "ppk2", millivolts = 3300 }', "left", "meter"),
        (BOARD + 'meter = { kind = "ppk2", port = "x", millivolts = 12000 }', "left", "meter"),
        (BOARD + 'meter = { kind = "ppk2", port = "x", millivolts = 3300, marker = 8 }', "left", "meter"),
        (BOARD + 'meter = { kind = "ppk2", port = "x", millivolts = 3300, path = "/sys" }', "left", "meter"),
        (BOARD + BOARD, "", "name"),
        (PI + 'user = "u"', "pi", "user"),
        (PI + 'key = "id"', "pi", "key"),
        (PHONE + 'key = "gone"', "phone", "key"),
        (PHONE + "port = 5555", "phone", "port"),
        (PI + "port = 22", "pi", "port"),
        (PI + 'host = ""', "pi", "host"),
        (PI + "host = 3", "pi", "host"),
        (ON_NET + 'port = "22"', "pi", "port"),
        (ON_NET + "port = 65536", "pi", "port"),
        (ON_NET + "port = true", "pi", "port"),
        (ON_NET + 'key = "gone"', "pi", "key"),
        (ON_NET + 'host_key = "ab:cd"', "pi", "host_key"),
        (ON_NET + 'hostkey = "x"', "pi", "hostkey"),
        (ON_NET + 'password = "x"', "pi", "password"),
        (ON_NET + "governor = 3", "pi", "governor"),
        (ON_NET + 'max_celsius = "70"', "pi", "max_celsius"),
        (ON_NET + "cool_down = 0", "pi", "cool_down"),
        (ON_NET + "cool_down = inf", "pi", "cool_down"),
        (ON_NET + "core = -1", "pi", "core"),
        ('[[board]]\nname = "a\\u001b[2J"\ntarget = "desktop"', r"a\x1b[2J", "name"),
        ('[[board]]\nname = "a\\nb"\ntarget = "desktop"', r"a\nb", "name"),
        ('[[board]]\nname = "\\u202ea"\ntarget = "desktop"', r"\u202ea", "name"),
        ('[[board]]\nname = ""\ntarget = "desktop"', "", "name"),
        ('[[board]]\nname = "  "\ntarget = "desktop"', "  ", "name"),
        ('[[board]]\nname = ["a"]\ntarget = "desktop"', "['a']", "name"),
        ('[[board]]\nname = "left"\ntarget = "desk\\u0000top"', "left", "target"),
        (BOARD + 'serial = "a\\r"', "left", "serial"),
        (BOARD + 'port = "a\\u0000"', "left", "port"),
        (BOARD + 'latency_us = { "25%\\u001b" = 1 }', "left", "latency_us"),
        (BOARD + "instructions = { a = nan }", "left", "instructions"),
        (BOARD + 'agent = "~nosuchuser/a"', "left", "agent"),
        (BOARD + 'agent = "a\\u0000b"', "left", "agent"),
        (BOARD + f'agent = "{"x" * 300}"', "left", "agent"),
        (BOARD + 'agent = "."', "left", "agent"),
        (BOARD + 'agent = "/dev/zero"', "left", "agent"),
        (BOARD + 'agent = "boards.toml/x"', "left", "agent"),
        (PHONE + 'key = "~nosuchuser/a"', "phone", "key"),
        (ON_NET + 'key = "~nosuchuser/a"', "pi", "key"),
        (ON_NET + 'user = "\\u2028"', "pi", "user"),
        (BOARD + "core = 0x" + "f" * 5000, "", ""),
        (BOARD + "core = " + "9" * 5000, "", ""),
        ("a = " + "[" * 10_000, "", ""),
        (BOARD + "core." + "a." * 10_000 + "a = 1", "", ""),
        (BOARD + "core." + "a." * 200 + "a = 1", "left", "core"),
        (BOARD + f"core = {'{a = [' * 100}{']}' * 100}", "left", "core"),
        ('"\\u001b[2J" = 1', "", "\x1b[2J"),
        (BOARD + '"\\u001b[2J" = 1', "left", "\x1b[2J"),
    ],
)
def test_invalid_file_raises_with_file_board_and_key(write: Write, text: str, board: str, key: str) -> None:
    path = write(text)
    with raises(BoardsFileError, file=path, board=board, key=key):
        load(path)


@pytest.mark.parametrize("odd", ODD_FILES.values(), ids=ODD_FILES.keys())
def test_a_boards_file_that_cannot_be_read_raises_at_once(odd: OddFile, tmp_path: Path) -> None:
    path = odd(tmp_path)
    with raises(BoardsFileError, file=path):
        load(path)


@pytest.mark.parametrize("name", ["pipe", "circle of links"])
def test_an_agent_that_is_no_file_is_refused(name: str, write: Write, tmp_path: Path) -> None:
    agent = ODD_FILES[name](tmp_path)
    with raises(BoardsFileError, board="left", key="agent"):
        load(write(BOARD + f'agent = "{agent.name}"'))


def test_a_file_of_very_many_boards_is_refused_at_once(write: Write) -> None:
    path = write("".join(f'[[board]]\nname = "{i}"\ntarget = "desktop"\n' for i in range(20_000)))
    with raises(BoardsFileError, file=path):
        load(path)


def test_a_byte_order_mark_is_no_part_of_the_text(write: Write) -> None:
    assert [entry.name for entry in load(write("\ufeff" + BOARD))] == ["left"]


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=6) | st.sampled_from(
    ["desktop", "pi", "~x", "."]
)
ANY = st.recursive(
    st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | TEXTS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(TEXTS, inner, max_size=2),
    max_leaves=4,
)
KEYS = [*sorted(VALUES), "port", "more"]


def toml(value: object) -> str:
    """Write a value in TOML."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{toml(key)} = {toml(x)}" for key, x in value.items()) + "}"
    if isinstance(value, list):
        return f"[{', '.join(map(toml, value))}]"
    if isinstance(value, str):
        return '"' + "".join(f"\\U{ord(c):08x}" for c in value) + '"'
    return str(value).lower() if isinstance(value, bool) else repr(value)


@given(row=st.dictionaries(st.sampled_from(KEYS), ANY, max_size=4), named=st.booleans())
@hypothesis.settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=300
)
def test_any_values_make_an_entry_or_one_line(row: dict[str, object], named: bool, write: Write) -> None:
    full = {"name": "a", "target": "desktop", **row} if named else row
    path = write("[[board]]\n" + "".join(f"{key} = {toml(value)}\n" for key, value in full.items()))
    with may_refuse(BoardsFileError, path):
        (entry,) = load(path)
        assert entry.name.isprintable()


ABSENT = """
[[board]]
name = "left"
target = "nano33ble"
port = "/dev/ttyNOWHERE"

[[board]]
name = "desk"
target = "desktop"
"""


@pytest.mark.parametrize(
    ("told", "left"),
    [
        ({}, "skips"),
        ({"missing": "skip"}, "skips"),
        ({"missing": "fail"}, "fails"),
        ({"missing": "emulate"}, "emulated"),
        ({"emulate": True}, "emulated"),
        ({"emulate": True, "missing": "fail"}, "emulated"),
        ({"target": ("nano33ble",)}, "fails"),
        ({"target": ("nano33ble",), "missing": "skip"}, "skips"),
        ({"target": ("nano33ble",), "missing": "emulate"}, "emulated"),
        ({"target": ("nano33ble",), "emulate": True}, "emulated"),
        ({"target": ("desktop",)}, "not asked for"),
    ],
)
def test_absent_board_skips_fails_or_is_emulated(write: Write, told: dict[str, object], left: str) -> None:
    choices = select_boards(settings(boards=write(ABSENT), **told), SUBNETS)
    found = {choice.entry.name: choice for choice in choices}
    assert found.get("desk", SelectedBoard(Entry("desk", "desktop"), Provenance.HARDWARE)).absent == ""
    choice = found.get("left")
    if choice is None:
        assert left == "not asked for"
    elif choice.provenance is Provenance.EMULATED:
        assert left == "emulated"
    else:
        assert left == ("fails" if choice.fails else "skips")
        with pytest.raises(BoardAbsent):
            choice.lease()


def test_named_target_that_the_file_lacks_is_benched(write: Write) -> None:
    told = settings(boards=write(BOARD), target=("nano33ble", "desktop"), emulate=True)
    assert [choice.id for choice in select_boards(told, SUBNETS)] == [
        "left-hardware",
        "nano33ble-emulated",
    ]


@pytest.mark.parametrize("name", target_names())
def test_target_module_has_the_whole_interface(name: str) -> None:
    module = target(name)
    assert isinstance(module.HAS_EMULATOR, bool)
    assert all(callable(getattr(module, what)) for what in ("absent", "device", "start"))


def test_unknown_target_raises() -> None:
    with raises(UnknownTarget):
        select_boards(settings(target=("desktp",)), SUBNETS)


@pytest.mark.parametrize("budgets", LIMITS_BY_SUBNET)
def test_budget_for_a_subnet_that_the_pack_lacks_raises(write: Write, budgets: str) -> None:
    path = write(BOARD + budgets + ' = { "30%" = 1.0 }')
    with raises(BoardsFileError):
        select_boards(settings(boards=path), SUBNETS)
