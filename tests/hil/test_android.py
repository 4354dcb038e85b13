"""A board over ADB, a scripted peer, direct or through a real adb server: who is let in, what is stored."""

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


def test_a_pack_runs_and_the_agent_is_stored_once(phone: Start, reach: Reach, small: Model) -> None:
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


def test_the_only_device_of_a_server_is_meant(phone: Start, adb: AdbServer, small: Model) -> None:
    first = phone()
    adb.connect(first.port)
    android_runs(Entry("phone", "android"), small)
    second = adb.connect(phone().port)
    says = android_refusal(Entry("phone", "android"), BoardAbsent)
    assert re.search(
        r"2 Android devices on the adb server at localhost:\d+ \(127\S+, 127\S+\); choose by `serial`", says
    )
    assert android.absent(Entry("phone", "android")) == says.removeprefix("phone: ")
    android_runs(Entry("phone", "android", serial=second), small)


def test_the_agent_has_no_port_and_its_core(phone: Start, reach: Reach) -> None:
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


def test_a_device_says_what_it_is_and_how_it_is(phone: Start) -> None:
    there = phone(programs={"getprop": PROPERTIES, "dumpsys": SERVICES})
    with open_android(there.entry()) as board:
        now = board.conditions()
    assert now is not None
    assert (now.model, now.abi) == ("Phone 9", "arm64-v8a")
    assert now.build == "maker/phone9/phone9:15/AP3A/123:user/release-keys"
    assert (now.battery, now.charge, now.thermal) == (81, "discharging", 2)


def test_the_aarch64_agent_gives_the_reference_s_bits(phone: Start, small: Model, tmp_path: Path) -> None:
    """It runs in user-mode emulation behind the same peer, of a script that is stored in its place."""
    agent = build.agent(build.LINUX["aarch64"], board="android")
    emulated = script(tmp_path / "emulated", f"exec qemu-aarch64 -cpu cortex-a72 {agent}")
    android_runs(replace(phone().entry(), agent=emulated), small)


def test_agents_suit_pages_of_16_kb() -> None:
    from elftools.elf.elffile import ELFFile

    for environment in build.LINUX.values():
        with build.agent(environment, board="android").open("rb") as file:
            aligned = [part["p_align"] for part in ELFFile(file).iter_segments("PT_LOAD")]
        assert aligned
        assert all(alignment % (16 << 10) == 0 for alignment in aligned)


def test_a_device_too_old_for_the_shell_protocol_is_told_so(phone: Start) -> None:
    says = android_refusal(phone("--features", "cmd").entry(), SetupError)
    assert says.endswith("has no service shell,v2,raw; Android 7 or newer is needed")


def test_an_emulator_does_not_pass_for_a_device(phone: Start, reach: Reach) -> None:
    emulated = phone(programs={"getprop": "[ $1 = ro.kernel.qemu ] && echo 1"})
    says = android_refusal(reach(emulated), SetupError)
    assert says.endswith(" is an emulator, no device; name another, or add --emulate")
    assert not emulated.stored()


def test_nothing_anywhere_is_absent_with_what_to_do() -> None: ...


def test_where_usb_cannot_be_searched_is_said_what_to_install(
    phone: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "usb1", None)
    reason = android.absent(Entry("phone", "android"))
    assert reason is not None
    assert reason.startswith("no Android device: no adb server runs, and USB cannot be searched: ")
    assert reason.endswith("; install libusb-1.0-0 and pip install libusb1")


def test_a_device_that_a_server_does_not_have_is_absent(phone: Start, adb: AdbServer) -> None:
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
    """The port of a program that has nothing to do with ADB."""

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


SAYS_NOTHING = (
    "does not say which devices it has: {}; end it (adb kill-server), or name another (ADB_SERVER_SOCKET)"
)


def test_a_server_that_gives_no_answer_is_said_to_be_why(phone: Start, adb: AdbServer) -> None:
    os.kill(adb.pid, signal.SIGSTOP)  # the system goes on taking connections for it
    with taking(4):
        reason = android.absent(Entry("phone", "android"))
    assert reason is not None
    assert reason.endswith(SAYS_NOTHING.format("timed out"))


def test_what_listens_in_a_server_s_place_is_told_from_one(
    phone: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    with web_server() as port:
        monkeypatch.setenv("ADB_SERVER_SOCKET", f"tcp:{port}")
        reason = android.absent(Entry("phone", "android"))
    assert reason is not None
    assert reason.endswith(SAYS_NOTHING.format("what listens there is no adb server: it says b'HTTP'"))


def test_a_host_that_does_not_listen_is_absent(phone: Start) -> None:
    port = free_port()
    entry = Entry("phone", "android", host=Host("127.0.0.1", port))
    reason = f"127.0.0.1 port {port} cannot be reached: Connection refused; "
    with taking(3):
        assert str(android.absent(entry)).startswith(reason)
    assert "; tried again: " in android_refusal(entry, LinkError)


def test_a_host_that_speaks_something_else_is_told_so(phone: Start) -> None:
    with web_server() as port:
        says = android_refusal(Entry("phone", "android", host=Host("127.0.0.1", port)), LinkError)
    assert "was lost as it was to log in: it does not speak ADB; tried again: " in says


@pytest.mark.parametrize(
    ("keys", "says"),
    [
        ({"port": "/dev/ttyACM0"}, "`port` without a host is for a board on a serial port, not an android"),
        ({"host": Host("h", user="u")}, "`user` and `host_key` are for SSH"),
        ({"host": Host("h", host_key="SHA256:x")}, "`user` and `host_key` are for SSH"),
        ({"host": Host("h"), "serial": "S1"}, "`serial` is for a device on USB or on an adb server"),
    ],
)
def test_keys_of_other_boards_are_refused(keys: dict[str, Any], says: str) -> None:
    assert says in android_refusal(Entry("phone", "android", **keys), BoardsFileError)


def test_an_agent_for_another_processor_is_not_sent(phone: Start) -> None:
    there = phone()
    other = {"x86_64": "aarch64", "aarch64": "x86_64"}[os.uname().machine]
    agent = build.agent(build.LINUX[other], board="android")
    says = android_refusal(replace(there.entry(), agent=agent), BuildError)
    here = os.uname().machine
    assert says == f"phone: {agent} is built for {other}, the board is of {here}; build it for that"
    assert not there.stored()


def test_a_system_that_there_is_no_agent_for_is_named(phone: Start) -> None:
    says = android_refusal(phone(programs={"uname": "echo armv7l"}).entry(), SetupError)
    assert says.startswith(
        "phone: its system is of armv7l, and there are agents for aarch64 and x86_64; install"
    )


def test_a_core_that_there_is_not_is_said(phone: Start) -> None:
    there = phone()
    says = android_refusal(replace(there.entry(), core=4000), BoardsFileError)
    assert says.startswith("phone: its agent cannot be put on core 4000: ")
    assert not there.stored()


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (
            "size=64k",
            r"cannot store [\d,]+ bytes in .*: No space left on device, \d+ kB are free there; make room",
        ),
        ("ro", r"cannot make the agent's folder: mkdir: .*: Read-only file system$"),
        ("noexec", r"the agent at .* cannot be run: .*Permission denied; its system lets no program run "),
    ],
)
def test_a_disk_that_does_not_take_the_agent_is_said_to_be_why(
    phone: Start, tmp_path: Path, options: str, says: str
) -> None:
    folder = tmp_path / "phone" / "tmp"
    folder.mkdir(parents=True)
    there = phone(within=mounting(f"mount -t tmpfs -o {options} none {folder}"))
    assert re.search(says, android_refusal(there.entry(), BuildError))
    assert not there.stored()


def test_a_transfer_that_is_cut_off_is_tried_again(phone: Start, reach: Reach, small: Model) -> None:
    there = phone("--cut", 200_000)
    android_runs(reach(there), small)
    assert len(there.stored()) == 1


@pytest.mark.parametrize("how", ["stream", "connection"])
def test_a_transfer_that_is_cut_off_again_is_lost_by_name(phone: Start, how: str) -> None:
    there = phone("--cut", 200_000, "--cuts", 2, "--cut-how", how)
    says = android_refusal(there.entry(), LinkError)
    lost = f"127.0.0.1 port {there.port} was lost as it was to store a file: "
    assert says.startswith(f"phone: {lost}")
    assert f"; tried again: {lost}" in says
    assert not there.stored()


def test_a_device_that_says_nothing_is_given_up_in_time(phone: Start, hurried: None) -> None:
    there = phone()
    os.kill(there.pid, signal.SIGSTOP)  # the system goes on taking connections for it
    says = android_refusal(there.entry(), DeadlineError, 4)
    assert "took longer than 1 s to log in; check that it is on" in says


def test_a_server_that_is_no_port_leaves_the_other_boards_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ADB_SERVER_SOCKET", "localfilesystem:/nowhere")
    assert "names no TCP port" in str(android.absent(Entry("phone", "android")))
    assert android.device(Entry("phone", "android")) is None
