"""Test that `hil boards` finds what is plugged in, says who uses it, and prints a file that is read back."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace

import pytest
from click.testing import CliRunner, Result
from hypothesis import given, settings
from hypothesis import strategies as st
from serial.tools import list_ports

from hil.boards import lease
from hil.boards.boards_toml import load
from hil.boards.entry import Entry
from hil.boards.targets import nano33ble
from hil.boards.targets.nano33ble import BOOTLOADER, RUNNING
from hil.cli import main
from hil.doctor import devices
from hil.doctor.boards_text import boards_text
from hil.transports.host import Host
from hil.transports.serial_ports import Port
from tests.hil.support import phone as phones
from tests.hil.support.phone import AdbServer
from tests.hil.support.ptyboard import PtyBoard
from tests.hil.support.sshd import Start, free_port


def run(*words: object) -> Result:
    return CliRunner().invoke(main, ["boards", *map(str, words)])


def read_back(text: str, folder: Path) -> tuple[Entry, ...]:
    file = folder / "printed.toml"
    file.write_text(text, encoding="utf-8")
    return load(file)


def entries(*ports: Port) -> list[Entry | None]:
    return [found.entry for found in devices.on_ports(nano33ble.BOARD, ports)]


def test_nanos_are_told_apart_by_serial_number_and_by_port_if_it_is_not_unique() -> None:
    first, second = Port("/dev/ttyACM0", RUNNING, "S1"), Port("/dev/ttyACM1", BOOTLOADER, "S2")
    other = Port("/dev/ttyS0"), Port("/dev/ttyUSB0", (0x10C4, 0xEA60), "S1")
    assert entries(first, second, *other) == [
        Entry("nano-1", "nano33ble", serial="S1"),
        Entry("nano-2", "nano33ble", serial="S2"),
    ]
    twins = entries(first, replace(second, serial="S1"))
    assert twins == [Entry("nano-1", "nano33ble", first.device), Entry("nano-2", "nano33ble", second.device)]
    for odd in (None, "", "\x1b[2J"):
        assert entries(replace(first, serial=odd)) == [Entry("nano-1", "nano33ble", first.device)]


def test_only_a_nano_in_its_bootloader_is_said_to_be_there() -> None:
    ports = [Port("/dev/ttyACM0", of, "S1") for of in (RUNNING, BOOTLOADER)]
    said = [next(devices.on_ports(nano33ble.BOARD, [port])).state for port in ports]
    assert ["bootloader" in state for state in said] == [False, True]


@pytest.fixture
def plug_in(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Let pyserial list these ports, and no others, and no adb server answer."""

    def plug(*ports: Port) -> None:
        listed = [
            SimpleNamespace(
                device=p.device, vid=p.id and p.id[0], pid=p.id and p.id[1], serial_number=p.serial
            )
            for p in ports
        ]
        monkeypatch.setattr(list_ports, "comports", lambda: listed)
        monkeypatch.setenv("ADB_SERVER_SOCKET", f"tcp:127.0.0.1:{free_port()}")

    return plug


def test_double_tap_is_advised_if_there_is_no_nano(plug_in: Callable[..., None]) -> None:
    plug_in(Port("/dev/ttyS0"))
    assert f"  {devices.missing(nano33ble.BOARD)}\n" in run().output


def test_file_of_an_empty_desk_names_the_nanos_that_are_plugged_in(
    plug_in: Callable[..., None], tmp_path: Path
) -> None:
    plug_in(Port("/dev/ttyACM0", RUNNING, "S0"), Port("/dev/ttyACM1", BOOTLOADER, "S1"))
    printed = read_back(run("--toml").stdout, tmp_path)
    assert [(entry.name, entry.serial) for entry in printed] == [
        ("desktop", None),
        ("nano-1", "S0"),
        ("nano-2", "S1"),
    ]


def test_nano_that_the_file_names_is_not_printed_twice_and_names_stay_unique(
    plug_in: Callable[..., None], tmp_path: Path
) -> None:
    plug_in(Port("/dev/ttyACM0", RUNNING, "S0"), Port("/dev/ttyACM1", RUNNING, "S1"))
    file = tmp_path / "boards.toml"
    file.write_text(boards_text([Entry("nano-2", "nano33ble", serial="S0"), Entry("nano-2-a", "desktop")]))
    printed = read_back(run("--boards", file, "--toml").stdout, tmp_path)
    assert [(entry.name, entry.serial) for entry in printed] == [
        ("nano-2", "S0"),
        ("nano-2-a", None),
        ("nano-2-b", "S1"),
    ]


def test_hostile_serial_number_stays_one_printable_line_and_no_key_of_the_file(
    plug_in: Callable[..., None], tmp_path: Path
) -> None:
    hostile = 'S"\nagent = "/bin/sh"\x1b[2J'
    plug_in(Port("/dev/ttyACM0", RUNNING, hostile), Port("/dev/ttyACM1", RUNNING, 'a"b\\c'))
    assert all(line.isprintable() for line in run().output.splitlines())
    assert "\nagent" not in run().output
    printed = read_back(run("--toml").stdout, tmp_path)
    assert [(e.port, e.serial, e.agent) for e in printed[1:]] == [
        ("/dev/ttyACM0", None, None),
        (None, 'a"b\\c', None),
    ]


def test_printed_file_has_the_boards_that_are_here_and_says_which_are_not(
    tmp_path: Path, sshd: Start
) -> None:
    with PtyBoard() as board:
        pi = sshd().entry(core=1, max_celsius=60.0)
        nano = Entry("left", "nano33ble", board.port, latency_us={"25%": 2500.0})
        gone = Entry("gone", "nano33ble", "/dev/ttyNOWHERE")
        file = tmp_path / "boards.toml"
        file.write_text(boards_text([nano, pi, gone, Entry("desk", "desktop")]))
        done = run("--boards", file, "--toml")
        assert done.exit_code == 0, done.output
        assert read_back(done.stdout, tmp_path) == (nano, pi, Entry("desk", "desktop"))
        assert next(line for line in done.stdout.splitlines() if line.startswith("#")).startswith("# gone ")


def test_device_at_an_adb_server_is_found_and_printed(
    phone: phones.Start, adb: AdbServer, tmp_path: Path
) -> None:
    there = phone().entry().host
    assert there is not None
    serial = adb.connect(there.port)
    (found,) = devices.androids()
    assert found == devices.Found(Entry("phone-1", "android", serial=serial), f"Android {serial}")
    file = tmp_path / "boards.toml"
    file.write_text(boards_text([Entry("desk", "desktop")]))
    assert f"  Android {serial}\n" in run("--boards", file).output
    assert found.entry in read_back(run("--boards", file, "--toml").stdout, tmp_path)


def test_board_in_use_is_shown_with_its_run(boards_toml: Callable[..., Path]) -> None:
    with PtyBoard() as board:
        file = boards_toml("nano33ble", port=board.port)
        assert run("--boards", file).output.splitlines()[1].split() == ["board", "nano33ble", "here"]
        with lease.held("theirs", board.port, 0, print):
            (line,) = [line for line in run("--boards", file).output.splitlines() if " board " in line]
            assert "here, in use by " in line
        lease.path_of(board.port).unlink()
        lease.path_of(board.port).mkdir()
        try:
            assert "here, but cannot open " in run("--boards", file).output
        finally:
            lease.path_of(board.port).rmdir()


def test_boards_here_are_listed_though_the_lab_is_gone(boards_toml: Callable[..., Path]) -> None:
    done = run("--boards", boards_toml("desktop"), "--lab", f"127.0.0.1:{free_port()}")
    assert done.exit_code == 1
    assert "  board  desktop" in done.output
    assert done.output.splitlines()[-1].startswith("Error: ")


NAMES = st.text(min_size=1, max_size=40).filter(lambda text: text.isprintable() and text.strip())
LIMITS = st.dictionaries(NAMES, st.floats(min_value=0.1, max_value=1e9), max_size=3)
FINGERPRINT = "SHA256:" + "a" * 43
HOSTS = st.builds(
    Host,
    NAMES,
    st.integers(1, 65_535),
    st.none() | NAMES,
    st.none(),
    st.none() | st.just("SHA256:" + "a" * 43),
)
ENTRIES = st.builds(
    Entry,
    NAMES,
    st.just("pi"),
    latency_us=LIMITS,
    instructions=LIMITS,
    stack_bytes=LIMITS,
    ram_bytes=LIMITS,
    host=st.none() | HOSTS,
    via=st.none() | HOSTS,
    emulated=st.booleans(),
    upload=st.just(()) | st.just(("bossac", "-w", "{firmware}")),
    core=st.none() | st.integers(0, 4095),
    governor=st.none() | NAMES,
    max_celsius=st.none() | st.floats(min_value=1, max_value=100),
    cool_down=st.floats(min_value=1, max_value=1000),
)


@given(st.lists(ENTRIES, min_size=1, max_size=4, unique_by=lambda entry: entry.name))
@settings(max_examples=100, deadline=None)
def test_any_boards_are_read_back_as_they_were_printed(made: list[Entry]) -> None:
    with TemporaryDirectory() as folder:
        assert list(read_back(boards_text(made), Path(folder))) == made
