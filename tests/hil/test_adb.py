"""Test our own parts of ADB against any bytes from the other end."""

import struct
from collections.abc import Iterable
from contextlib import nullcontext, suppress
from itertools import pairwise
from pathlib import Path

import pytest
import usb1
from adb_shell.adb_message import AdbMessage
from adb_shell.exceptions import UsbReadFailedError, UsbWriteFailedError
from adb_shell.transport.base_transport import BaseTransport
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, utils
from hypothesis import given
from hypothesis import strategies as st

from hil.errors import BoardAbsent, LinkError, LoginError, SetupError
from hil.transports.adb import server, sync
from hil.transports.adb.direct import Direct
from hil.transports.adb.find import choose
from hil.transports.adb.key import Key, make
from hil.transports.adb.session import ShellSession
from hil.transports.adb.stream import NoService
from hil.transports.adb.wire import UsbWire
from hil.transports.deadline import Deadline
from tests.hil.support.adbpeer import public_key
from tests.hil.support.raising import raises

SOON = 5.0
NAMES = st.sampled_from([1, 2])


class Pieces:
    """A stream of these pieces."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces = [piece for piece in pieces if piece]
        self.sent = b""

    def write(self, data: bytes, deadline: Deadline) -> None:
        self.sent += data

    def read(self, deadline: Deadline) -> bytes:
        return self._pieces.pop(0) if self._pieces else b""

    def close(self) -> None:
        pass


def cut(data: bytes, places: list[int]) -> list[bytes]:
    at = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    return [data[a:b] for a, b in pairwise(at)]


@given(st.lists(st.tuples(NAMES, st.binary(max_size=40))), st.integers(0, 255), st.lists(st.integers(0)))
def test_shell_packets_are_reassembled_wherever_they_were_cut(
    said: list[tuple[int, bytes]], status: int, places: list[int]
) -> None:
    packets = b"".join(struct.pack("<BI", kind, len(data)) + data for kind, data in said)
    ends = packets + struct.pack("<BIB", 3, 1, status)
    session, soon = ShellSession(Pieces(cut(ends, places))), Deadline.after(SOON)
    out = b"".join(iter(lambda: session.read(soon), b""))
    assert out == b"".join(data for kind, data in said if kind == 1)
    assert session.stderr() == b"".join(data for kind, data in said if kind == 2)
    assert session.status(SOON) == (status if status <= 128 else 128 - status)


@given(st.binary(max_size=60), st.lists(st.integers(0)))
def test_shell_session_survives_arbitrary_bytes(data: bytes, places: list[int]) -> None:
    session, soon = ShellSession(Pieces(cut(data, places))), Deadline.after(SOON)
    with suppress(EOFError):  # a packet larger than any
        while session.read(soon):
            pass
    assert session.status(0) is not None


def test_packet_above_the_limit_raises() -> None:
    with pytest.raises(EOFError, match="1,048,577"):
        ShellSession(Pieces([struct.pack("<BI", 1, (1 << 20) + 1)])).read(Deadline.after(SOON))


def test_shell_that_ends_without_a_status_counts_as_lost() -> None:
    assert ShellSession(Pieces([b"\1\2\0\0\0hi"])).status(SOON) == -1


@given(st.binary(max_size=200_000))
def test_file_is_sent_in_pieces_that_a_device_accepts(data: bytes) -> None:
    request, path, came = sync.request(data, "/x", 7), b"/x,33152", b""
    assert request.startswith(struct.pack("<4sI", b"SEND", len(path)) + path)
    at = 8 + len(path)
    while request[at : at + 4] == b"DATA":
        (size,) = struct.unpack_from("<I", request, at + 4)
        assert 0 < size <= 64 << 10
        came += request[at + 8 : at + 8 + size]
        at += 8 + size
    assert came == data
    assert request[at:] == struct.pack("<4sI", b"DONE", 7)


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ([b"OK", b"AY\0\0\0\0"], None),
        ([b"FAIL\5\0\0\0no", b" go"], sync.Refused),
        ([b"FAIL\5\0\0\0no"], EOFError),
        ([b"FAIL\xff\xff\xff\xff"], EOFError),
        ([b"HTTP/1.1"], EOFError),
        ([], EOFError),
    ],
)
def test_refused_or_odd_answer_to_a_file_raises(answer: list[bytes], error: type[Exception] | None) -> None:
    def send() -> None:
        sync.send(Pieces(answer), b"data", "/x", Deadline.after(SOON))

    if error is None:
        send()
    else:
        with pytest.raises(error):
            send()


@pytest.mark.parametrize(
    ("told", "host", "port"),
    [
        ({}, "127.0.0.1", 5037),
        ({"ANDROID_ADB_SERVER_PORT": "5038"}, "127.0.0.1", 5038),
        ({"ANDROID_ADB_SERVER_ADDRESS": "lab", "ANDROID_ADB_SERVER_PORT": "5038"}, "lab", 5038),
        ({"ADB_SERVER_SOCKET": "tcp:5039"}, "127.0.0.1", 5039),
        ({"ADB_SERVER_SOCKET": "tcp:lab:5039", "ANDROID_ADB_SERVER_PORT": "1"}, "lab", 5039),
        ({"ADB_SERVER_SOCKET": "tcp:[::1]:5039"}, "::1", 5039),
    ],
)
def test_server_address_comes_from_adbs_own_environment_variables(
    told: dict[str, str], host: str, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    heed(monkeypatch, told)
    assert server.address() == server.Server(host, port)


@pytest.mark.parametrize("value", ["localfilesystem:/tmp/adb", "tcp:lab:adb", "tcp:65536", "vsock:3:5037"])
def test_server_address_without_a_tcp_port_raises(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    heed(monkeypatch, {"ADB_SERVER_SOCKET": value})
    with raises(SetupError):
        server.address()


def heed(monkeypatch: pytest.MonkeyPatch, told: dict[str, str]) -> None:
    for name in ("ADB_SERVER_SOCKET", "ANDROID_ADB_SERVER_ADDRESS", "ANDROID_ADB_SERVER_PORT"):
        monkeypatch.delenv(name, raising=False)
    for name, value in told.items():
        monkeypatch.setenv(name, value)


@pytest.mark.parametrize(
    ("states", "serial", "chosen"),
    [
        ({"A": "device"}, None, "A"),
        ({"A": "device", "B": "offline"}, None, "A"),
        ({"A": "device", "emulator-5554": "device"}, None, "A"),
        ({"A": "device", "emulator-5554": "device"}, "emulator-5554", "emulator-5554"),
        ({"A": "device", "B": "device"}, "B", "B"),
    ],
)
def test_the_one_matching_device_is_chosen(states: dict[str, str], serial: str | None, chosen: str) -> None:
    assert choose(states, serial, "USB") == chosen


@pytest.mark.parametrize(
    ("states", "serial"),
    [
        ({}, None),
        ({}, "A"),
        ({"emulator-5554": "device"}, None),
        ({"B": "device"}, "A"),
        ({}, "emulator-5554"),
        ({"A": "device", "B": "device"}, None),
        ({"A": "unauthorized"}, None),
        ({"A": "offline"}, "A"),
    ],
)
def test_missing_or_unready_device_raises(states: dict[str, str], serial: str | None) -> None:
    with raises(BoardAbsent):
        choose(states, serial, "USB")


class Scripted(BaseTransport):  # type: ignore[misc]  # adb-shell has no types
    """A device that accepts every host and sends these messages; None is a pause."""

    name = "phone"

    def __init__(self, *said: bytes | None) -> None:
        self.deadline = Deadline.after(SOON)
        self._said = [message(b"CNXN", 0x01000000, 1 << 20, b"device::"), *said]
        self.heard = b""

    def connect(self, transport_timeout_s: float | None) -> None:
        pass

    def bulk_read(self, numbytes: int, transport_timeout_s: float | None = None) -> bytes:
        if not self._said:
            raise EOFError("it closed the connection")
        next_, *rest = self._said
        if next_ is None:
            self._said = rest
            raise TimeoutError
        self._said = [next_[numbytes:], *rest] if next_[numbytes:] else rest
        return next_[:numbytes]

    def bulk_write(self, data: bytes, transport_timeout_s: float | None = None) -> int:
        self.heard += data
        return len(data)

    def close(self) -> None:
        pass


def message(command: bytes, first: int, second: int, data: bytes = b"") -> bytes:
    return bytes(AdbMessage(command, first, second, data).pack()) + data


def talk(*said: bytes | None) -> tuple[Scripted, Direct]:
    wire = Scripted(*said)
    return wire, Direct(wire, Key(None))  # type: ignore[arg-type]


OPENED = message(b"OKAY", 7, 1)


def test_streams_get_their_own_messages_and_unknown_streams_are_closed() -> None:
    other = message(b"WRTE", 9, 5, b"whose?")
    wire, device = talk(OPENED, other, message(b"WRTE", 7, 1, b"ours"), message(b"CLSE", 7, 1))
    stream = device.open("shell:", Deadline.after(SOON))
    assert stream.read(Deadline.after(SOON)) == b"ours"
    assert message(b"CLSE", 0, 9) in wire.heard
    assert wire.heard.endswith(message(b"OKAY", 1, 7))
    assert stream.read(Deadline.after(SOON)) == b""
    with pytest.raises(EOFError, match="ended"):
        stream.write(b"late", Deadline.after(SOON))


def test_deadline_that_passes_between_messages_keeps_the_login() -> None:
    wire, device = talk(OPENED, message(b"WRTE", 7, 1, b"ours"))
    stream, past = device.open("shell:", Deadline.after(SOON)), Deadline.after(0)
    device.step(Deadline.after(SOON))
    assert stream.read(past) == b"ours"
    assert wire.heard.endswith(message(b"OKAY", 1, 7))
    with pytest.raises(TimeoutError):
        stream.write(b"late", past)
    assert device.alive()


def test_message_before_the_one_before_was_acknowledged_ends_the_login() -> None:
    _, device = talk(OPENED, *[message(b"WRTE", 7, 1, b"flood")] * 2)
    device.open("shell:", Deadline.after(SOON))
    device.step(Deadline.after(SOON))
    with pytest.raises(EOFError):
        device.step(Deadline.after(SOON))
    assert not device.alive()


@pytest.mark.parametrize("at", [0, 5, 24, 26])
def test_message_that_arrives_in_parts_is_reassembled(at: int) -> None:
    late = message(b"WRTE", 7, 1, b"late")
    _, device = talk(OPENED, late[:at] or None, *([None] if at else []), late[at:])
    stream = device.open("shell:", Deadline.after(SOON))
    with pytest.raises(TimeoutError):
        stream.read(Deadline.after(SOON))
    assert device.alive()
    assert stream.read(Deadline.after(SOON)) == b"late"


def test_large_write_waits_for_the_acknowledgment_of_each_message() -> None:
    data = bytes(range(256)) * 600
    pieces = [data[at : at + (64 << 10)] for at in range(0, len(data), 64 << 10)]
    sent = [message(b"WRTE", 1, 7, piece) for piece in pieces]
    for taken in range(3):
        wire, device = talk(OPENED, *[message(b"OKAY", 7, 1)] * taken, None)
        stream = device.open("shell:", Deadline.after(SOON))
        with pytest.raises(TimeoutError) if taken < 2 else nullcontext():
            stream.write(data, Deadline.after(SOON))
        assert wire.heard.endswith(b"".join(sent[: taken + 1]))


GOOD = message(b"WRTE", 7, 1, b"data")


@pytest.mark.parametrize(
    "bad",
    [
        GOOD[:-1] + b"!",
        GOOD[:20] + b"\0\0\0\0" + GOOD[24:],
        GOOD[:12] + struct.pack("<I", 1 << 21) + GOOD[16:],
        b"",
    ],
    ids=["wrong checksum", "wrong magic", "too long", "end"],
)
def test_malformed_message_ends_the_login(bad: bytes) -> None:
    _, device = talk(OPENED, bad)
    stream = device.open("shell:", Deadline.after(SOON))
    with pytest.raises(EOFError):
        stream.read(Deadline.after(SOON))
    assert not device.alive()


def test_service_closed_at_once_raises_no_service() -> None:
    _, device = talk(message(b"CLSE", 0, 1))
    with pytest.raises(NoService):
        device.open("shell:", Deadline.after(SOON))
    assert device.alive()


def test_new_key_is_kept_and_signs_as_its_public_key_verifies(tmp_path: Path) -> None:
    file = tmp_path / ".android" / "adbkey"
    make(file)
    before = file.read_bytes()
    make(file)
    assert file.read_bytes() == before
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.parent.stat().st_mode & 0o027 == 0
    key, challenge = Key(file), bytes(range(20))
    public_key(key.GetPublicKey().decode()).verify(
        key.Sign(challenge), challenge, padding.PKCS1v15(), utils.Prehashed(hashes.SHA1())
    )
    assert key.GetPublicKey().split()[0] == file.with_suffix(".pub").read_bytes().split()[0]


def test_unreadable_key_raises_with_its_file(tmp_path: Path) -> None:
    with raises(LoginError):
        Key(tmp_path / "gone").Sign(b"")


class Usb:
    """adb-shell's transport of a device on USB, with scripted transfers."""

    def __init__(self, *happens: object) -> None:
        self._happens = list(happens)
        self.heard = b""

    def connect(self, transport_timeout_s: float | None) -> None:
        self._next()

    def bulk_read(self, numbytes: int, transport_timeout_s: float) -> object:
        assert transport_timeout_s > 0
        return self._next()

    def bulk_write(self, data: bytes, transport_timeout_s: float) -> int:
        took = self._next()
        assert isinstance(took, int)
        self.heard += data[:took]
        return took

    def close(self) -> None:
        pass

    def _next(self) -> object:
        happens = self._happens.pop(0)
        if isinstance(happens, Exception):
            raise happens
        return happens


def wire(*happens: object) -> tuple[Usb, UsbWire]:
    usb = Usb(*happens)
    return usb, UsbWire("S1 on USB", usb, Deadline.after(SOON))


def test_usb_transfer_waits_until_the_deadline_and_writes_all_bytes() -> None:
    usb, over = wire(3, 2)
    assert over.bulk_write(b"hello") == 5
    assert usb.heard == b"hello"
    late, gone = usb1.USBErrorTimeout(), usb1.USBErrorNoDevice()
    with pytest.raises(TimeoutError):
        wire(UsbReadFailedError("", late))[1].bulk_read(24)
    with pytest.raises(OSError, match="LIBUSB_ERROR_NO_DEVICE"):
        wire(UsbReadFailedError("", gone))[1].bulk_read(24)
    with pytest.raises(OSError, match="LIBUSB_ERROR_NO_DEVICE"):
        wire(UsbWriteFailedError("", gone))[1].bulk_write(b"x")


def test_usb_device_without_permission_raises_with_the_package_to_install() -> None:
    with raises(LoginError):
        Direct(wire(usb1.USBErrorAccess())[1], Key(None))
    with raises(LinkError):
        Direct(wire(usb1.USBErrorBusy())[1], Key(None))
