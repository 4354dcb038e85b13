"""Test boards over SSH whose users have other login shells, login scripts that print, or no shell.

sshd runs the program of each case in place of the login shell, with our command as its argument.
"""

import os
import shutil
import signal
from pathlib import Path

import pytest

from hil.errors import BuildError, DeadlineError, HostKeyError, LoginError, SetupError
from hil.transports.deadline import Deadline
from hil.transports.ssh.machine import SshMachine
from reds.pack.model import Model
from tests.hil.support.boards import pi_refusal, pi_runs, taking
from tests.hil.support.raising import raises
from tests.hil.support.sshd import Start

SHELLS = ("bash", "dash", "zsh", "fish", "tcsh")
AWKWARD = r"""printf '%s\n' 'single double \ back'`echo ticks`$((1+1))'!1 %s %% \101'
printf '%s|' a "b  c" '
' ü {x,y} *nowhere* '~root' # comment
cat; exit 3"""
ANSWER = "single double \\ backticks2!1 %s %% \\101\na|b  c|\n|ü|{x,y}|*nowhere*|~root|"
"""A script of what shells read in different ways. Its last command fails."""


def machine(sshd: Start, login: str) -> SshMachine:
    host = sshd(login=login).entry().host
    assert host is not None
    return SshMachine(host, Deadline.after(15))


@pytest.mark.parametrize("shell", [pytest.param(shell, marks=pytest.mark.cross(shell)) for shell in SHELLS])
def test_any_login_shell_passes_scripts_and_input_on(sshd: Start, shell: str) -> None:
    with machine(sshd, login=f'exec {shutil.which(shell)} -c "$1"') as there:
        session = there.execute(AWKWARD, Deadline.after(10))
        session.write(b"input\0\xff\n", Deadline.after(5))
        session.end_input(Deadline.after(5))
        out = b""
        while data := session.read(Deadline.after(5)):
            out += data
        assert out == ANSWER.encode() + b"input\0\xff\n"
        assert session.status(5) == 3


@pytest.mark.parametrize(
    "prints",
    {
        "a line": "echo Welcome to the lab",
        "an unfinished line": "printf Welcome",
        "what looks like an answer": "echo machine=pdp11; echo folder=/nowhere; echo held=0",
        "on both streams": "echo Welcome; echo 'stty: not a typewriter' >&2",
        "its commands": "set -v; echo 'exec sh -c' \"$1\"",
        "a lot": "seq 100000",
        "binary": "head -c 99999 /dev/urandom",
    }.items(),
    ids=lambda each: each[0],
)
def test_login_script_that_prints_does_no_harm(sshd: Start, small: Model, prints: tuple[str, str]) -> None:
    there = sshd(login=f'{prints[1]}\nexec sh -c "$1"')
    pi_runs(there.entry(), small)
    assert len(there.stored()) == 1


def test_login_script_that_leaves_a_program_running_does_no_harm(sshd: Start, small: Model) -> None:
    """It holds standard output open, so the stream of a script does not end with the script."""
    there = sshd(login='sleep 60 & echo "$!" >>"$HOME/sleepers"\nexec sh -c "$1"')
    try:
        with taking(15):
            pi_runs(there.entry(), small)
    finally:
        for pid in (there.home / "sleepers").read_text().split():
            os.kill(int(pid), signal.SIGTERM)


def test_failed_command_is_explained_by_itself_not_by_the_login_script(sshd: Start) -> None:
    with machine(sshd, login='echo "tput: No value for TERM" >&2\nexec sh -c "$1"') as there:
        with raises(BuildError) as caught:
            there.run("echo why >&2; exit 7", "fail", Deadline.after(10))
        assert caught.value.observation.endswith("why")
        with raises(BuildError) as caught:
            there.run("exit 7", "fail", Deadline.after(10))
        assert caught.value.observation.endswith("exit status 7")


@pytest.mark.parametrize(
    ("login", "says"),
    [
        ("exec /usr/sbin/nologin", "This account is currently not available."),
        ("exec /bin/false", "nothing"),
        ("exec /bin/true", "nothing"),
        ("echo Welcome; exit 0", "Welcome"),
        ('exec git-shell -c "$1"', "unrecognized command"),
        ("echo \"'exec' is not recognized as an internal or external command\" >&2; exit 1", "recognized"),
        ("echo 'WARNING: Your password has expired.' >&2; exit 1", "password has expired"),
        ("exec /nowhere/shell", "/nowhere/shell"),
    ],
)
def test_account_without_a_shell_is_refused_in_its_own_words(sshd: Start, login: str, says: str) -> None:
    refused = pi_refusal(sshd(login=login).entry(), LoginError)
    assert says in refused.text


@pytest.mark.parametrize("login", ["printf 'Choose a container: '; read answer", "exec cat"])
def test_login_script_that_waits_is_named_at_the_deadline(
    sshd: Start, login: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hil.boards.shell_board.COMMAND_SECONDS", 1.0)
    refused = pi_refusal(sshd(login=login).entry(), DeadlineError)
    assert ("Choose a container" in refused.text) is ("Choose" in login)


UNREADABLE = [
    b"\xff\xfe\n",
    b"host ssh-rsa notbase64!!\n",
    b"host ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAgQ==\n",
]


@pytest.mark.parametrize("line", UNREADABLE, ids=["no text", "no base64", "no key"])
def test_known_hosts_that_cannot_be_read_is_named(sshd: Start, tmp_path: Path, line: bytes) -> None:
    there = sshd()
    known = tmp_path / "me" / ".ssh" / "known_hosts"
    known.parent.mkdir(parents=True)
    known.write_bytes(line)
    assert "known_hosts" in pi_refusal(there.entry(host_key=None), HostKeyError).text


def test_user_name_that_cannot_be_sent_is_an_error_of_the_login(sshd: Start) -> None:
    pi_refusal(sshd().entry(user="\udcff"), LoginError)


def test_system_other_than_linux_is_named(sshd: Start) -> None:
    says = f'[ "$1" = -s ] && echo FreeBSD || echo {os.uname().machine}'
    assert "FreeBSD" in pi_refusal(sshd(programs={"uname": says}).entry(), SetupError).text


def test_system_without_uname_is_refused(sshd: Start) -> None:
    assert "unknown" in pi_refusal(sshd(programs={"uname": "exit 127"}).entry(), SetupError).text


def test_user_without_a_name_is_told_to_write_one(sshd: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody() -> str:
        raise KeyError("getpwuid(): uid not found: 12345")

    monkeypatch.setattr("hil.transports.ssh.machine.getuser", nobody)
    assert "`user`" in pi_refusal(sshd().entry(), LoginError).text


def test_agent_that_cannot_be_read_is_named(sshd: Start, tmp_path: Path) -> None:
    assert str(tmp_path) in pi_refusal(sshd().entry(agent=tmp_path), BuildError).text


@pytest.mark.parametrize("sessions", [0, 1])
def test_sshd_that_opens_too_few_sessions_is_named_with_the_option(sshd: Start, sessions: int) -> None:
    there = sshd(config=f"MaxSessions {sessions}")
    assert "MaxSessions" in pi_refusal(there.entry(), LoginError).text


@pytest.mark.parametrize("only", ["KexAlgorithms diffie-hellman-group1-sha1", "MACs umac-64@openssh.com"])
def test_sshd_without_a_common_algorithm_is_refused_and_not_called_lost(sshd: Start, only: str) -> None:
    assert "algorithms" in pi_refusal(sshd(config=only).entry(), LoginError).text


@pytest.mark.parametrize(
    "login",
    [
        'export XDG_CACHE_HOME=/proc/nowhere; exec sh -c "$1"',
        'unset HOME; export XDG_CACHE_HOME=/proc; exec sh -c "$1"',
        'export XDG_CACHE_HOME="$(printf \'/tmp/r\\374ds\')"; mkdir() { :; }; exec sh -c "$1"',
    ],
    ids=["no folder", "not writable", "no UTF-8"],
)
def test_folder_that_cannot_be_used_is_an_error_with_a_remedy(sshd: Start, login: str) -> None:
    refused = pi_refusal(sshd(login=login).entry(), BuildError)
    assert refused.text != refused.observation
