"""Test boards that are reached through the machine they are plugged in to, a real sshd."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from hil.boards.desk import Desk
from hil.boards.entry import Entry
from hil.boards.facts import Identity, Provenance
from hil.boards.targets import android, nano33ble, pi
from hil.boards.targets.nano33ble import THIS_DESK
from hil.errors import (
    BoardAbsent,
    BoardsFileError,
    BuildError,
    DeadlineError,
    HilError,
    HostKeyError,
    LinkError,
    LoginError,
)
from hil.firmware import build
from hil.firmware.elsewhere import run_there
from hil.kernels import litert
from hil.transports.deadline import Deadline
from hil.transports.host import Host
from hil.transports.network_port import RAW, TELNET
from hil.transports.rfc2217 import Rfc2217Transport
from hil.transports.ssh.machine import Unreachable
from reds.pack.model import Model
from tests.hil.support.boards import android_runs, equals_the_interpreter, open_android, open_pi, pi_runs
from tests.hil.support.phone import AdbServer
from tests.hil.support.phone import Start as StartPhone
from tests.hil.support.ptyboard import PtyBoard, nano_agent
from tests.hil.support.raising import raises
from tests.hil.support.ser2net import Ser2net
from tests.hil.support.sshd import Sshd, Start, free_port, keygen
from tests.hil.support.tcpboard import TcpBoard, entry, serving, until_closed


def host_of(there: Sshd, **changed: object) -> Host:
    """Return the login of a machine."""
    host = there.entry().host
    assert host is not None
    return replace(host, **changed)  # type: ignore[arg-type]


@pytest.fixture
def exporter(tmp_path: Path, sshd: Start) -> Iterator[Callable[..., Host]]:
    """Start the machine that boards are plugged in to."""
    folder = tmp_path / "exporter"
    folder.mkdir()
    with ExitStack() as stack:

        def start(**how: object) -> Host:
            return host_of(stack.enter_context(Sshd(folder, **how)))  # type: ignore[arg-type]

        yield start


def test_pi_behind_another_machine_runs_a_pack_under_its_own_identity(
    sshd: Start, exporter: Callable[..., Host], small: Model
) -> None:
    there = sshd()
    behind = replace(there.entry(), via=exporter())
    assert pi.absent(behind) is None
    pi_runs(behind, small)
    with open_pi(behind) as board:
        assert board.facts().identity == Identity(host_of(there).host_key or "")
    assert there.running() == []


def test_pi_behind_another_machine_has_a_lease_of_its_own(sshd: Start, exporter: Callable[..., Host]) -> None:
    via = exporter()
    behind = replace(sshd().entry(), via=via)
    assert behind.host is not None
    assert pi.device(behind) == f"127.0.0.1:{behind.host.port} through 127.0.0.1:{via.port}"
    assert pi.device(behind) != pi.device(replace(behind, via=None))


def pi_error(behind: Entry, error: type[HilError]) -> str:
    with raises(error, board="pi-1") as caught, open_pi(behind):
        pass
    return caught.value.text


def test_host_keys_of_both_machines_are_checked(
    sshd: Start, exporter: Callable[..., Host], tmp_path: Path
) -> None:
    via, direct = exporter(), sshd().entry()
    assert direct.host is not None
    wrong = "SHA256:" + "A" * 43
    said = pi_error(replace(direct, via=replace(via, host_key=wrong)), HostKeyError)
    assert f"port {via.port} shows" in said
    board = replace(direct.host, host_key=wrong)
    said = pi_error(replace(direct, host=board, via=via), HostKeyError)
    assert f"port {board.port} shows" in said
    stranger = replace(via, key=keygen(tmp_path / "other"))
    assert "refuses the key" in pi_error(replace(direct, via=stranger), LoginError)


def test_machine_that_forwards_nothing_is_named(sshd: Start, exporter: Callable[..., Host]) -> None:
    behind = replace(sshd().entry(), via=exporter(config="AllowTcpForwarding no"))
    assert "AllowTcpForwarding" in pi_error(behind, LoginError)


def test_litert_reaches_a_pi_through_its_machine_too(sshd: Start, exporter: Callable[..., Host]) -> None:
    behind = replace(sshd().entry(), via=exporter(config="AllowTcpForwarding no"))
    with raises(LoginError), litert.started(behind):
        pass


def test_pi_that_its_machine_cannot_reach_is_lost(sshd: Start, exporter: Callable[..., Host]) -> None:
    behind = replace(sshd().entry(port=free_port()), via=exporter())
    assert "cannot be reached from 127.0.0.1" in pi_error(behind, Unreachable)


def test_machine_that_is_off_makes_its_boards_absent(sshd: Start, adb: AdbServer) -> None:
    off = Host("127.0.0.1", free_port())
    behind = replace(sshd().entry(), via=off)
    assert "Connection refused" in (pi.absent(behind) or "")
    assert pi.device(behind) is None
    assert "Connection refused" in (android.absent(Entry("phone", "android", serial="S1", via=off)) or "")


@pytest.fixture
def adb_of_the_exporter(
    phone: StartPhone, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[AdbServer]:
    """A real adb server that this machine's own settings do not name."""
    with AdbServer(tmp_path / "me") as server:
        monkeypatch.setattr("hil.transports.adb.server.PORT", server.port)
        yield server


def test_phone_at_the_adb_server_of_another_machine_runs_a_pack(
    phone: StartPhone, adb_of_the_exporter: AdbServer, exporter: Callable[..., Host], small: Model
) -> None:
    there = phone(programs={"getprop": 'case "$1" in ro.serialno) echo R58M;; esac'})
    serial = adb_of_the_exporter.connect(there.port)
    entry = Entry("phone", "android", serial=serial, via=exporter())
    assert android.absent(entry) is None
    assert android.device(entry) == serial
    android_runs(entry, small)
    with open_android(entry) as board:
        assert board.facts().identity == Identity("R58M")
    assert there.running() == []


def phone_error(entry: Entry, error: type[HilError]) -> str:
    with raises(error, board="phone") as caught, open_android(entry):
        pass
    return caught.value.text


def test_phone_that_the_other_machine_lacks_is_absent(
    phone: StartPhone, adb_of_the_exporter: AdbServer, exporter: Callable[..., Host]
) -> None:
    said = phone_error(Entry("phone", "android", serial="S9", via=exporter()), BoardAbsent)
    assert (
        f"no Android device S9 on the adb server at 127.0.0.1:{adb_of_the_exporter.port} of 127.0.0.1" in said
    )


def test_machine_without_an_adb_server_says_how_to_start_one(
    phone: StartPhone, exporter: Callable[..., Host], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hil.transports.adb.server.PORT", free_port())
    said = phone_error(Entry("phone", "android", serial="S9", via=exporter()), BoardAbsent)
    assert said.endswith("start it there: adb start-server")


def test_phone_is_reached_through_the_forwarding_of_its_machine_alone(
    phone: StartPhone, adb_of_the_exporter: AdbServer, exporter: Callable[..., Host]
) -> None:
    via = exporter(config="AllowTcpForwarding no")
    serial = adb_of_the_exporter.connect(phone().port)
    assert "AllowTcpForwarding" in phone_error(Entry("phone", "android", serial=serial, via=via), LoginError)


@pytest.mark.parametrize(
    "keys", [{}, {"serial": "S1", "host": Host("h")}, {"serial": "S1", "key": Path("k")}]
)
def test_phone_of_another_machine_needs_its_serial_number_alone(keys: dict[str, object]) -> None:
    entry = Entry("phone", "android", via=Host("exporter"), **keys)  # type: ignore[arg-type]
    with raises(BoardsFileError, board="phone", key="via"), open_android(entry):
        pass


@contextmanager
def rack(folder: Path, agent: Path | None, scheme: str = RAW) -> Iterator[tuple[PtyBoard, str]]:
    """Serve a board by ser2net. Its device is the link `nano` in the folder, as udev makes one."""
    with PtyBoard(agent) as board:
        (folder / "nano").symlink_to(board.port)
        with Ser2net(folder, str(folder / "nano"), scheme) as server:
            yield board, server.port


def flashing(firmware: bytes, seconds: float = 10.0, hello_seconds: float = 10.0) -> Desk:
    """A desk that uploads these bytes in place of the Nano's firmware, which needs PlatformIO's downloads.

    It waits long for the first answer: the agents here are programs that a busy machine starts slowly.
    """
    return replace(
        THIS_DESK,
        hello_seconds=hello_seconds,
        return_seconds=seconds,
        upload_there=lambda via, command, touch: run_there(via, command, firmware, touch),
    )


@pytest.mark.parametrize(("scheme", "old"), [(RAW, True), (TELNET, False)], ids=["old agent", "silent"])
def test_nano_of_another_machine_gets_its_agent_by_a_command_there(
    exporter: Callable[..., Host],
    tmp_path: Path,
    old_agent: Path,
    small: Model,
    monkeypatch: pytest.MonkeyPatch,
    scheme: str,
    old: bool,
) -> None:
    """The command compares the file with the real agent, and plugs in a board that runs it."""
    touched: list[str] = []
    touch = Rfc2217Transport.touch

    def note(link: Rfc2217Transport, deadline: Deadline) -> None:
        touched.append(link.name)
        touch(link, deadline)

    monkeypatch.setattr(Rfc2217Transport, "touch", note)
    firmware = nano_agent().read_bytes()
    with (
        rack(tmp_path, old_agent if old else None, scheme) as (before, port),
        PtyBoard(nano_agent()) as new,
    ):
        upload = f"cmp {{firmware}} {nano_agent()} && ln -sfn {new.port} {tmp_path}/nano"
        there = entry(port, serial="S1", via=exporter(), upload=("sh", "-c", upload))
        desk = flashing(firmware, hello_seconds=10.0 if old else 0.5)
        equals_the_interpreter(nano33ble.start(there, Provenance.HARDWARE, desk), small)
        with nano33ble.start(there, Provenance.HARDWARE) as board:
            assert board.facts().build == build.build_id()
            assert board.facts().identity == Identity("S1")
        before.vanish()
    assert len(touched) == (scheme == TELNET)


def test_bootloader_of_a_nano_is_not_started_before_a_login_that_fails() -> None:
    def touch() -> None:
        pytest.fail("the board was left in its bootloader")

    with raises(LinkError):
        run_there(Host("127.0.0.1", free_port()), ("true", "{firmware}"), b"x", touch)


def nano_error(there: Entry, desk: Desk, error: type[HilError]) -> str:
    with raises(error, board="left") as caught, nano33ble.start(there, Provenance.HARDWARE, desk):
        pass
    return caught.value.text


def test_failed_upload_of_another_machine_raises_with_both_reasons(
    exporter: Callable[..., Host], old_agent: Path
) -> None:
    with TcpBoard.of(old_agent) as board:
        failing = entry(
            board.port, via=exporter(), upload=("sh", "-c", "echo no bossac >&2; exit 3; {firmware}")
        )
        said = nano_error(failing, flashing(b"x"), BuildError)
        assert "0123456789abcdef" in said
        assert "cannot upload the agent: no bossac; run it by hand" in said
        useless = replace(failing, upload=("true", "{firmware}"))
        assert "after its agent was uploaded" in nano_error(useless, flashing(b"x", 0.5), BuildError)


def test_words_of_an_upload_run_nothing_in_a_shell(exporter: Callable[..., Host], tmp_path: Path) -> None:
    mark = tmp_path / "ran"
    odd = ("printf", "%s", f"; touch {mark} #", f"$(touch {mark})", f"`touch {mark}`", "'\n{firmware}")
    run_there(exporter(), odd, b"x", lambda: None)
    assert not mark.exists()


def test_agent_that_is_right_needs_no_upload_and_no_login(small: Model) -> None:
    off = Host("127.0.0.1", free_port())
    with TcpBoard.of(nano_agent()) as board:
        there = entry(board.port, via=off, upload=("false", "{firmware}"))
        equals_the_interpreter(nano33ble.start(there, Provenance.HARDWARE), small)


def test_silent_nano_without_an_upload_raises_at_the_deadline() -> None:
    with serving(until_closed) as port:
        nano_error(entry(port), flashing(b"", hello_seconds=0.5), DeadlineError)


@pytest.mark.parametrize("keys", [{"via": Host("h")}, {"upload": ("x", "{firmware}")}])
@pytest.mark.parametrize("port", ["socket://h:1", "/dev/ttyACM0"])
def test_via_and_upload_of_a_nano_belong_together(keys: dict[str, object], port: str) -> None:
    with raises(BoardsFileError, board="left", key=next(iter(keys))):
        nano33ble.start(entry(port, **keys), Provenance.HARDWARE).__enter__()
