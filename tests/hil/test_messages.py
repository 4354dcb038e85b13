"""Test the wording of errors that users meet. All other tests match types and attributes."""

from collections.abc import Callable
from pathlib import Path

import pytest

from hil import cache
from hil.boards import boards_toml, lease
from hil.boards.board import Board, check_count
from hil.boards.capacity import best_layout, check_capacity
from hil.boards.entry import Entry
from hil.boards.facts import Provenance
from hil.boards.power_cycle import power_cycle
from hil.boards.recovery import Record, RecoverableBoard
from hil.boards.registry import target
from hil.boards.targets.nano33ble import Desk, absent
from hil.errors import HilError, LinkError, LoginError
from hil.firmware import build
from hil.lifetime.folder import TemporaryFolder
from hil.protocol.agent import Agent
from hil.protocol.definition import CLOCK, HELLO, VERSION
from hil.protocol.frame import decode
from hil.protocol.hello import Clock, read_hello
from hil.results import file
from hil.results.plausible import INFERENCES, check_ticks, check_time
from hil.transports.adb.find import choose
from hil.transports.host import Host
from hil.transports.process import ProcessTransport
from hil.transports.serial import SerialTransport
from hil.transports.serial_ports import Port
from reds.pack.layouts import CANONICAL
from tests.hil.support.boards import pi_refusal
from tests.hil.support.sshd import Start
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
        (
            BOARD + 'power_cycle = "reboot"',
            "board 'left': `power_cycle` is 'reboot'; write a list of a program (on PATH, or its whole path)",
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


def quarantine() -> None:
    """Lose a board twice."""

    def lose(board: Board) -> None:
        raise LinkError("the cable is out; plug it in", board=board.name)

    entry = Entry("desk", "desktop")
    with RecoverableBoard(entry, Provenance.HARDWARE, Record(), print, print) as board:
        board.do(lose)


def hello_of_clocks(*clocks: tuple[int, bytes]) -> bytes:
    sizes = (0, 9, 9, 9, 64, len(clocks), 1, 0, 0)
    return HELLO.pack(VERSION, *sizes, b"", b"") + b"".join(CLOCK.pack(*clock) for clock in clocks)


def ask_cat(total: float) -> None:
    """Ask a program that repeats every request, so that no answer comes."""
    with Agent(ProcessTransport(Path("/bin/cat")), "desk", patience=0.1) as agent:
        agent.patience.total = total
        agent.reset()


NS = Clock(0, "ns", 1_000_000_000)
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
        lambda: file.prepare(Path("/")),
        "/: cannot write the results: Is a directory; name a file in a folder of yours",
    ),
    (
        lambda: decode(b"\x02\x01"),
        "a frame has 1 bytes, fewer than the least of 6",
    ),
    (
        lambda: power_cycle(Entry("left", "nano33ble", power_cycle=("false",))),
        "left: its `power_cycle` command false ended with exit status 1; run it by hand to see why",
    ),
    (
        lambda: power_cycle(Entry("left", "nano33ble", power_cycle=("/nowhere/cycle",))),
        "left: its `power_cycle` command /nowhere/cycle does not start: No such file or directory;"
        " run it by hand to see why",
    ),
    (
        lambda: power_cycle(Entry("left", "nano33ble", power_cycle=("sleep", "9")), seconds=0.1),
        "left: its `power_cycle` command sleep took longer than 0.1 s; run it by hand to see why",
    ),
    (
        quarantine,
        "desk: quarantined for this run: the cable is out, once more after a reset of its agent; plug it in",
    ),
    (
        lambda: read_hello(hello_of_clocks((0, b"cycles"))),
        "the hello gives the clock cycles 0 Hz, but a clock needs at least 1,000",
    ),
    (
        lambda: read_hello(hello_of_clocks((9000, b"\x1b[2J"))),
        "the hello names a clock '\\x1b[2J', which is no printable ASCII",
    ),
    (
        lambda: check_ticks(NS, 0xFFFFFFFF, {INFERENCES: [700, 900]}),
        "reading its clock ns takes 4,294,967,295 ticks, but the longest of 2 inferences 900;"
        " upload the agent again",
    ),
    (
        lambda: check_ticks(NS, 0, {INFERENCES: [0, 0]}),
        "its clock ns counted nothing during most of 2 inferences; check that it runs or bench a larger pack",
    ),
    (
        lambda: check_time(NS, 9_000_000_000, 0.25),
        "its samples take 9 s by its clock ns, but they arrived within 0.25 s; upload the agent again",
    ),
    (
        lambda: ask_cat(total=1),
        "desk: no answer to RESET within 0.1 s; check that it was built from these sources",
    ),
    (
        lambda: ask_cat(total=0),
        "desk: its answers were late by 0 s, all together; check that it was built from these sources",
    ),
    (
        lambda: check_count("desk", 70_000),
        "desk: n is 70000; write a whole number from 1 to 65,535",
    ),
    (
        lambda: TemporaryFolder("x", Path("/nowhere")),
        "no temporary folder can be made in /nowhere: No such file or directory;"
        " make room there, or set TMPDIR to a folder of yours",
    ),
    (
        hello_of_version_9,
        "the agent speaks version 9 of the protocol, this program 3",
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


def lease_at_a_folder(folder: Path) -> None:
    lease.path_of("D", folder).mkdir()
    with lease.held("left", "D", 0, print, folder):
        pass


def lease_in_use(folder: Path) -> None:
    with lease.held("right", "D", 0, print, folder):
        lease.path_of("D", folder).write_text("alice, process 7")
        with lease.held("left nano", "D", 0, print, folder):
            pass


@pytest.mark.parametrize(
    ("fail", "message"),
    [
        (
            lease_at_a_folder,
            "left: cannot open {0} for its lease: Is a directory; remove it: sudo rm -r {0}",
        ),
        (
            lease_in_use,
            "left nano: D is in use by alice, process 7, and was not free within 0 s;"
            " end that run (hil release 'left nano'), or wait longer with --lease-wait",
        ),
    ],
)
def test_message_of_a_lease_that_cannot_be_taken(
    tmp_path: Path, fail: Callable[[Path], None], message: str
) -> None:
    with pytest.raises(HilError) as caught:
        fail(tmp_path)
    assert str(caught.value) == message.format(lease.path_of("D", tmp_path))


@pytest.mark.parametrize(
    ("login", "says"),
    [
        ("exec /usr/sbin/nologin", "'This account is currently not available.' and ended with exit status 1"),
        ("exec /bin/false", "nothing and ended with exit status 1"),
        ("echo Welcome; echo to the lab; echo Bye; exit 0", "'Welcome ... Bye' and ended with exit status 0"),
    ],
)
def test_message_of_an_account_without_a_shell(sshd: Start, login: str, says: str) -> None:
    there = sshd(login=login)
    ran = f"pi-1: 127.0.0.1 port {there.port} ran no command of ours: it printed {says}"
    remedy = "give the user a login shell there (chsh), without a forced command or a login script that exits"
    assert str(pi_refusal(there.entry(), LoginError)) == f"{ran}; {remedy}"
