import json
import stat
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path

import paramiko
import pytest

from hil.boards.board import Board
from hil.boards.entry import Entry
from hil.boards.facts import Provenance
from hil.boards.registry import target
from hil.boards.targets import android
from hil.emulators import arm64
from hil.firmware import build
from reds import pack
from reds.pack.model import Model
from tests.hil.support import phone as phones
from tests.hil.support.postgres import Postgres, programs
from tests.hil.support.sshd import Sshd, Start, free_port, wait_gone
from tests.hil.support.suite_run import Run, run_pytest
from tests.support.nets import dense_model


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """Return a running PostgreSQL server."""
    found = programs()
    if found is None:
        pytest.skip("no PostgreSQL on this machine: install postgresql")
    with Postgres(found) as server:
        yield server


@pytest.fixture(scope="session")
def small() -> Model:
    """A net of two subnets that every agent runs quickly."""
    return dense_model([20, 24, 16, 5], [[8, 8, 5], [24, 16, 5]], name="small")


@pytest.fixture(scope="session")
def small_pack(small: Model, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("pack") / "small.reds"
    pack.save(small, path)
    return path


@pytest.fixture(scope="session")
def posix_agent() -> Path:
    return build.agent("desktop")


@pytest.fixture
def desktop() -> Iterator[Board]:
    with target("desktop").start(Entry("desk", "desktop"), Provenance.HARDWARE) as board:
        yield board


@pytest.fixture
def script(tmp_path: Path) -> Callable[[str], Path]:
    """Write an executable Python script that plays an agent."""

    def write(body: str) -> Path:
        path = tmp_path / "agent.py"
        path.write_text(f"#!{sys.executable}\nimport os, struct, sys\n{body}")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        return path

    return write


@pytest.fixture
def old_agent(script: Callable[[str], Path]) -> Path:
    """An agent of the same protocol, built from other sources."""
    return script("""
from hil.protocol.frame import Frame, Reader, encode
from hil.protocol.definition import HELLO, VERSION
reader = Reader()
while data := os.read(0, 4096):
    reader.feed(data)
    while frame := reader.next():
        payload = HELLO.pack(VERSION, 0, 1, 1, 1, 1000, 0, 1, 0, 0, b"0123456789abcdef", b"nano33ble")
        os.write(1, encode(Frame(frame.command | 128, frame.sequence, payload)))
""")


@pytest.fixture
def boards_toml(tmp_path: Path) -> Callable[..., Path]:
    """Write a boards file of one board."""

    def write(target: str, **more: str | int) -> Path:
        path = tmp_path / "boards.toml"
        rows = {"name": "board", "target": target, **more}
        path.write_text(
            "[[board]]\n" + "".join(f"{key} = {json.dumps(value)}\n" for key, value in rows.items())
        )
        return path

    return write


@pytest.fixture
def hil(tmp_path: Path) -> Run:
    """Run the real suite in a process of its own, as a user does in an empty folder."""

    def run(*args: object, env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        return run_pytest(tmp_path, "--pyargs", "hil", *args, env=env)

    return run


@pytest.fixture
def sshd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Start]:
    """Start a board over SSH; at the end no agent runs there, and no login that was opened here is left.

    A board of the suite that the same process benches, as under `pytest --emulate`, keeps its login.
    """
    before = set(threading.enumerate())
    monkeypatch.setenv("XDG_CACHE_HOME", str(build.cache_dir().parent))
    monkeypatch.setenv("HOME", str(tmp_path / "me"))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    started: list[Sshd] = []
    with ExitStack() as stack:

        def start(**how: object) -> Sshd:
            started.append(stack.enter_context(Sshd(tmp_path, **how)))  # type: ignore[arg-type]
            return started[0]

        yield start
        for board in started:
            assert wait_gone(board.running())
        new = set(threading.enumerate()) - before
        open_ = [thread for thread in new if isinstance(thread, paramiko.Transport)]
        for thread in open_:
            thread.join(5)
        assert not any(thread.is_alive() for thread in open_)


@pytest.fixture
def phone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[phones.Start]:
    """Start a board over ADB; at the end no agent runs there. The machine's own adb server is never used."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(build.cache_dir().parent))
    monkeypatch.setenv("HOME", str(tmp_path / "me"))
    (tmp_path / "me").mkdir()
    monkeypatch.delenv("ADB_SERVER_SOCKET", raising=False)
    monkeypatch.setenv("ANDROID_ADB_SERVER_PORT", str(free_port()))
    started: list[phones.Phone] = []
    with ExitStack() as stack:

        def start(*options: object, **how: object) -> phones.Phone:
            folder = tmp_path / f"phone{len(started) or ''}"
            folder.mkdir(exist_ok=True)
            started.append(stack.enter_context(phones.Phone(folder, *options, **how)))  # type: ignore[arg-type]
            return started[-1]

        yield start
        for board in started:
            assert wait_gone(board.running())


@pytest.fixture
def adb(phone: phones.Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[phones.AdbServer]:
    """A real adb server, which the code under test finds."""
    with phones.AdbServer(tmp_path / "me") as server:
        monkeypatch.setenv("ADB_SERVER_SOCKET", server.socket)
        yield server


@pytest.fixture
def emulated() -> Iterator[arm64.Machine]:
    """An emulated Android device with a real adbd."""
    with arm64.start("android") as machine:
        yield machine


@pytest.fixture(params=["tcp", "server"])
def reach(request: pytest.FixtureRequest) -> phones.Reach:
    """Return the entry of a board over ADB, reached directly over TCP or through a server."""
    if request.param == "tcp":
        return lambda there: there.entry()
    adb: phones.AdbServer = request.getfixturevalue("adb")
    return lambda there: Entry("phone", "android", serial=adb.connect(there.port))


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Limit a login over ADB to one second."""
    monkeypatch.setattr(android, "LOGIN_SECONDS", 1.0)
