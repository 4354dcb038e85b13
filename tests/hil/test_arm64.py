"""Test the emulated machines with a real OpenSSH client: logins, isolation, and cleaning up."""

import hashlib
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

from hil.boards.entry import Entry
from hil.boards.facts import Provenance
from hil.boards.targets import pi
from hil.emulators import arm64, arm64_image
from hil.emulators.arm64 import Machine
from hil.emulators.arm64_image import Image
from hil.emulators.qmp import Monitor
from hil.errors import EmulatorError, EmulatorStopped, LinkError
from hil.firmware import build
from hil.transports.deadline import Deadline
from reds.pack.model import Model
from tests.hil.support import AGENTS
from tests.hil.support.boards import taking
from tests.hil.support.processes import eventually, marked
from tests.hil.support.raising import raises
from tests.hil.support.sshd import fingerprint, keygen, wait_gone
from tests.support.nets import inputs

pytestmark = [pytest.mark.qemu("qemu-system-aarch64"), pytest.mark.cross("aarch64-linux-gnu-gcc")]


@pytest.fixture(scope="module")
def machine() -> Iterator[Machine]:
    with arm64.start("pi") as started:
        yield started


def known(machine: Machine, folder: Path) -> Path:
    """Write a known_hosts file with the machine's host key."""
    file = folder / "known_hosts"
    file.write_text(f"[127.0.0.1]:{machine.port} {(machine.image.folder / 'host_key.pub').read_text()}\n")
    assert fingerprint(file) == machine.image.host_key
    return file


@pytest.fixture(scope="module")
def known_hosts(machine: Machine, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return known(machine, tmp_path_factory.mktemp("ssh"))


OPTIONS = {
    "BatchMode": "yes",
    "IdentitiesOnly": "yes",
    "IdentityAgent": "none",
    "GlobalKnownHostsFile": "/dev/null",
    "StrictHostKeyChecking": "yes",
}


def client(
    machine: Machine,
    known_hosts: Path,
    *command: str,
    user: str = "pi",
    key: Path | None = None,
    told: str | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run ssh with a command, or sftp with commands on its input, without any configuration file."""
    options = [f"-o{name}={value}" for name, value in OPTIONS.items()]
    options += [f"-oUserKnownHostsFile={known_hosts}", f"-oPort={machine.port}"]
    program, identity = "ssh" if told is None else "sftp", str(key or machine.image.key)
    line = [program, "-F", "none", *options, "-i", identity, f"{user}@127.0.0.1", *command]
    return subprocess.run(line, input=told, capture_output=True, text=True, timeout=60, check=False)


def test_openssh_client_runs_commands_as_the_user(machine: Machine, known_hosts: Path) -> None:
    done = client(machine, known_hosts, "id -un; uname -m; echo oh >&2; exit 7")
    assert (done.stdout, done.stderr, done.returncode) == ("pi\naarch64\n", "oh\n", 7)
    assert client(machine, known_hosts, "cat /etc/ssh/host_key").returncode == 1


def test_openssh_client_stores_a_file(machine: Machine, known_hosts: Path, tmp_path: Path) -> None:
    data = os.urandom(1 << 20)
    (tmp_path / "there").write_bytes(data)
    told = f"put {tmp_path}/there stored\nget stored {tmp_path}/back\nchmod 700 stored\n"
    done = client(machine, known_hosts, told=told)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "back").read_bytes() == data
    sum_ = client(machine, known_hosts, "sha256sum <stored; find stored -perm 700")
    assert sum_.stdout.split() == [hashlib.sha256(data).hexdigest(), "-", "stored"]


def test_other_keys_and_root_cannot_log_in(machine: Machine, known_hosts: Path, tmp_path: Path) -> None:
    done = client(machine, known_hosts, "true", key=keygen(tmp_path / "id"))
    assert done.returncode == 255
    assert "Permission denied (publickey)" in done.stderr
    done = client(machine, known_hosts, "true", user="root")
    assert done.returncode == 255
    assert "Permission denied (publickey)" in done.stderr


def test_openssh_client_refuses_another_host_key(machine: Machine, tmp_path: Path) -> None:
    other = keygen(tmp_path / "other").with_suffix(".pub").read_text()
    (tmp_path / "known_hosts").write_text(f"[127.0.0.1]:{machine.port} {other}")
    done = client(machine, tmp_path / "known_hosts", "true")
    assert done.returncode == 255
    assert "Host key verification failed" in done.stderr


def test_machine_reaches_no_other_machine(machine: Machine, known_hosts: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0)
        reach = f"nc -w 2 10.0.2.2 {listener.getsockname()[1]} </dev/null"
        assert client(machine, known_hosts, reach).returncode != 0
        with pytest.raises(BlockingIOError):
            listener.accept()


def listening(pid: int) -> set[tuple[str, int]]:
    """Return the addresses, in the kernel's hexadecimal, and ports that a process listens on."""
    links = (os.readlink(file) for file in Path(f"/proc/{pid}/fd").iterdir())
    sockets = {link.removeprefix("socket:[").rstrip("]") for link in links if link.startswith("socket:")}
    rows = [row.split() for name in ("tcp", "tcp6", "udp", "udp6") for row in _table(pid, name)]
    where = (row[1].split(":") for row in rows if row[9] in sockets and row[3] in ("0A", "07"))
    return {(address, int(port, 16)) for address, port in where}


def _table(pid: int, name: str) -> Sequence[str]:
    return Path(f"/proc/{pid}/net/{name}").read_text().splitlines()[1:]


def test_machine_listens_on_the_local_address_only(machine: Machine) -> None:
    assert listening(machine.pid) == {("0100007F", machine.port)}


def test_several_machines_run_at_once_and_leave_nothing_behind() -> None:
    with ExitStack() as stack:
        machines = [stack.enter_context(arm64.start(system)) for system in ("pi", "pi", "android")]
        assert len({machine.port for machine in machines}) == 3
        pids, folders = [machine.pid for machine in machines], [machine.folder for machine in machines]
        for one in machines[:2]:
            assert client(one, known(one, one.folder), "exit 3").returncode == 3
    assert wait_gone(pids)
    assert not any(folder.exists() for folder in folders)


def test_instruction_counts_are_exact(small: Model) -> None:
    agent = build.agent(build.EMULATED_LINUX, AGENTS / "counted.c", "pi")
    with pi.start(Entry("pi-1", "pi", agent=agent), Provenance.EMULATED) as board:
        board.deploy(small)
        (clock,) = board.facts().clocks
        assert (clock.name, clock.hz) == ("instructions", 0)
        (count,) = set(board.measure(0, 20, clock, inputs(small, 3)).ticks)
        assert 0 <= count - 300_000 < 20


def test_killed_machine_raises_link_error(small: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    started = arm64.start("pi")
    monkeypatch.setattr(arm64, "start", lambda system: started)
    with pi.start(Entry("pi-1", "pi"), Provenance.EMULATED) as board:
        board.deploy(small)
        os.kill(started.pid, signal.SIGKILL)
        with taking(5), raises(LinkError, board="pi-1"):
            board.infer(inputs(small, 3))
    assert not started.folder.exists()


HOST = """
import sys
from hil.emulators import arm64
with arm64.start("pi") as machine:
    print(machine.pid, machine.folder, flush=True)
    sys.stdin.read()
"""


def test_machine_dies_with_its_run_and_the_next_run_removes_its_files() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOST], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as host:
        assert host.stdout is not None
        pid, folder = host.stdout.readline().decode().split()
        host.kill()
        assert wait_gone([int(pid)])
    with arm64.start("pi"):
        assert not Path(folder).exists()


@pytest.fixture
def copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Image:
    """A copy of the image without snapshots, in a folder of the test."""
    made = arm64_image.image()
    folder = tmp_path / "image"
    folder.mkdir()
    for file in made.folder.iterdir():
        if file.suffix != ".snapshot":
            (folder / file.name).symlink_to(file)
    monkeypatch.setattr(arm64_image, "image", lambda: Image(folder))
    return Image(folder)


def test_first_start_keeps_a_snapshot_and_a_damaged_one_is_replaced(copied: Image) -> None:
    with arm64.start("pi"):
        (snapshot,) = copied.folder.glob("*.snapshot")
    whole = snapshot.stat()
    with arm64.start("pi"):
        assert snapshot.stat().st_ino == whole.st_ino
    os.truncate(snapshot, whole.st_size // 2)
    with arm64.start("pi") as machine:
        assert machine.port
    (snapshot,) = copied.folder.glob("*.snapshot")
    assert snapshot.stat().st_size > 0.9 * whole.st_size
    assert not list(copied.folder.glob("*.partial"))


SAVER = """
from hil.emulators import arm64
arm64.start("pi").stop()
"""


@pytest.mark.parametrize("phase", ["boot", "save"])
def test_a_run_killed_before_its_snapshot_is_kept_leaves_nothing(tmp_path: Path, phase: str) -> None:
    image = arm64_image.image()
    folders = {"XDG_CACHE_HOME": tmp_path / "cache", "TMPDIR": tmp_path / "tmp"}
    cached = tmp_path / "cache" / "reds-hil" / image.folder.name
    cached.mkdir(parents=True)
    folders["TMPDIR"].mkdir()
    for file in image.folder.iterdir():
        if ".snapshot" not in file.name:
            (cached / file.name).hardlink_to(file)
    files = set(cached.iterdir())
    environment = {**os.environ, **{name: str(folder) for name, folder in folders.items()}}

    def reached() -> bool:
        if phase == "save":
            return any(file.stat().st_size for file in cached.glob("*.partial"))
        return any("qemu-system" in line for line in marked(str(tmp_path)))

    with subprocess.Popen([sys.executable, "-c", SAVER], env=environment) as host:
        assert eventually(reached)
        host.kill()
    assert eventually(lambda: not marked(str(tmp_path)))
    assert eventually(lambda: not list(folders["TMPDIR"].iterdir()))
    sweeper = [sys.executable, "-c", "from hil import cache; cache.sweep()"]
    subprocess.run(sweeper, env=environment, check=True)
    assert set(cached.iterdir()) == files


def test_a_monitor_that_never_stops_ends_at_the_deadline() -> None:
    with Monitor() as monitor, socket.socket(fileno=os.dup(monitor.theirs)) as qemu:
        stop = threading.Event()

        def flood() -> None:
            with suppress(OSError):
                while not stop.is_set():
                    qemu.sendall(b'{"event": "NOTHING"}\n' * 1000)

        flooding = threading.Thread(target=flood)
        flooding.start()
        with taking(20), raises(EmulatorError):
            monitor.wait(lambda said: "return" in said, Deadline.after(0.3))
        stop.set()
        monitor.close()
        flooding.join()


@pytest.mark.parametrize("said", [b"not JSON\n", b"[1]\n", b"x" * (1 << 21)])
def test_a_monitor_that_does_not_speak_qmp_raises(said: bytes) -> None:
    with Monitor() as monitor, socket.socket(fileno=os.dup(monitor.theirs)) as qemu:

        def send() -> None:
            with suppress(OSError):
                qemu.sendall(said)

        sending = threading.Thread(target=send)
        sending.start()
        with raises(EmulatorError):
            monitor.wait(lambda said: True, Deadline.after(20))
        monitor.close()
        sending.join()


def test_missing_kernel_raises_with_qemus_reason(copied: Image) -> None:
    copied.kernel.unlink()
    with raises(EmulatorStopped):
        arm64.start("pi")


def test_system_that_panics_raises_with_the_kernels_reason(copied: Image) -> None:
    copied.system("pi").unlink()
    copied.system("pi").write_bytes(b"")
    with taking(30), raises(EmulatorStopped) as caught:
        arm64.start("pi")
    assert "Kernel panic" in caught.value.text


def test_missing_qemu_raises_with_the_package_to_install(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with raises(EmulatorError):
        arm64.start("pi")
    assert list(tmp_path.iterdir()) == []
