"""The suite, run as a user runs it, on a board over ADB: the scripted peer, and the emulated Android."""

import os
import socket
from contextlib import suppress
from pathlib import Path

import pytest

from tests.hil.support.phone import AdbServer, Start
from tests.hil.support.sshd import free_port
from tests.hil.support.suite_run import BoardsToml, Run, one_line_of_errors, outcomes, read, suite_size

ANDROID = '[[board]]\nname = "phone"\ntarget = "android"\n'


def test_a_board_over_adb_passes_with_the_shipped_pack(
    hil: Run, phone: Start, adb: AdbServer, boards_toml: BoardsToml, tmp_path: Path
) -> None:
    there = phone()
    boards = boards_toml("android", serial=adb.connect(there.port))
    done = hil("--target=android", "--boards", boards, "--results", "a.jsonl")
    assert done.returncode == 0, done.stdout
    assert outcomes(done.stdout) == {"passed": suite_size()}
    rows = read(tmp_path / "a.jsonl")
    assert sum(row["value"] for row in rows if row["metric"] == "mismatches") == 0
    assert {row["provenance"] for row in rows} == {"hardware"}
    assert {row["conditions"]["after"]["machine"] for row in rows} == {os.uname().machine}
    assert there.running() == []


def test_the_emulated_android_passes_and_counts_the_same_twice(
    hil: Run, small_pack: Path, phone: Start, tmp_path: Path
) -> None:
    counts = []
    for name in ("a.jsonl", "b.jsonl"):
        done = hil("--target=android", "--emulate", "--pack", small_pack, "--results", name)
        assert done.returncode == 0, done.stdout
        rows = read(tmp_path / name)
        assert {row["provenance"] for row in rows} == {"emulated"}
        assert {row["unit"] for row in rows if row["metric"] in ("latency", "cycles")} == set()
        assert sum(row["value"] for row in rows if row["metric"] == "mismatches") == 0
        counts.append([row["samples"] for row in rows if row["unit"] == "instructions"])
    assert counts[0] == counts[1]
    assert any(counts[0])


def emulator_port() -> int:
    """One where every adb server looks for Android's own emulators."""
    for port in range(5585, 5555, -2):
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
    pytest.skip("all ports of Android's emulators are taken")


def test_android_s_own_emulator_is_benched_in_ours_place_where_it_is_named(
    hil: Run,
    small_pack: Path,
    phone: Start,
    boards_toml: BoardsToml,
    tmp_path: Path,
    request: pytest.FixtureRequest,
) -> None:
    """A scripted one; the real server, when it starts, takes it for an emulator by its port."""
    port = emulator_port()
    there = phone("--port", port, programs={"getprop": '[ "$1" = ro.kernel.qemu ] && echo 1; true'})
    adb: AdbServer = request.getfixturevalue("adb")
    serial = f"emulator-{port - 1}"
    assert adb.run("-s", serial, "wait-for-device").returncode == 0
    args = ("--target=android", "--boards", boards_toml("android", serial=serial), "--pack", small_pack)
    done = hil(*args)
    assert done.returncode == 1
    assert one_line_of_errors(done.stdout).startswith(f"board: {serial} is an emulator, not a device; ")
    done = hil(*args, "--missing=emulate", "--results", "a.jsonl")
    assert done.returncode == 0, done.stdout
    assert outcomes(done.stdout) == {"passed": 4, "skipped": suite_size(small_pack) - 4}
    rows = read(tmp_path / "a.jsonl")
    assert {row["provenance"] for row in rows} == {"emulated"}
    assert {row["metric"] for row in rows} == {
        *("mismatches", "stack", "ram", "arena", "room_flash", "room_arena")
    }
    assert {row["value"] for row in rows if row["metric"] == "mismatches"} == {0}
    assert len(there.stored()) == 1
    assert there.running() == []


def test_no_device_fails_if_named_and_else_skips(
    hil: Run, small_pack: Path, phone: Start, tmp_path: Path
) -> None:
    (tmp_path / "boards.toml").write_text(ANDROID + f'host = "127.0.0.1"\nport = {(port := free_port())}\n')
    reason = (
        f"phone: 127.0.0.1 port {port} cannot be reached: Connection refused; check its power, its network"
    )
    args = ("--boards", "boards.toml", "--pack", small_pack)
    done = hil("--target=android", *args)
    assert done.returncode == 1
    assert one_line_of_errors(done.stdout).startswith(reason)
    assert one_line_of_errors(done.stdout).endswith(", or add --emulate to bench the emulated one")
    done = hil(*args)
    assert done.returncode == 0
    assert f"reds-hil: skipped: {reason}" in done.stdout


def test_a_server_that_has_no_tcp_port_is_one_line_of_its_board(
    hil: Run, small_pack: Path, phone: Start, tmp_path: Path
) -> None:
    (tmp_path / "boards.toml").write_text(ANDROID)
    env = {"ADB_SERVER_SOCKET": "localfilesystem:/tmp/adb"}
    done = hil("--target=android", "--boards", "boards.toml", "--pack", small_pack, env=env)
    assert done.returncode == 1
    says = "ADB_SERVER_SOCKET is 'localfilesystem:/tmp/adb', which names no TCP port"
    assert says in one_line_of_errors(done.stdout)
