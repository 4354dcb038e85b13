"""Test that `hil doctor` finds each fault in an environment that has it, and is quiet in one that has not."""

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
from click.testing import CliRunner

from hil.boards import lease
from hil.cli import main
from hil.doctor import boards, examine, keys, packages, storage, tools
from hil.doctor.finding import Finding, State
from hil.doctor.machine import Machine
from tests.hil.support.findings import states
from tests.hil.support.sshd import Start, keygen, script, wait_gone

BROKEN, OPTIONAL, OK = State.BROKEN, State.OPTIONAL, State.OK
LONG_AGO = 0


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home without keys, and an empty cache in it."""
    folder = tmp_path / "home"
    folder.mkdir()
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder / ".cache"))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    return folder


@pytest.fixture
def boards_file(tmp_path: Path) -> Callable[[str], Machine]:
    """Return the machine with a boards file of this text."""

    def write(text: str) -> Machine:
        path = tmp_path / "boards.toml"
        path.write_text(text)
        return Machine(path)

    return write


PI = '[[board]]\nname = "pi"\ntarget = "pi"\nhost = "h"\n'


def test_tools_that_are_missing_are_named_with_their_packages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, boards_file: Callable[[str], Machine]
) -> None:
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    found = states(tools.tools(Machine()))
    assert (found["make"], found["cc"]) == (BROKEN, BROKEN)
    assert {found[tool.program] for tool in tools.TOOLS[2:]} == {OPTIONAL}
    named = states(tools.tools(boards_file(PI)))
    assert (named["aarch64-linux-gnu-gcc"], named["qemu-system-arm"]) == (BROKEN, OPTIONAL)
    remedies = {finding.subject: finding.remedy for finding in tools.tools(Machine())}
    assert remedies["arm-none-eabi-gcc"].endswith("gcc-arm-none-eabi libnewlib-arm-none-eabi")


def test_tool_that_does_not_run_or_has_no_library_is_a_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script(tmp_path / "bin" / "cc", "exit 1")
    script(tmp_path / "bin" / "make", "echo GNU Make 4.4")
    script(tmp_path / "bin" / "arm-none-eabi-gcc", "echo libc_nano.a")
    script(tmp_path / "bin" / "aarch64-linux-gnu-gcc", "echo /usr/lib/libc.so.6 1.2")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    found = {finding.subject: finding for finding in tools.tools(Machine())}
    assert (found["cc"].state, found["arm-none-eabi-gcc"].state) == (BROKEN, OPTIONAL)
    assert (found["make"].state, found["aarch64-linux-gnu-gcc"].state) == (OK, OK)
    assert found["make"].text.startswith("4.4")


@pytest.mark.parametrize("does", ["sleep 1000", "cat /dev/zero"])
def test_tool_that_hangs_is_a_fault_and_what_it_started_is_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, does: str
) -> None:
    script(tmp_path / "bin" / "cc", f"/bin/{does} & echo $! >{tmp_path}/pid; wait")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setattr(tools, "ANSWER_SECONDS", 0.5)
    assert states(tools.tools(Machine()))["cc"] is BROKEN
    assert wait_gone([int((tmp_path / "pid").read_text())])


def test_keyring_is_looked_for_below_the_root(tmp_path: Path) -> None:
    machine = Machine(root=tmp_path)
    assert states(tools.keyring(machine)) == {"Debian's keys": OPTIONAL}
    file = machine.path(tools._KEYRING)
    file.parent.mkdir(parents=True)
    file.touch()
    assert states(tools.keyring(machine)) == {"Debian's keys": OK}


@pytest.mark.parametrize("damage", ["raise RuntimeError('x\\ny')", "import nowhere", "("])
def test_package_that_cannot_be_imported_is_named(tmp_path: Path, damage: str) -> None:
    (tmp_path / "cobs.py").write_text(damage)
    code = "from hil.doctor import machine, packages; print(list(packages.extras(machine.Machine()))[0])"
    path = f"{tmp_path}:{os.environ.get('PYTHONPATH', '')}"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "cobs is damaged" in done.stdout
    assert "pip install --force-reinstall cobs" in done.stdout


def test_packages_of_this_environment_are_complete() -> None:
    assert states(packages.required(Machine())) == {"packages": OK}
    assert states(packages.extras(Machine()))["extra hil"] is OK


def test_cache_that_cannot_be_written_is_broken(home: Path) -> None:
    assert states(storage.cache(Machine())) == {"cache": OK}
    shutil.rmtree(home / ".cache")
    (home / ".cache").write_text("a file")
    assert states(storage.cache(Machine())) == {"cache": BROKEN}


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give a file to another user")
def test_file_of_another_user_in_the_cache_is_found(home: Path) -> None:
    file = home / ".cache" / "reds-hil" / "file"
    file.parent.mkdir(parents=True)
    file.touch()
    os.chown(file, 65534, 65534)
    assert states(storage.cache(Machine())) == {"cache": OPTIONAL}


def test_full_disk_is_broken(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert states(storage.space(Machine()))["room for cache"] is OK
    monkeypatch.setattr(storage, "CACHE_BYTES", 1 << 60)
    assert states(storage.space(Machine())) == {"room for cache": BROKEN, "room for temporary files": OK}


def test_temporary_folder_that_does_not_exist_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", None)
    assert states(storage.temporary_files(Machine())) == {"temporary files": OK}
    (tmp_path / "file").touch()
    for wrong in (tmp_path / "none", tmp_path / "file"):
        monkeypatch.setenv("TMPDIR", str(wrong))
        monkeypatch.setattr(tempfile, "tempdir", None)
        assert states(storage.temporary_files(Machine())) == {"temporary files": OPTIONAL}


def test_boards_file_that_is_invalid_is_broken_and_hides_no_other_check(
    boards_file: Callable[[str], Machine], home: Path
) -> None:
    machine = boards_file("[[board")
    assert states(boards.boards_file(machine)) == {"boards file": BROKEN}
    assert machine.entries() == ()
    assert states(boards.boards_file(boards_file(PI))) == {"boards file": OK}


def test_lease_in_use_is_shown_and_a_pipe_in_its_place_is_broken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lease, "shared", lambda: tmp_path)
    assert states(boards.leases(Machine())) == {"leases": OK}
    with lease.held("left", "D", 0, print):
        (finding,) = boards.leases(Machine())
        assert finding.state is OK
        assert f"process {os.getpid()}" in finding.text
    assert states(boards.leases(Machine())) == {"leases": OK}
    lease.path_of("D").unlink()
    os.mkfifo(lease.path_of("D"))
    (finding,) = boards.leases(Machine())
    assert (finding.state, finding.remedy) == (BROKEN, f"sudo rm -r {lease.path_of('D')}")


def test_pi_without_any_key_is_broken_until_it_has_them(
    home: Path, boards_file: Callable[[str], Machine]
) -> None:
    machine = boards_file(PI + 'user = "u"\n')
    assert states(keys.ssh(machine)) == {"key of pi": BROKEN, "host key of pi": BROKEN}
    (home / ".ssh").mkdir()
    key = keygen(home / ".ssh" / "id_ed25519")
    public = key.with_suffix(".pub").read_text().split()
    (home / ".ssh" / "known_hosts").write_text(f"h {public[0]} {public[1]}\n")
    assert states(keys.ssh(machine)) == {"key of pi": OK, "host key of pi": OK}


def test_keys_of_a_machine_that_a_board_is_reached_through_are_checked(
    home: Path, boards_file: Callable[[str], Machine]
) -> None:
    machine = boards_file(
        '[[board]]\nname = "phone"\ntarget = "android"\nserial = "S1"\nvia = { host = "exporter" }\n'
    )
    of = "the machine of phone"
    assert states(keys.ssh(machine)) == {f"key of {of}": BROKEN, f"host key of {of}": BROKEN}


@pytest.mark.parametrize("damage", [b"\xff\xfe", b"h ssh-ed25519 !!!\n", b"\0" * 100])
def test_damaged_known_hosts_is_a_fault_with_a_remedy(
    home: Path, boards_file: Callable[[str], Machine], damage: bytes
) -> None:
    (home / ".ssh").mkdir()
    (home / ".ssh" / "known_hosts").write_bytes(damage)
    assert states(keys.ssh(boards_file(PI)))["host key of pi"] is BROKEN


def test_pipe_in_place_of_a_key_file_is_a_fault_and_no_wait(
    home: Path, boards_file: Callable[[str], Machine]
) -> None:
    for path in (home / ".ssh" / "known_hosts", home / ".android" / "adbkey"):
        path.parent.mkdir()
        os.mkfifo(path)
    assert states(keys.ssh(boards_file(PI)))["host key of pi"] is BROKEN
    assert states(keys.adb(Machine())) == {"adb key": BROKEN}


def test_ssh_agent_counts_only_if_it_answers(
    home: Path, boards_file: Callable[[str], Machine], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSH_AUTH_SOCK", str(home / "agent"))
    with socket.socket(socket.AF_UNIX) as agent:
        agent.bind(str(home / "agent"))
        assert states(keys.ssh(boards_file(PI)))["key of pi"] is BROKEN
        agent.listen()
        assert states(keys.ssh(boards_file(PI)))["key of pi"] is OK


def test_remedy_for_an_unknown_host_key_quotes_the_host(
    boards_file: Callable[[str], Machine], home: Path
) -> None:
    machine = boards_file(PI.replace('"h"', '"h; touch x"'))
    remedy = {finding.subject: finding.remedy for finding in keys.ssh(machine)}["host key of pi"]
    assert "'h; touch x'" in remedy


def test_pi_with_its_keys_in_the_boards_file_is_ok(
    sshd: Start, boards_file: Callable[[str], Machine]
) -> None:
    rows = "".join(f"{key} = {json.dumps(value)}\n" for key, value in sshd().keys().items())
    machine = boards_file('[[board]]\nname = "pi"\ntarget = "pi"\n' + rows)
    assert states(keys.ssh(machine)) == {"key of pi": OK, "host key of pi": OK}


def test_damaged_adb_key_is_broken_and_none_is_made(home: Path) -> None:
    key = home / ".android" / "adbkey"
    assert states(keys.adb(Machine())) == {"adb key": OK}
    assert not key.parent.exists()
    key.parent.mkdir()
    key.write_text("")
    assert states(keys.adb(Machine())) == {"adb key": BROKEN}


def test_check_that_fails_is_a_finding_and_the_others_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(machine: Machine) -> Iterable[Finding]:
        raise RuntimeError("two\nlines \x1b[2J")

    monkeypatch.setattr(examine, "CHECKS", (fails, packages.python))
    first, second = examine.examine(Machine())
    assert (first.state, second.state) == (BROKEN, OK)
    assert first.text.isprintable()


def test_doctor_prints_a_line_for_each_finding_and_writes_json(home: Path, tmp_path: Path) -> None:
    words = ["doctor", "--json", str(tmp_path / "out.json")]
    done = CliRunner().invoke(main, words)
    rows = json.loads((tmp_path / "out.json").read_text())
    *lines, last = done.output.splitlines()
    assert len(lines) == len(rows) >= len(examine.CHECKS) - 1
    assert done.exit_code == any(row["state"] == "broken" for row in rows)
    assert last == ", ".join(
        f"{sum(r['state'] == s for r in rows)} {s}" for s in ("ok", "optional", "broken")
    )


def test_doctor_on_a_bare_machine_fails_without_a_traceback(home: Path, tmp_path: Path) -> None:
    """Nothing on PATH, a cache that is a file, no folder for temporary files, a boards file of garbage."""
    (home / ".cache").touch()
    (tmp_path / "boards.toml").write_bytes(b"\xff\0[[")
    code = "from hil.cli import main; main(prog_name='hil')"
    done = subprocess.run(
        [sys.executable, "-c", code, "doctor", "--boards", str(tmp_path / "boards.toml")],
        env={**os.environ, "PATH": str(tmp_path), "TMPDIR": str(tmp_path / "none")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (1, "")
    broken = {
        line.split("  ")[-1].partition(":")[0] for line in done.stdout.splitlines() if line[:6] == "broken"
    }
    assert broken == {"make", "cc", "cache", "boards file"}
