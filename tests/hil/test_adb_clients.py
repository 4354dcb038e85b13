"""Test the scripted peer and the emulated Android with the adb program and the adb-shell package."""

import os
import re
import stat
from pathlib import Path

import pytest
from adb_shell.adb_device import AdbDeviceTcp

from hil.emulators import arm64
from tests.hil.support.phone import AdbServer

FILE = "/data/local/tmp/file"


@pytest.fixture(params=["peer", "adbd"])
def port(request: pytest.FixtureRequest) -> int:
    """Port of a device that listens."""
    if request.param == "peer":
        return int(request.getfixturevalue("phone")().port)
    machine = request.getfixturevalue("emulated")
    assert isinstance(machine, arm64.Machine)
    return machine.port


@pytest.fixture
def data(tmp_path: Path) -> bytes:
    """A file that is larger than a message of ADB."""
    (tmp_path / "here").write_bytes(sent := os.urandom(3_000_000))
    return sent


def test_adb_program_pushes_pulls_and_returns_exit_codes(
    adb: AdbServer, port: int, tmp_path: Path, data: bytes
) -> None:
    adb.connect(port)
    assert re.search(rf"^127.0.0.1:{port}\tdevice$", adb.run("devices").stdout, re.MULTILINE)
    said = adb.run("shell", "echo out; echo wrong >&2; exit 7")
    assert (said.returncode, said.stdout, said.stderr) == (7, "out\n", "wrong\n")
    assert adb.run("shell", "cat", input="to and fro\n").stdout == "to and fro\n"
    pushed = adb.run("push", str(tmp_path / "here"), FILE)
    assert pushed.returncode == 0, pushed
    assert adb.run("shell", f"sha256sum <{FILE} | cut -c 1-64").returncode == 0
    pulled = adb.run("pull", FILE, str(tmp_path / "back"))
    assert pulled.returncode == 0, pulled
    assert (tmp_path / "back").read_bytes() == data
    refused = adb.run("push", str(tmp_path / "here"), "/proc/nowhere/file")
    assert refused.returncode == 1


def test_adb_shell_package_pushes_pulls_and_runs_commands(port: int, tmp_path: Path, data: bytes) -> None:
    device = AdbDeviceTcp("127.0.0.1", port, default_transport_timeout_s=9.0)
    assert device.connect()
    try:
        assert device.shell("echo out").strip() == "out"
        device.push(str(tmp_path / "here"), FILE, st_mode=stat.S_IFREG | 0o640)
        device.pull(FILE, str(tmp_path / "back"))
    finally:
        device.close()
    assert (tmp_path / "back").read_bytes() == data
