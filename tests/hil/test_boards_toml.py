import os
from collections.abc import Callable
from pathlib import Path

import pytest

from hil.boards.boards_toml import load
from hil.boards.entry import Entry
from hil.boards.facts import Provenance
from hil.boards.registry import target, target_names
from hil.errors import BoardAbsent, BoardsFileError, UnknownTarget
from hil.options import Settings
from hil.suite.board_selection import SelectedBoard, select_boards
from hil.transports.host import Host
from reds.fixtures import fixtures_dir

SUBNETS = ("25%", "100%")
Write = Callable[[str], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def file(text: str) -> Path:
        path = tmp_path / "boards.toml"
        path.write_text(text)
        return path

    return file


def settings(**changed: object) -> Settings:
    plain: dict[str, object] = {
        "target": (),
        "emulate": False,
        "missing": None,
        "boards": None,
        "pack": None,
        "results": None,
        "switch_limit_us": 40.0,
        "samples": None,
        "lease_wait": 0.0,
    }
    return Settings(**{**plain, **changed})  # type: ignore[arg-type]


def test_every_key_is_read_and_an_agent_lies_beside_the_file(write: Write, tmp_path: Path) -> None:
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
    """)
    budgets = {"25%": 2500.0, "100%": 9000.5}
    counted = {"instructions": {"25%": 30_000.0}, "switch_instructions": 20}
    entry = Entry("left", "nano33ble", "/dev/ttyACM0", "S1", tmp_path / "slow.elf", budgets, **counted)  # type: ignore[arg-type]
    assert load(path) == (entry,)


FINGERPRINT = "SHA256:" + "n9Zc+/" * 7 + "A"
PI = '[[board]]\nname = "pi"\ntarget = "pi"\n'
ON_NET = PI + 'host = "h"\n'


def test_a_host_is_read_with_its_keys(write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
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


PHONE = '[[board]]\nname = "phone"\ntarget = "android"\n'


def test_an_android_is_on_a_server_or_usb_or_has_a_host_and_adb_s_port(write: Write, tmp_path: Path) -> None:
    (tmp_path / "adbkey").touch()
    key = tmp_path / "adbkey"
    (entry,) = load(write(PHONE + 'serial = "S1"\nkey = "adbkey"\ncore = 7\n'))
    assert entry == Entry("phone", "android", serial="S1", key=key, core=7)
    (entry,) = load(write(PHONE + 'host = "h"\nkey = "adbkey"\n'))
    assert entry == Entry("phone", "android", host=Host("h", 5555, key=key))


def test_the_shipped_file_lists_every_target_there_is() -> None:
    assert {entry.target for entry in load(fixtures_dir() / "boards.toml")} == set(target_names())


BOARD = '[[board]]\nname = "left"\ntarget = "desktop"\n'


@pytest.mark.parametrize("name", ["desktop", "nano33ble"])
def test_only_a_board_on_the_network_has_a_host(name: str) -> None:
    entry = Entry("left", name, host=Host("h"))
    with (
        pytest.raises(BoardsFileError, match=r"left: `host` is for a board .*; remove it"),
        target(name).start(entry, Provenance.HARDWARE),
    ):
        pass


@pytest.mark.parametrize("key", ["core", "governor", "max_celsius"])
def test_a_nano_runs_no_linux(key: str) -> None:
    entry = Entry("left", "nano33ble", **{key: 1})  # type: ignore[arg-type]
    with (
        pytest.raises(BoardsFileError, match=f"left: `{key}` is for a board that runs Linux; remove it"),
        target("nano33ble").start(entry, Provenance.HARDWARE),
    ):
        pass


def test_a_desktop_has_the_cores_it_has() -> None:
    core, most = min(os.sched_getaffinity(0)), max(os.sched_getaffinity(0))
    with target("desktop").start(Entry("d", "desktop", core=core), Provenance.HARDWARE) as board:
        assert board.facts().model == "desktop"
    says = f"d: its agent cannot be put on core {most + 1}, cores here: {core}"
    with (
        pytest.raises(BoardsFileError, match=says),
        target("desktop").start(Entry("d", "desktop", core=most + 1), Provenance.HARDWARE),
    ):
        pass


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[[board", "not TOML"),
        ("", "no boards; write each as"),
        ("board = 3", "no boards; write each as"),
        ("[[boards]]", "unknown key 'boards'; did you mean 'board'?"),
        (BOARD + 'prot = "x"', "board 'left': unknown key 'prot'; did you mean 'port'?"),
        (BOARD + "port = 3", "board 'left': port is text, not 3"),
        ('[[board]]\ntarget = "desktop"', "board 1: it has no name"),
        ('[[board]]\nname = "left"', "board 'left': it has no target"),
        ('[[board]]\nname = "left"\ntarget = "nano"', "there is no target 'nano'; did you mean 'nano33ble'?"),
        (BOARD + 'agent = "gone"', "its agent .*gone does not exist"),
        (BOARD + 'latency_us = { "25%" = "1 ms" }', "latency_us of '25%' is a number of microseconds"),
        (BOARD + 'latency_us = { "25%" = 0 }', "latency_us of '25%' is a number of microseconds"),
        (BOARD + "latency_us = 3", "latency_us is a table"),
        (
            BOARD + 'instructions = { "25%" = -1 }',
            "instructions of '25%' is a number of instructions, not -1",
        ),
        (BOARD + "instructions = 3", "instructions is a table"),
        (BOARD + 'switch_instructions = "few"', "switch_instructions is a number above 0, not 'few'"),
        (BOARD + BOARD, "two boards are named 'left'"),
        (PI + 'user = "u"', "board 'pi': user is for a board that has a host; add `host`"),
        (PI + 'key = "id"', "board 'pi': key is for a board that has a host; add `host`"),
        (PHONE + 'key = "gone"', "board 'phone': its key .*gone does not exist"),
        (PHONE + "port = 5555", "board 'phone': port is text, not 5555"),
        (PI + "port = 22", "board 'pi': port is text, not 22"),
        (PI + 'host = ""', "board 'pi': its host is empty"),
        (PI + "host = 3", "board 'pi': host is text, not 3"),
        (ON_NET + 'port = "22"', "board 'pi': port of a host is a number up to 65535, not '22'"),
        (ON_NET + "port = 65536", "port of a host is a number up to 65535, not 65536"),
        (ON_NET + "port = true", "port of a host is a number up to 65535, not True"),
        (ON_NET + 'key = "gone"', "board 'pi': its key .*gone does not exist"),
        (
            ON_NET + 'host_key = "ab:cd"',
            "host_key is SHA256: and 43 characters, as ssh-keygen -l prints it, not",
        ),
        (ON_NET + 'hostkey = "x"', "unknown key 'hostkey'; did you mean 'host_key'?"),
        (ON_NET + 'password = "x"', "unknown key 'password'"),
        (ON_NET + "governor = 3", "board 'pi': governor is text, not 3"),
        (ON_NET + 'max_celsius = "70"', "board 'pi': max_celsius is a number above 0, not '70'"),
        (ON_NET + "cool_down = 0", "board 'pi': cool_down is a number above 0, not 0"),
        (ON_NET + "cool_down = inf", "board 'pi': cool_down is a number above 0, not inf"),
        (ON_NET + "core = -1", "board 'pi': core is the number of one, not -1"),
    ],
)
def test_a_bad_file_is_one_line_with_file_and_key(write: Write, text: str, says: str) -> None:
    path = write(text)
    with pytest.raises(BoardsFileError, match=says) as caught:
        load(path)
    assert str(caught.value).startswith(str(path))


def test_a_file_that_is_not_there_is_named() -> None:
    with pytest.raises(BoardsFileError, match=r"nowhere.toml: cannot read the boards: No such file"):
        load(Path("nowhere.toml"))


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
def test_what_becomes_of_a_board_that_is_not_here(write: Write, told: dict[str, object], left: str) -> None:
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
        advice = r"left: port /dev/ttyNOWHERE does not exist .*; plug it in, or add --emulate"
        with pytest.raises(BoardAbsent, match=advice):
            choice.start()


def test_a_named_target_that_the_file_lacks_is_benched_all_the_same(write: Write) -> None:
    told = settings(boards=write(BOARD), target=("nano33ble", "desktop"), emulate=True)
    assert [choice.id for choice in select_boards(told, SUBNETS)] == [
        "left-hardware",
        "nano33ble-emulated",
    ]


@pytest.mark.parametrize("name", target_names())
def test_a_target_is_whole(name: str) -> None:
    module = target(name)
    assert isinstance(module.HAS_EMULATOR, bool)
    assert all(callable(getattr(module, what)) for what in ("absent", "device", "start"))


def test_an_unknown_target_is_told_the_nearest() -> None:
    with pytest.raises(UnknownTarget, match=r"there is no target 'desktp'; did you mean 'desktop'\?"):
        select_boards(settings(target=("desktp",)), SUBNETS)


@pytest.mark.parametrize("budgets", ["latency_us", "instructions"])
def test_a_budget_for_a_subnet_that_the_pack_lacks_is_an_error(write: Write, budgets: str) -> None:
    path = write(BOARD + budgets + ' = { "30%" = 1.0 }')
    with pytest.raises(BoardsFileError, match=r"board 'left': a budget for 30%, but the pack has 25%, 100%"):
        select_boards(settings(boards=path), SUBNETS)
