"""A board over SSH, on a real sshd: who is trusted, what is stored, and that nothing is left running."""

import os
import re
import signal
import subprocess
import time
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from hil.boards import boards_toml
from hil.boards.entry import Entry
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
from tests.hil.support.sshd import SFTP_SERVER, Start, fingerprint, free_port, keygen, mounting, script


def test_a_pack_runs_and_the_agent_is_stored_once(sshd: Start, small: Model) -> None:
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


def test_an_agent_that_was_changed_or_made_no_program_is_put_right(sshd: Start, small: Model) -> None:
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


def test_an_agent_ends_by_itself_when_its_input_does(sshd: Start) -> None:
    there = sshd()
    with ExitStack() as stack:
        stack.enter_context(open_pi(there.entry()))
        assert there.agent()
        with taking(END_SECONDS):
            stack.close()
    assert there.running() == []


def test_old_agents_and_parts_of_some_are_cleared_away(sshd: Start, small: Model) -> None:
    there = sshd()
    folder = there.home / ".cache" / "reds-hil"
    folder.mkdir(parents=True)
    for name, days in (("agent-0123", 9), ("agent-0123.4567", 9), ("agent-89ab", 1), ("notes", 9)):
        (folder / name).touch()
        os.utime(folder / name, times=(time.time() - days * 86_400,) * 2)
    pi_runs(there.entry(), small)
    names = [path.name for path in there.stored()]
    assert len(names) == 3
    assert {"agent-89ab", "notes"} < set(names)


def test_the_agent_has_no_port_and_its_core(sshd: Start) -> None:
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


def test_the_aarch64_agent_gives_the_reference_s_bits(sshd: Start, small: Model, tmp_path: Path) -> None:
    """It runs in user-mode emulation behind the same sshd, of a script that is stored in its place."""
    agent = build.agent(build.LINUX["aarch64"], board="pi")
    emulated = script(tmp_path / "emulated", f"exec qemu-aarch64 -cpu cortex-a72 {agent}")
    pi_runs(sshd().entry(agent=emulated), small)


def test_a_host_in_known_hosts_is_trusted(sshd: Start, tmp_path: Path, small: Model) -> None:
    there = sshd()
    known = tmp_path / "me" / ".ssh" / "known_hosts"
    known.parent.mkdir(parents=True)
    key = there.host_key.with_suffix(".pub").read_text()
    known.write_text(f"[127.0.0.1]:{there.port} {key}")
    pi_runs(there.entry(host_key=None), small)
    other = keygen(tmp_path / "other")
    known.write_text(f"[127.0.0.1]:{there.port} {other.with_suffix('.pub').read_text()}")
    shown, known_key = fingerprint(there.host_key), fingerprint(other)
    says = pi_refusal(there.entry(host_key=None), HostKeyError)
    assert f"shows the host key {shown} (ssh-ed25519), not {known_key} as in known_hosts" in says
    assert says.endswith(f"then run ssh-keygen -R '[127.0.0.1]:{there.port}'")


def test_an_unknown_host_is_refused_with_the_line_that_makes_it_known(
    sshd: Start, tmp_path: Path, small: Model
) -> None:
    there = sshd()
    says = pi_refusal(there.entry(host_key=None), HostKeyError)
    line = f'host_key = "{fingerprint(there.host_key)}"'
    assert says.endswith(
        f"which is not known here; if that is its key, add to its board in boards.toml: {line}"
    )
    assert not there.stored()
    rows = ["[[board]]", 'name = "pi-1"', 'target = "pi"', 'host = "127.0.0.1"', f"port = {there.port}"]
    (tmp_path / "boards.toml").write_text("\n".join([*rows, 'key = "id"', line]))
    pi_runs(*boards_toml.load(tmp_path / "boards.toml"), small)


def test_a_host_with_another_key_than_boards_toml_says_is_pi_refusal(sshd: Start, tmp_path: Path) -> None:
    there = sshd()
    other = fingerprint(keygen(tmp_path / "other"))
    says = pi_refusal(there.entry(host_key=other), HostKeyError)
    assert f"not {other}; another machine answers, or it was set up anew" in says
    assert not there.stored()


def test_a_key_that_is_not_let_in_is_named(sshd: Start, tmp_path: Path) -> None:
    there = sshd()
    says = pi_refusal(there.entry(key=keygen(tmp_path / "other")), LoginError)
    assert f"refuses the key {tmp_path / 'other'}: Authentication failed; add the public key" in says
    says = pi_refusal(there.entry(key=None), LoginError)
    assert "refuses all keys of ssh-agent and ~/.ssh: No authentication methods available; add the" in says
    subprocess.run(["ssh-keygen", "-q", "-p", "-N", "secret", "-f", str(there.key)], check=True)
    says = pi_refusal(there.entry(), LoginError)
    assert says.endswith(f"the key {there.key} has a passphrase; give it to ssh-agent: ssh-add")
    there.key.write_text("no key")
    assert f"refuses the key {there.key}: " in pi_refusal(there.entry(), LoginError)


def test_ssh_agent_lets_us_in(
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


def test_a_host_that_does_not_listen_is_absent(sshd: Start) -> None:
    there = sshd()
    entry, port = there.entry(), free_port()
    entry = replace(entry, host=replace(entry.host, port=port))
    reason = (
        f"{HERE.format(port)} cannot be reached: Connection refused; check its power, its network and `host`"
    )
    with taking(3):
        assert pi.absent(entry) == reason
    assert "; tried again: " in pi_refusal(entry, LinkError)
    nowhere = pi.absent(replace(entry, host=replace(entry.host, name="nowhere.invalid")))
    assert nowhere is not None
    assert nowhere.startswith("nowhere.invalid port ")


def test_a_board_without_a_host_is_absent() -> None:
    entry = Entry("pi-1", "pi")
    assert pi.absent(entry) == "its entry names no host; add `host` and `user` in a boards file"
    assert "its entry names no host" in pi_refusal(entry, BoardAbsent)


def test_a_serial_number_is_no_business_of_a_pi(sshd: Start) -> None:
    says = pi_refusal(replace(sshd().entry(), serial="S1"), BoardsFileError)
    assert says == "pi-1: `serial` is for a board on a port, not a pi; remove it"


def test_a_host_that_says_nothing_is_given_up_in_time(sshd: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pi, "LOGIN_SECONDS", 1.0)
    there = sshd()
    os.kill(there.pid, signal.SIGSTOP)  # the system goes on taking connections for it
    says = pi_refusal(there.entry(), DeadlineError, 4)
    assert "took longer than 1 s to log in; check its load" in says


PART = f"dd bs=4096 count=40 2>/dev/null | {SFTP_SERVER}"
"""An sftp-server that is fed no more than the beginning of a transfer."""


def test_a_transfer_that_is_cut_off_is_tried_again(sshd: Start, tmp_path: Path, small: Model) -> None:
    once = f"mkdir {tmp_path}/cut || exec {SFTP_SERVER}"
    there = sshd(sftp=script(tmp_path / "sftp", f"{once}\n{PART}\nkill -9 $PPID"))
    pi_runs(there.entry(), small)
    assert (tmp_path / "cut").is_dir()
    whole, part = sorted(there.stored(), key=lambda path: len(path.name))
    assert part.name.startswith(whole.name)
    assert 0 < part.stat().st_size <= 40 * 4096 < whole.stat().st_size


def test_an_sshd_that_is_killed_in_a_transfer_is_lost_by_name(sshd: Start, tmp_path: Path) -> None:
    there = sshd(sftp=script(tmp_path / "sftp", f"{PART}\nkill -9 $(cat {tmp_path}/pid) $PPID"))
    (tmp_path / "pid").write_text(str(there.pid))
    says = pi_refusal(there.entry(), LinkError)
    here = HERE.format(there.port)
    lost = rf"pi-1: {here} was lost as it was to store a file: (Server connection dropped|Socket is closed); "
    assert re.match(lost, says)  # by which of paramiko's threads sees the end first
    assert f"; tried again: {here} cannot be reached: Connection refused; check its" in says


def test_a_core_that_the_board_has_not_is_named(sshd: Start) -> None:
    there = sshd()
    says = pi_refusal(there.entry(core=4000), BoardsFileError)
    assert says.startswith("pi-1: its agent cannot be put on core 4000: ")
    assert says.endswith("; name another `core`, or none")
    assert not there.stored()


def test_a_board_without_sftp_says_what_to_install(sshd: Start) -> None:
    says = pi_refusal(sshd(sftp="/nowhere/sftp-server").entry(), SetupError)
    assert says.endswith("has no SFTP; install openssh-sftp-server there")


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ("size=64k", r"cannot store [\d,]+ bytes in .*: Failure, 64 kB are free there; make room"),
        ("ro", r"cannot make the agent's folder: mkdir: .*: Read-only file system$"),
        (
            "noexec",
            r"the agent at .* cannot be run: .*Permission denied; its folder has to allow programs: set",
        ),
    ],
)
def test_a_disk_that_does_not_take_the_agent_is_said_to_be_why(
    sshd: Start, tmp_path: Path, options: str, says: str
) -> None:
    (tmp_path / "home").mkdir()
    there = sshd(within=mounting(f"mount -t tmpfs -o {options} none {tmp_path}/home"))
    assert re.search(says, pi_refusal(there.entry(), BuildError))
    assert not there.stored()


def test_a_folder_that_cannot_be_made_is_named(sshd: Start) -> None:
    there = sshd()
    (there.home / ".cache").touch()
    says = pi_refusal(there.entry(), BuildError)
    assert "cannot make the agent's folder: mkdir: " in says
    assert "/home/.cache" in says


def test_an_agent_for_another_processor_is_not_sent(sshd: Start) -> None:
    there = sshd()
    other = {"x86_64": "aarch64", "aarch64": "x86_64"}[os.uname().machine]
    agent = build.agent(build.LINUX[other], board="pi")
    says = pi_refusal(there.entry(agent=agent), BuildError)
    assert (
        says == f"pi-1: {agent} is built for {other}, the board is of {os.uname().machine}; build it for that"
    )
    assert not there.stored()


def test_a_system_that_there_is_no_agent_for_is_named(sshd: Start, tmp_path: Path) -> None:
    says = pi_refusal(sshd(programs={"uname": "echo armv7l"}).entry(), SetupError)
    assert says.startswith(
        "pi-1: its system is of armv7l, and there are agents for aarch64 and x86_64; install"
    )
