"""Test boards over SSH on a real sshd: trust, stored agents, and cleaning up."""

import os
import signal
import subprocess
import time
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from hil.boards import boards_toml
from hil.boards.entry import Entry
from hil.boards.facts import Identity
from hil.boards.targets import pi
from hil.errors import (
    BoardAbsent,
    BoardsFileError,
    BuildError,
    DeadlineError,
    HostKeyError,
    LinkError,
    LoginError,
    SetupError,
)
from hil.firmware import build
from hil.transports.shell import END_SECONDS
from reds.pack.model import Model
from tests.hil.support.boards import HERE, open_pi, pi_refusal, pi_runs, taking
from tests.hil.support.sshd import Start, fingerprint, free_port, keygen, mounting, script


def test_pack_runs_and_the_agent_is_stored_once(sshd: Start, small: Model) -> None:
    there = sshd()
    assert pi.absent(there.entry()) is None
    pi_runs(there.entry(), small)
    assert there.running() == []  # ended, not only asked to
    (agent,) = there.stored()
    assert agent.stat().st_mode & 0o777 == 0o700
    before = agent.stat()
    pi_runs(there.entry(), small)
    after = agent.stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_identity_is_the_fingerprint_of_the_host_key(sshd: Start) -> None:
    entry = sshd().entry()
    assert entry.host is not None
    assert entry.host.host_key is not None
    with open_pi(entry) as board:
        assert board.facts().identity == Identity(entry.host.host_key)


def test_changed_agent_is_stored_again(sshd: Start, small: Model) -> None:
    there = sshd()
    pi_runs(there.entry(), small)
    (agent,) = there.stored()
    good = agent.read_bytes()
    agent.write_bytes(b"#!/bin/sh\n" + good)
    pi_runs(there.entry(), small)
    assert agent.read_bytes() == good
    agent.chmod(0o600)
    pi_runs(there.entry(), small)
    assert there.stored() == [agent]


def test_agent_exits_at_the_end_of_its_input(sshd: Start) -> None:
    there = sshd()
    with ExitStack() as stack:
        stack.enter_context(open_pi(there.entry()))
        assert there.agent()
        with taking(END_SECONDS):
            stack.close()
    assert there.running() == []


def test_old_agents_and_partial_files_are_removed(sshd: Start, small: Model) -> None:
    there = sshd()
    folder = there.home / ".cache" / "reds-hil"
    folder.mkdir(parents=True)
    partial = (("agent-0123.4567", 9), ("agent-0123.45670123", 2), ("agent-89ab.bin.45670123", 2))
    for name, days in (("agent-0123", 9), *partial, ("agent-89ab", 1), ("agent-89ab.bin", 2), ("notes", 9)):
        (folder / name).touch()
        os.utime(folder / name, times=(time.time() - days * 86_400,) * 2)
    pi_runs(there.entry(), small)
    names = [path.name for path in there.stored()]
    assert len(names) == 4
    assert {"agent-89ab", "agent-89ab.bin", "notes"} < set(names)


def test_agent_listens_on_no_port_and_runs_on_its_core(sshd: Start) -> None:
    there = sshd()
    core = max(os.sched_getaffinity(0))
    with open_pi(there.entry(core=core)) as board:
        agent = there.agent()
        assert os.sched_getaffinity(agent) == {core}
        sockets = [os.readlink(f) for f in Path(f"/proc/{agent}/fd").iterdir()]
        addresses = Path(f"/proc/{agent}/net/tcp").read_text() + Path(f"/proc/{agent}/net/udp").read_text()
        inodes = {line.split()[9] for line in addresses.splitlines()}
        assert not inodes & {name.removeprefix("socket:[").rstrip("]") for name in sockets}
        conditions = board.conditions()
        assert conditions is not None
        assert (conditions.core, conditions.machine) == (core, os.uname().machine)


@pytest.mark.qemu("qemu-aarch64")
@pytest.mark.cross("aarch64-linux-gnu-gcc")
def test_aarch64_agent_equals_the_interpreter(sshd: Start, small: Model, tmp_path: Path) -> None:
    """Run it by user-mode emulation, from a script that is stored in its place."""
    agent = build.agent(build.LINUX["aarch64"], board="pi")
    emulated = script(tmp_path / "emulated", f"exec qemu-aarch64 -cpu cortex-a72 {agent}")
    pi_runs(sshd().entry(agent=emulated), small)


def test_host_in_known_hosts_is_trusted(sshd: Start, tmp_path: Path, small: Model) -> None:
    there = sshd()
    known = tmp_path / "me" / ".ssh" / "known_hosts"
    known.parent.mkdir(parents=True)
    key = there.host_key.with_suffix(".pub").read_text()
    known.write_text(f"[127.0.0.1]:{there.port} {key}")
    pi_runs(there.entry(host_key=None), small)
    other = keygen(tmp_path / "other")
    known.write_text(f"[127.0.0.1]:{there.port} {other.with_suffix('.pub').read_text()}")
    shown, known_key = fingerprint(there.host_key), fingerprint(other)
    refused = pi_refusal(there.entry(host_key=None), HostKeyError)
    assert all(key in refused.text for key in (shown, known_key))
    assert refused.text.endswith(f"ssh-keygen -R '[127.0.0.1]:{there.port}'")


def test_unknown_host_is_refused_with_the_line_to_add(sshd: Start, tmp_path: Path, small: Model) -> None:
    there = sshd()
    refused = pi_refusal(there.entry(host_key=None), HostKeyError)
    line = f'host_key = "{fingerprint(there.host_key)}"'
    assert refused.text.endswith(line)
    assert not there.stored()
    rows = ["[[board]]", 'name = "pi-1"', 'target = "pi"', 'host = "127.0.0.1"', f"port = {there.port}"]
    (tmp_path / "boards.toml").write_text("\n".join([*rows, 'key = "id"', line]))
    pi_runs(*boards_toml.load(tmp_path / "boards.toml"), small)


def test_host_with_another_key_than_boards_toml_is_refused(sshd: Start, tmp_path: Path) -> None:
    there = sshd()
    other = fingerprint(keygen(tmp_path / "other"))
    assert other in pi_refusal(there.entry(host_key=other), HostKeyError).text
    assert not there.stored()


def test_refused_login_names_the_key(sshd: Start, tmp_path: Path) -> None:
    there = sshd()
    refused = pi_refusal(there.entry(key=keygen(tmp_path / "other")), LoginError)
    assert str(tmp_path / "other") in refused.text
    assert "ssh-agent" in pi_refusal(there.entry(key=None), LoginError).text
    subprocess.run(["ssh-keygen", "-q", "-p", "-N", "secret", "-f", str(there.key)], check=True)
    refused = pi_refusal(there.entry(), LoginError)
    assert all(word in refused.text for word in (str(there.key), "passphrase", "ssh-add"))
    there.key.write_text("no key")
    assert str(there.key) in pi_refusal(there.entry(), LoginError).text


def test_key_in_ssh_agent_is_accepted(
    sshd: Start, tmp_path: Path, small: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    there, path = sshd(), str(tmp_path / "agent")
    with subprocess.Popen(["ssh-agent", "-D", "-a", path], stdout=subprocess.PIPE) as agent:
        assert agent.stdout is not None
        agent.stdout.readline()
        try:
            monkeypatch.setenv("SSH_AUTH_SOCK", path)
            subprocess.run(["ssh-add", "-q", str(there.key)], check=True, capture_output=True)
            pi_runs(there.entry(key=None), small)
        finally:
            agent.kill()


def test_host_that_does_not_listen_is_absent(sshd: Start) -> None:
    there = sshd()
    entry, port = there.entry(), free_port()
    entry = replace(entry, host=replace(entry.host, port=port))
    reason = (
        f"{HERE.format(port)} cannot be reached: Connection refused; check its power, its network and `host`"
    )
    with taking(3):
        assert pi.absent(entry) == reason
    assert "; tried again: " in pi_refusal(entry, LinkError).text
    nowhere = pi.absent(replace(entry, host=replace(entry.host, name="nowhere.invalid")))
    assert nowhere is not None
    assert nowhere.startswith("nowhere.invalid port ")


def test_emulator_at_a_host_is_no_board(sshd: Start) -> None:
    assert "an emulator" in (pi.absent(replace(sshd().entry(), emulated=True)) or "")


def test_entry_without_a_host_is_absent() -> None:
    entry = Entry("pi-1", "pi")
    assert pi.absent(entry) == pi_refusal(entry, BoardAbsent).text


def test_serial_number_is_refused(sshd: Start) -> None:
    refused = pi_refusal(replace(sshd().entry(), serial="S1"), BoardsFileError)
    assert isinstance(refused, BoardsFileError)
    assert refused.key == "serial"


def test_silent_host_raises_at_the_deadline(sshd: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pi, "LOGIN_SECONDS", 1.0)
    there = sshd()
    os.kill(there.pid, signal.SIGSTOP)  # the system goes on taking connections for it
    assert "1 s" in pi_refusal(there.entry(), DeadlineError, 4).text


PART = "dd bs=4096 count=40 2>/dev/null"
"""A `cat` that stores no more than the beginning of a file."""
LOSE_LOGIN = "kill -9 $(ps -o ppid= $PPID)"
"""Ends sshd's process of the login, whose child is the shell that runs this."""


def test_interrupted_transfer_is_tried_again(sshd: Start, tmp_path: Path, small: Model) -> None:
    once = f"mkdir {tmp_path}/cut 2>/dev/null || exec /bin/cat"
    there = sshd(programs={"cat": f"{once}\n{PART}\n{LOSE_LOGIN}"})
    pi_runs(there.entry(), small)
    assert (tmp_path / "cut").is_dir()
    whole, part = sorted(there.stored(), key=lambda path: len(path.name))
    assert part.name.startswith(whole.name)
    assert 0 < part.stat().st_size <= 40 * 4096 < whole.stat().st_size


def test_sshd_killed_in_a_transfer_raises_link_error(sshd: Start, tmp_path: Path) -> None:
    there = sshd(programs={"cat": f"{PART}\nkill -9 $(/bin/cat {tmp_path}/pid)\n{LOSE_LOGIN}"})
    (tmp_path / "pid").write_text(str(there.pid))
    refused = pi_refusal(there.entry(), LinkError)
    first, second = refused.text.split("; tried again: ")
    assert HERE.format(there.port) in first
    assert HERE.format(there.port) in second


def test_core_that_does_not_exist_is_refused(sshd: Start) -> None:
    there = sshd()
    refused = pi_refusal(there.entry(core=4000), BoardsFileError)
    assert isinstance(refused, BoardsFileError)
    assert refused.key == "core"
    assert not there.stored()


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ("size=64k", "64 kB are free"),
        ("ro", "Read-only file system"),
        ("noexec", "Permission denied"),
    ],
)
def test_disk_that_cannot_hold_the_agent_is_named_as_the_reason(
    sshd: Start, tmp_path: Path, options: str, reason: str
) -> None:
    (tmp_path / "home").mkdir()
    there = sshd(within=mounting(f"mount -t tmpfs -o {options} none {tmp_path}/home"))
    assert reason in pi_refusal(there.entry(), BuildError).text
    assert not there.stored()


@pytest.mark.parametrize("df", ["exit 1", "echo", "echo a b c d"])
def test_disk_of_unknown_room_is_named_too(sshd: Start, tmp_path: Path, df: str) -> None:
    (tmp_path / "home").mkdir()
    within = mounting(f"mount -t tmpfs -o size=64k none {tmp_path}/home")
    refused = pi_refusal(sshd(within=within, programs={"df": df}).entry(), BuildError)
    assert "kB" not in refused.text


def test_folder_that_cannot_be_made_is_named(sshd: Start) -> None:
    there = sshd()
    (there.home / ".cache").touch()
    assert "/home/.cache" in pi_refusal(there.entry(), BuildError).text


@pytest.mark.cross("aarch64-linux-gnu-gcc", "x86_64-linux-gnu-gcc")
def test_agent_for_another_processor_is_not_sent(sshd: Start) -> None:
    there = sshd()
    other = {"x86_64": "aarch64", "aarch64": "x86_64"}[os.uname().machine]
    agent = build.agent(build.LINUX[other], board="pi")
    refused = pi_refusal(there.entry(agent=agent), BuildError)
    assert all(word in refused.text for word in (str(agent), other, os.uname().machine))
    assert not there.stored()


def test_system_without_an_agent_is_refused(sshd: Start, tmp_path: Path) -> None:
    refused = pi_refusal(sshd(programs={"uname": "echo armv7l"}).entry(), SetupError)
    assert all(word in refused.text for word in ("armv7l", "aarch64", "x86_64"))
