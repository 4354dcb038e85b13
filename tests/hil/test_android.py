"""Test boards over ADB on a scripted peer, directly and through a real adb server."""

import os
import re
import signal
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from hil.boards.entry import Entry
from hil.boards.facts import Identity
from hil.boards.targets import android
from hil.errors import (
    BoardAbsent,
    BoardsFileError,
    BuildError,
    DeadlineError,
    LinkError,
    SetupError,
)
from hil.firmware import build
from hil.transports.host import Host
from reds.pack.model import Model
from tests.hil.support.boards import (
    android_refusal,
    android_runs,
    open_android,
    taking,
)
from tests.hil.support.phone import AdbServer, Reach, Start
from tests.hil.support.sshd import free_port, mounting, script


def test_pack_runs_and_the_agent_is_stored_once(phone: Start, reach: Reach, small: Model) -> None:
    there = phone()
    entry = reach(there)
    assert android.absent(entry) is None
    android_runs(entry, small)
    assert there.running() == []  # ended, not only asked to
    (agent,) = there.stored()
    assert agent.stat().st_mode & 0o777 == 0o700
    before = agent.stat()
    android_runs(entry, small)
    after = agent.stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_only_device_of_a_server_is_chosen(phone: Start, adb: AdbServer, small: Model) -> None:
    first = phone()
    adb.connect(first.port)
    android_runs(Entry("phone", "android"), small)
    second = adb.connect(phone().port)
    refused = android_refusal(Entry("phone", "android"), BoardAbsent)
    assert android.absent(Entry("phone", "android")) == refused.text
    android_runs(Entry("phone", "android", serial=second), small)


def test_agent_listens_on_no_port_and_runs_on_its_core(phone: Start, reach: Reach) -> None:
    there = phone()
    core = max(os.sched_getaffinity(0))
    with open_android(replace(reach(there), core=core)) as board:
        agent = there.agent()
        assert os.sched_getaffinity(agent) == {core}
        sockets = [os.readlink(file) for file in Path(f"/proc/{agent}/fd").iterdir()]
        assert not [name for name in sockets if name.startswith("socket:")]
        conditions = board.conditions()
        assert conditions is not None
        assert (conditions.core, conditions.machine) == (core, os.uname().machine)


PROPERTIES = """[ $# = 0 ] && echo "[ro.product.model]: [Phone 9]
[ro.product.model.sku]: [P9]
[ro.build.fingerprint]: [maker/phone9/phone9:15/AP3A/123:user/release-keys]
[ro.product.cpu.abi]: [arm64-v8a]
[ro.product.cpu.abilist]: [arm64-v8a,armeabi-v7a]"
true"""
SERVICES = """case $1 in
battery) printf "Current Battery Service state:\\n  status: 3\\n  health: 2\\n  level: 81\\n";;
thermalservice) printf "IsStatusOverride: false\\nThermal Status: 2\\nCached temperatures:\\n";;
esac"""


def test_conditions_of_a_device_are_read(phone: Start) -> None:
    there = phone(programs={"getprop": PROPERTIES, "dumpsys": SERVICES})
    with open_android(there.entry()) as board:
        now = board.conditions()
    assert now is not None
    assert (now.model, now.abi) == ("Phone 9", "arm64-v8a")
    assert now.build == "maker/phone9/phone9:15/AP3A/123:user/release-keys"
    assert (now.battery, now.charge, now.thermal) == (81, "discharging", 2)


def test_identity_is_the_serial_number_that_the_device_tells(phone: Start, reach: Reach) -> None:
    there = phone(programs={"getprop": '[ "$1" = ro.serialno ] && echo R5CT1; true'})
    with open_android(reach(there)) as board:
        assert board.facts().identity == Identity("R5CT1")


@pytest.mark.qemu("qemu-aarch64")
@pytest.mark.cross("aarch64-linux-gnu-gcc")
def test_aarch64_agent_equals_the_interpreter(phone: Start, small: Model, tmp_path: Path) -> None:
    """Run it by user-mode emulation, from a script that is stored in its place."""
    agent = build.agent(build.LINUX["aarch64"], board="android")
    emulated = script(tmp_path / "emulated", f"exec qemu-aarch64 -cpu cortex-a72 {agent}")
    android_runs(replace(phone().entry(), agent=emulated), small)


@pytest.mark.cross("aarch64-linux-gnu-gcc", "x86_64-linux-gnu-gcc")
def test_agents_are_aligned_to_pages_of_16_kb() -> None:
    from elftools.elf.elffile import ELFFile

    for environment in build.LINUX.values():
        with build.agent(environment, board="android").open("rb") as file:
            aligned = [part["p_align"] for part in ELFFile(file).iter_segments("PT_LOAD")]
        assert aligned
        assert all(alignment % (16 << 10) == 0 for alignment in aligned)


def test_device_without_the_shell_protocol_is_refused(phone: Start) -> None:
    refused = android_refusal(phone("--features", "cmd").entry(), SetupError)
    assert "shell,v2,raw" in refused.text


def test_emulator_is_refused_as_hardware(phone: Start, reach: Reach) -> None:
    emulated = phone(programs={"getprop": "[ $1 = ro.kernel.qemu ] && echo 1"})
    assert "emulator" in android_refusal(reach(emulated), SetupError).text
    assert not emulated.stored()


def test_absent_without_libusb_names_the_packages_to_install(
    phone: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "usb1", None)
    reason = android.absent(Entry("phone", "android"))
    assert reason is not None
    assert reason.endswith("install libusb-1.0-0 and pip install libusb1")


def test_device_that_the_server_lacks_is_absent(phone: Start, adb: AdbServer) -> None:
    nobody = android.absent(Entry("phone", "android"))
    assert nobody is not None
    assert re.fullmatch(
        r"no Android device on the adb server at localhost:\d+; enable USB debugging .*", nobody
    )
    serial = adb.connect(phone().port)
    other = android.absent(Entry("phone", "android", serial="S1"))
    assert other is not None
    assert re.fullmatch(rf"no Android device S1 on the adb .* \(there: {serial}\); plug it in", other)


@contextmanager
def web_server() -> Iterator[int]:
    """Start a server that does not speak ADB, and return its port."""

    def answer(server: socket.socket) -> None:
        with suppress(OSError):
            while True:
                sock = server.accept()[0]
                with sock, suppress(OSError):  # whoever only looks whether anything listens
                    sock.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
                    sock.recv(100)

    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=answer, args=(server,), daemon=True).start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)


def test_server_that_does_not_answer_makes_the_device_absent(phone: Start, adb: AdbServer) -> None:
    os.kill(adb.pid, signal.SIGSTOP)  # the system goes on taking connections for it
    with taking(4):
        reason = android.absent(Entry("phone", "android"))
    assert reason is not None
    assert "timed out" in reason


def test_listener_that_is_not_an_adb_server_makes_the_device_absent(
    phone: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    with web_server() as port:
        monkeypatch.setenv("ADB_SERVER_SOCKET", f"tcp:{port}")
        reason = android.absent(Entry("phone", "android"))
    assert reason is not None
    assert "b'HTTP'" in reason


def test_host_that_does_not_listen_is_absent(phone: Start) -> None:
    port = free_port()
    entry = Entry("phone", "android", host=Host("127.0.0.1", port))
    reason = f"127.0.0.1 port {port} cannot be reached: Connection refused; "
    with taking(3):
        assert str(android.absent(entry)).startswith(reason)
    assert "; tried again: " in android_refusal(entry, LinkError).text


def test_host_that_does_not_speak_adb_is_refused(phone: Start) -> None:
    with web_server() as port:
        refused = android_refusal(Entry("phone", "android", host=Host("127.0.0.1", port)), LinkError)
    assert "does not speak ADB" in refused.text


@pytest.mark.parametrize(
    ("keys", "key"),
    [
        ({"port": "/dev/ttyACM0"}, "port"),
        ({"host": Host("h", user="u")}, "host"),
        ({"host": Host("h", host_key="SHA256:x")}, "host"),
        ({"host": Host("h"), "serial": "S1"}, "host"),
    ],
)
def test_keys_of_other_targets_are_refused(keys: dict[str, Any], key: str) -> None:
    refused = android_refusal(Entry("phone", "android", **keys), BoardsFileError)
    assert isinstance(refused, BoardsFileError)
    assert refused.key == key


@pytest.mark.cross("aarch64-linux-gnu-gcc", "x86_64-linux-gnu-gcc")
def test_agent_for_another_processor_is_not_sent(phone: Start) -> None:
    there = phone()
    other = {"x86_64": "aarch64", "aarch64": "x86_64"}[os.uname().machine]
    agent = build.agent(build.LINUX[other], board="android")
    refused = android_refusal(replace(there.entry(), agent=agent), BuildError)
    assert all(word in refused.text for word in (str(agent), other, os.uname().machine))
    assert not there.stored()


def test_system_without_an_agent_is_refused(phone: Start) -> None:
    refused = android_refusal(phone(programs={"uname": "echo armv7l"}).entry(), SetupError)
    assert all(word in refused.text for word in ("armv7l", "aarch64", "x86_64"))


def test_core_that_does_not_exist_is_refused(phone: Start) -> None:
    there = phone()
    refused = android_refusal(replace(there.entry(), core=4000), BoardsFileError)
    assert "4000" in refused.text
    assert not there.stored()


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ("size=64k", "No space left on device"),
        ("ro", "Read-only file system"),
        ("noexec", "Permission denied"),
    ],
)
def test_disk_that_cannot_hold_the_agent_is_named_as_the_reason(
    phone: Start, tmp_path: Path, options: str, reason: str
) -> None:
    folder = tmp_path / "phone" / "tmp"
    folder.mkdir(parents=True)
    there = phone(within=mounting(f"mount -t tmpfs -o {options} none {folder}"))
    assert reason in android_refusal(there.entry(), BuildError).text
    assert not there.stored()


def test_interrupted_transfer_is_tried_again(phone: Start, reach: Reach, small: Model) -> None:
    there = phone("--cut", 200_000)
    android_runs(reach(there), small)
    assert len(there.stored()) == 1


@pytest.mark.parametrize("how", ["stream", "connection"])
def test_transfer_interrupted_twice_raises_link_error(phone: Start, how: str) -> None:
    there = phone("--cut", 200_000, "--cuts", 2, "--cut-how", how)
    refused = android_refusal(there.entry(), LinkError)
    assert refused.text.count(f"127.0.0.1 port {there.port} was lost") == 2, "it was not tried twice"
    assert not there.stored()


def test_silent_device_raises_at_the_deadline(phone: Start, hurried: None) -> None:
    there = phone()
    os.kill(there.pid, signal.SIGSTOP)  # the system goes on taking connections for it
    assert "1 s" in android_refusal(there.entry(), DeadlineError, 4).text


def test_server_address_without_a_tcp_port_leaves_other_boards_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ADB_SERVER_SOCKET", "localfilesystem:/nowhere")
    assert "ADB_SERVER_SOCKET" in str(android.absent(Entry("phone", "android")))
    assert android.device(Entry("phone", "android")) is None
